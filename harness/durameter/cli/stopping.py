"""Work that Ctrl-C and SIGTERM end in good order."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

__all__ = ["until_stopped"]

_Result = TypeVar("_Result")


def until_stopped(work: Coroutine[Any, Any, _Result], *, stopped: str) -> _Result:
    """Run to the end, or until somebody stops it; SIGTERM ends it as Ctrl-C does.

    Args:
        work: what to run; it is cancelled and cleans up.
        stopped: what to say then.

    Raises:
        typer.Exit: 130 after Ctrl-C, 143 after SIGTERM.
    """

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
