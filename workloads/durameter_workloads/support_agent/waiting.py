"""Wait for one thing while another is looked after."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["alongside"]

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
