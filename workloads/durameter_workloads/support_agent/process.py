"""The other side of `crashes`: a process of the agent that stands by, serves when told to, and waits to be killed."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from durameter_workloads.support_agent.crashes import GO, READY, SERVING

__all__ = ["stand_by"]

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
