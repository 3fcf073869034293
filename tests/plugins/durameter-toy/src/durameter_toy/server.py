"""A server in memory: it takes lines over TCP, keeps them, and counts them a second time, as a meter."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from durameter_toy.log import METER, Entry

__all__ = ["ToyClient", "ToyServer", "serving"]


class ToyServer:
    """What it was told."""

    def __init__(self) -> None:
        self.address = ""
        self.log: list[Entry] = []
        self.meter: Counter[str] = Counter()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: an entry per line, answered by `ok`."""
        while line := await reader.readline():
            entry = Entry.model_validate_json(line)
            self.log.append(entry)
            if name := METER.get(entry.what):
                self.meter[name] += 1
            writer.write(b"ok\n")
            await writer.drain()
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[ToyServer]:
    """A server on a free port of this machine, while the context lasts."""
    toy = ToyServer()
    server = await asyncio.start_server(toy.take, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    toy.address = f"{host}:{port}"
    try:
        yield toy
    finally:
        server.close()


class ToyClient:
    """Tells a server what a job does."""

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.rpartition(":")

    async def run(self, job: str, steps: int, *, retried: int = 0) -> None:
        """A whole job: its start, its steps, the first `retried` of them tried twice, and its end."""
        reader, writer = await asyncio.open_connection(self._host, int(self._port))
        names = [f"step {number}" for number in range(1, steps + 1)]
        lines = [("start", "")]
        for number, name in enumerate(names):
            lines += [("step", name), ("retry", name)] if number < retried else [("step", name)]
        for what, name in [*lines, ("end", "")]:
            entry = Entry(job=job, what=what, step=name, at=datetime.now(UTC))  # type: ignore[arg-type]  # a literal
            writer.write(entry.model_dump_json().encode() + b"\n")
            await writer.drain()
            await reader.readline()
        writer.close()
        await writer.wait_closed()
