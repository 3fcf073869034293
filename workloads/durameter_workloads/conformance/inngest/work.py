"""What the steps of the scenarios do: succeed, or fail in one of the SDK's ways."""

import asyncio
from datetime import timedelta

import inngest

__all__ = ["FOR_GOOD", "broken", "good", "hopeless", "limited", "slow"]

FOR_GOOD = 99
"""More failures than any scenario allows attempts."""


async def good() -> str:
    """Succeed."""
    return "good"


async def slow(seconds: float) -> str:
    """Succeed after a while."""
    await asyncio.sleep(seconds)
    return "good"


async def broken(ctx: inngest.Context, times: int) -> str:
    """Fail so many times with any error, then succeed. The server counts attempts from 0, of the step or the function.

    Raises:
        RuntimeError: at the first attempts.
    """
    if ctx.attempt < times:
        raise RuntimeError("500")
    return "good"


async def limited(ctx: inngest.Context, times: int) -> str:
    """Fail so many times with what a 429 becomes, then succeed.

    Raises:
        RetryAfterError: at the first attempts.
    """
    if ctx.attempt < times:
        raise inngest.RetryAfterError("429", timedelta(milliseconds=500), quiet=True)
    return "good"


async def hopeless() -> str:
    """Fail and say that no attempt will help.

    Raises:
        NonRetriableError: always.
    """
    raise inngest.NonRetriableError("no use", quiet=True)
