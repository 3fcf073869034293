"""Start a tap under guard, whatever it taps."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from durameter.engines.base import engine_needed
from durameter.errors import EngineMissingError
from durameter.processes.server import GuardedProcess, clean_environment, free_ports
from durameter_collectors.tapping.client import TapError

__all__ = ["GuardedTap", "first_end", "start_guarded_tap"]

_LOOK_SECONDS = 1.0
_START_TRIES = 3


class _Log(Protocol):
    async def ready(self) -> bool:
        """Whether the tap answers."""

    async def stats(self) -> Mapping[str, Any]:
        """Statistics of the tap so far."""


LogType = TypeVar("LogType", bound=_Log)


@dataclass(frozen=True)
class GuardedTap(Generic[LogType]):
    """A tap that runs."""

    address: str
    """`host:port` on loopback that was free for it to listen on."""
    log: LogType
    process: GuardedProcess

    async def decoder_failed(self) -> str:
        """Wait until the tap no longer understands what passes, and say so: nothing would be counted from there on."""
        with contextlib.suppress(TapError):  # it has died altogether, which is its process's matter
            while (await self.log.stats())["decoding"]:
                await asyncio.sleep(_LOOK_SECONDS)
            return "The tap's decoder ended by itself: calls are not counted any more. Measure again."
        await asyncio.Event().wait()
        return ""


async def first_end(processes: Sequence[GuardedProcess], tap: GuardedTap[LogType] | None) -> str:
    """Wait until one of these processes ends, or the tap's decoder fails, and say so. Waits for ever without any."""
    ends = [asyncio.create_task(process.died()) for process in processes]
    if tap is not None:
        ends += [asyncio.create_task(tap.process.died()), asyncio.create_task(tap.decoder_failed())]
    if not ends:
        await asyncio.Event().wait()
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for end in ends:
            end.cancel()


async def start_guarded_tap(
    name: str,
    folder: Path,
    command: Callable[[str, str, Path, int], list[str]],
    log: Callable[[Path, int], LogType],
    *,
    listens: bool,
) -> GuardedTap[LogType]:
    """Start a tap on free loopback ports.

    Args:
        name: what to call it in errors.
        folder: where its rows and its log go. Nothing raw is written.
        command: makes its command line: interpreter, address to listen on, file of rows, control port.
        log: makes its reader, of the file of rows and the control port.
        listens: whether it listens on its port from the beginning.

    Raises:
        EngineMissingError: it did not start.
    """
    folder = folder.absolute() / "tap"  # it works in it
    for attempt in range(_START_TRIES):
        port, control = free_ports(2)
        address = f"127.0.0.1:{port}"
        rows = folder / f"wire{attempt or ''}.jsonl"
        reader = log(rows, control)
        argv = command(sys.executable, address, rows, control)
        with engine_needed():
            process = await GuardedProcess.start(name, argv, folder=folder, environment=clean_environment(folder))
            if await process.ready(reader.ready, port=port if listens else control):
                return GuardedTap(address, reader, process)
    raise EngineMissingError(f"{name} found its ports taken {_START_TRIES} times. See its log in {folder}.")
