"""Exit statuses, and leaving without the interpreter's finalization."""

import os
import signal
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:  # every command imports this module, `--version` too
    from durameter.results.model import Measurement

__all__ = [
    "EXIT_CODES",
    "exit_code",
    "leave",
    "until_stopped",
]

# Work that Ctrl-C and SIGTERM end in good order.

_Result = TypeVar("_Result")


def until_stopped(work: Coroutine[Any, Any, _Result], *, stopped: str) -> _Result:
    """Run to the end, or until somebody stops it; SIGTERM ends it as Ctrl-C does.

    Args:
        work: what to run; it is cancelled and cleans up.
        stopped: what to say then.

    Raises:
        typer.Exit: 130 after Ctrl-C, 143 after SIGTERM.
    """
    import asyncio

    async def stoppable() -> _Result:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(stoppable())
    except (KeyboardInterrupt, asyncio.CancelledError) as stop:
        print(stopped, file=sys.stderr)
        raise typer.Exit(130 if isinstance(stop, KeyboardInterrupt) else 143) from None


EXIT_CODES = {
    0: "all tasks completed, and independent sources agree (or the report says that there is only one)",
    1: "a task failed, timed out or was interrupted; for `prices --check`, a price book wants attention",
    2: "wrong usage, configuration or result folder",
    3: "an engine is missing",
    4: "units that no rule explains, or a task that could not be counted in full",
    99: "a budget is broken",
    130: "stopped by Ctrl-C",
    143: "stopped by SIGTERM",
}


def exit_code(measurement: "Measurement") -> int:
    """The status of a measurement; the gravest that applies: 4, then 3, then 1."""
    for engine in measurement.engines:
        if any(found.state == "differs" for found in engine.reconciliations):
            return 4
        # What was interrupted is short of something anyway; of records, it is a task that cannot be counted in full.
        if any(task.gaps for task in engine.tasks if task.state != "interrupted" or measurement.door == "count"):
            return 4
    if any(engine.state == "missing" for engine in measurement.engines):
        return 3
    done = measurement.state == "complete" and all(engine.state == "measured" for engine in measurement.engines)
    completed = all(task.state == "completed" for engine in measurement.engines for task in engine.tasks)
    return 0 if done and completed else 1


def leave(status: int) -> NoReturn:
    """End the process with exactly this status.

    A process that holds threads of an engine's SDK may die in the interpreter's finalization with another status, and
    people gate on ours.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if logging := sys.modules.get("logging"):
        logging.shutdown()
    os._exit(status)
