"""The other side of `crashes`: a process of the agent that stands by, serves when told to, and waits to be killed."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from durameter_workloads.support_agent.crashes import GO, READY, SERVING

__all__ = [
    "alongside",
    "stand_by",
]

# Wait for one thing while another is looked after.

_T = TypeVar("_T")


async def alongside(work: Coroutine[Any, Any, _T], helper: Coroutine[Any, Any, None]) -> _T:
    """The result of `work`, with `helper` running beside it until then.

    Raises:
        Exception: what `work` raises, or what `helper` raises before `work` is done: a driver must not wait for an
            agent that waits for a helper that has died.
    """
    working, helping = asyncio.create_task(work), asyncio.create_task(helper)
    try:
        await asyncio.wait({working, helping}, return_when=asyncio.FIRST_COMPLETED)
        if helping.done() and not working.done():
            await helping
        return await working
    finally:
        for each in (working, helping):
            each.cancel()
        await asyncio.gather(working, helping, return_exceptions=True)


Prepare = Callable[[dict[str, Any]], Awaitable[AbstractAsyncContextManager[Any]]]
"""From the order: what serves while it is entered. What takes long is done before."""


def stand_by(prepare: Prepare) -> None:
    """Prepare, wait for the word, serve until standard input ends: then the parent is gone, or wants this to end.

    Standard output is for the words alone: what libraries print goes to standard error.
    """
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    async def work() -> None:
        serving = await prepare(json.loads(sys.stdin.readline()))
        out.write(f"{READY}\n")
        if (await asyncio.to_thread(sys.stdin.readline)).strip() == GO:
            async with serving:
                out.write(f"{SERVING}\n")
                await asyncio.to_thread(sys.stdin.read)
                os._exit(0)

    asyncio.run(work())
    os._exit(0)  # not through the interpreter's finalization: SDK threads live (temporalio/sdk-python issue 300)
