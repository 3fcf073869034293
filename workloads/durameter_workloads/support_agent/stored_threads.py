"""The app's memory in a database file: what it knows outlives its process, and other processes can read it."""

import asyncio
import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = [
    "StoredThreads",
    "Threads",
]

# The app's memory: each conversation's thread, and the replies that the users wait for.


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


_LOOK_SECONDS = 0.1
_BUSY_SECONDS = 30.0


class StoredThreads(Threads):
    """Histories in SQLite."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        with closing(self._open()) as store, store:
            store.execute("PRAGMA journal_mode = WAL")
            store.execute(
                "CREATE TABLE IF NOT EXISTS turns (task, message INTEGER, turn, reply, UNIQUE (task, message))"
            )

    def history(self, task: str) -> list[dict[str, Any]]:
        """All messages of the turns that are over."""
        with closing(self._open()) as store:
            rows = store.execute("SELECT turn FROM turns WHERE task = ? ORDER BY message", (task,)).fetchall()
        return [message for (turn,) in rows for message in json.loads(turn)]

    def append(self, task: str, message: int, turn: list[dict[str, Any]], reply: str) -> None:
        """A turn is over. The same message again (its step was retried) changes nothing."""
        with closing(self._open()) as store, store:
            row = (task, message, json.dumps(turn), reply)
            store.execute("INSERT OR IGNORE INTO turns VALUES (?, ?, ?, ?)", row)

    async def replied(self, task: str, message: int) -> str:
        """Wait for the reply to a message."""
        query = "SELECT reply FROM turns WHERE task = ? AND message = ?"
        while True:
            with closing(self._open()) as store:
                row = store.execute(query, (task, message)).fetchone()
            if row is not None:
                return str(row[0])
            await asyncio.sleep(_LOOK_SECONDS)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=_BUSY_SECONDS)
