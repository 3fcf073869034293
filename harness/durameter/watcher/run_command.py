"""Run the command of a watch to its end: its own, or the one that the user set."""

import asyncio
import contextlib
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import JsonValue

from durameter.engines.base import Progress
from durameter.engines.discovery import Watched
from durameter.errors import UsageError
from durameter.processes.child import ProcessError
from durameter.processes.command import Command

__all__ = ["COUNTED", "Ended", "Stop", "check_command", "run_command"]

COUNTED = ". What it did until then is counted"
"""The end of what is said of a command that failed; not so where nothing was found."""

_LOOK_SECONDS = 0.5


class Stop:
    """By which somebody (Ctrl-C) ends the command and has it counted."""

    def __init__(self) -> None:
        self.armed = False
        """Whether there is a command to end: before it, and while it is counted, a stop is a stop of everything."""
        self.asked = asyncio.Event()


class _Plan(Protocol):
    @property
    def command(self) -> tuple[str, ...]: ...
    @property
    def seconds(self) -> float | None: ...
    @property
    def tasks(self) -> int | None: ...
    @property
    def grace(self) -> float: ...
    @property
    def stop(self) -> Stop: ...


@dataclass
class Ended:
    """How the command ended."""

    problem: str = ""
    """In words; empty when nothing was wrong."""
    server_died: bool = False
    about: dict[str, JsonValue] = field(default_factory=dict)
    """For the record."""


def check_command(argv: Sequence[str]) -> None:
    """Check that a command can be started at all.

    Raises:
        UsageError: there is no such program.
    """
    if shutil.which(argv[0]) is None:
        folder = "" if "/" in argv[0] else " on the PATH"
        raise UsageError(
            f"The command cannot be started: there is no program {argv[0]!r}{folder}. Write it as in a shell, after "
            "two hyphens: durameter watch -- python my_agent.py. What needs a shell (&&, |, &): sh -c '...'."
        )


async def run_command(plan: _Plan, watched: Watched, environment: Mapping[str, str], progress: Progress) -> Ended:
    """Start it and wait for its end, `--for`, `--tasks` or Ctrl-C; then nothing of it runs any more.

    What it left in the background goes on while a task of it does.

    Raises:
        UsageError: it cannot be started.
    """
    try:
        command = Command.start(plan.command, environment)
    except ProcessError as error:
        reason = error.reason or error
        raise UsageError(f"The command {plan.command[0]!r} cannot be started: {reason}.") from error
    progress(f"running: {' '.join(plan.command)}")
    plan.stop.armed = True
    try:
        await watched.begin()
        async with _racing(
            own=_own_end(command, watched, progress),
            stopped=plan.stop.asked.wait(),
            late=asyncio.sleep(plan.seconds) if plan.seconds is not None else asyncio.Event().wait(),
            enough=_enough(watched, plan.tasks),
            died=watched.session.died(),
        ) as (first, result):
            own = command.status
            ended = _said(first, result, own, plan, watched.abort_note)
            if first != "own" and ended.about["ended"]:
                progress(f"{ended.about['ended']}: the command is asked to end (Ctrl-C again to stop everything)")
            await command.end(plan.grace)
            ended.about["status"] = command.status
            return ended
    finally:
        plan.stop.armed = False
        with contextlib.suppress(OSError):
            command.kill()


def _said(first: str, result: Any, status: int | None, plan: _Plan, abort_note: str) -> Ended:
    words = {
        "own": "by itself",
        "stopped": "stopped",
        "late": f"after {plan.seconds or 0:g} s (--for)",
        "enough": f"{plan.tasks} {'task has' if plan.tasks == 1 else 'tasks have'} ended (--tasks)",
        "died": "the server died",
    }
    ended = Ended(about={"ended": words[first]})
    if first == "died":
        ended.problem, ended.server_died = str(result), True
    elif status:
        how = f"with status {status}" if status > 0 else f"by signal {-status}"
        if -status in {signal.SIGABRT, signal.SIGSEGV}:
            how += abort_note
        ended.problem = f"the command failed: it ended {how}{COUNTED}"
    return ended


async def _own_end(command: Command, watched: Watched, progress: Progress) -> None:
    """The command's end; while processes that it left still work on its tasks, wait for those."""
    status = await command.wait()
    if status == 0 and command.left() and await _going(watched):
        progress("the command has ended; what it left in the background works on its tasks (Ctrl-C stops waiting)")
        while command.left() and await _going(watched):
            await asyncio.sleep(_LOOK_SECONDS)


async def _going(watched: Watched) -> bool:
    return any(task.running for task in await watched.tasks())


async def _enough(watched: Watched, tasks: int | None) -> None:
    if tasks is None:
        await asyncio.Event().wait()
        return
    while sum(not task.running for task in await watched.tasks()) < tasks:
        await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def _racing(**works: Any) -> AsyncIterator[tuple[str, Any]]:
    """Name and result of whichever is first; the others are cancelled at the end."""
    futures = {name: asyncio.ensure_future(work) for name, work in works.items()}
    try:
        await asyncio.wait(futures.values(), return_when=asyncio.FIRST_COMPLETED)
        name = next(name for name, future in futures.items() if future.done())
        yield name, futures[name].result()
    finally:
        for future in futures.values():
            future.cancel()
        await asyncio.gather(*futures.values(), return_exceptions=True)
