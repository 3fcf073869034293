"""The app's memory: each conversation's thread, and the replies that the users wait for."""

import asyncio
from collections import defaultdict
from typing import Any

__all__ = ["Threads"]


class Threads:
    """Histories in memory; what a database would be in production."""

    def __init__(self) -> None:
        self._histories: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._replies: defaultdict[tuple[str, int], asyncio.Future[str]] = defaultdict(asyncio.Future)

    def history(self, task: str) -> list[dict[str, Any]]:
        """All messages of the turns that are over."""
        return self._histories[task]

    def append(self, task: str, message: int, turn: list[dict[str, Any]], reply: str) -> None:
        """A turn is over. The same message again (its step was retried) changes nothing."""
        future = self._replies[task, message]
        if not future.done():
            self._histories[task] = [*self._histories[task], *turn]
            future.set_result(reply)

    async def replied(self, task: str, message: int) -> str:
        """Wait for the reply to a message."""
        return await asyncio.shield(self._replies[task, message])
