"""Start the tap under guard, before a Temporal frontend."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durameter.config import TemporalConfig
from durameter.engines.process import GuardedProcess
from durameter.errors import EngineMissingError

__all__ = ["RunningTap", "start_tap"]


@dataclass(frozen=True)
class RunningTap:
    """A tap that forwards to one server."""

    address: str
    """`host:port` for clients and workers: plain HTTP/2, whatever the server speaks."""
    log: Any
    process: GuardedProcess


async def start_tap(config: TemporalConfig, target: str, folder: Path) -> RunningTap:
    """Not yet."""
    raise EngineMissingError(f"no tap yet {config.tap} {target} {folder}")
