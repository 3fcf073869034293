"""Start the tap under guard, before a Temporal frontend."""

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

from durameter.config import TemporalConfig
from durameter.engines.process import GuardedProcess, clean_environment, free_ports
from durameter.engines.temporal.connect import wants_tls
from durameter.errors import EngineMissingError
from durameter_collectors.tapping.upstream import Tls, host_and_port
from durameter_collectors.temporal.wire.log import WireError, WireLog, tap_command

__all__ = ["RunningTap", "start_tap"]

_LOOK_SECONDS = 1.0
_START_TRIES = 3


@dataclass(frozen=True)
class RunningTap:
    """A tap that forwards to one server."""

    address: str
    """`host:port` for clients and workers: plain HTTP/2, whatever the server speaks."""
    log: WireLog
    process: GuardedProcess

    async def deaf(self) -> str:
        """Wait until the tap no longer understands what passes, and say so: nothing would be counted from there on."""
        with contextlib.suppress(WireError):  # it has died altogether, which is its process's matter
            while (await self.log.stats())["decoding"]:
                await asyncio.sleep(_LOOK_SECONDS)
            return "The tap's decoder ended by itself: calls are not counted any more. Measure again."
        await asyncio.Event().wait()
        return ""


async def start_tap(config: TemporalConfig, target: str, folder: Path) -> RunningTap:
    """Start a tap on free loopback ports.

    Args:
        config: whether and how the target speaks TLS.
        target: `host:port` of the server.
        folder: where its rows and its log go. Nothing raw is written.

    Raises:
        EngineMissingError: it did not start.
    """
    folder = folder.absolute() / "tap"  # it works in it
    try:
        host_and_port(target)
    except ValueError as error:
        raise EngineMissingError(f"The address of the Temporal server, {error}.") from error
    tls = None
    if wants_tls(config):
        ca, certificate, key = (
            file.absolute() if file else None for file in (config.tls_ca, config.tls_cert, config.tls_key)
        )
        tls = Tls(ca=ca, certificate=certificate, key=key, server_name=config.tls_server_name)
    for attempt in range(_START_TRIES):
        port, control = free_ports(2)
        address, rows = f"127.0.0.1:{port}", folder / f"wire{attempt or ''}.jsonl"
        argv = tap_command(sys.executable, listen=address, target=target, out=rows, control=control, tls=tls)
        process = await GuardedProcess.start(
            "The tap before the Temporal server", argv, folder=folder, environment=clean_environment(folder)
        )
        log = WireLog(rows, control)
        if await process.ready(log.ready, port=port):
            return RunningTap(address, log, process)
    raise EngineMissingError(f"The tap found its ports taken {_START_TRIES} times. See its log in {folder}.")
