"""The decoder of an Inngest tap: exchanges of all its connections → rows."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from durameter_collectors.inngest.wire.http1 import Conversation, Exchange, Listener
from durameter_collectors.inngest.wire.reading import reader_of, when
from durameter_collectors.inngest.wire.record import WireProblem, WireUnreached
from durameter_collectors.tapping.decoding import Rows, run
from durameter_collectors.tapping.feed import Kind, Record

__all__ = ["InngestDecoder"]

_FREE_UPGRADES = ("/v1/realtime/",)
"""Subscribers of published messages: nothing that is billed as an execution."""


@dataclass(slots=True)
class _Capture:
    """What all connections share."""

    rows: Rows
    calls: int = 0
    time: float = 0.0
    open: dict[int, None] = field(default_factory=dict)
    """Exchanges under way that will be rows, in order."""


class _Connection(Listener):
    """What one connection's conversation tells."""

    def __init__(self, capture: _Capture, route: str) -> None:
        self._capture = capture
        self._route = route
        self.conversation = Conversation(self)

    def begun(self, exchange: Exchange) -> None:
        """Keep the bodies of what will be a row."""
        self._capture.calls += 1
        exchange.number = self._capture.calls
        if reader_of(self._route, exchange) is not None:
            exchange.request.kept = exchange.answer.kept = True
            self._capture.open[exchange.number] = None

    def ended(self, exchange: Exchange) -> None:
        """Write its rows."""
        self._capture.open.pop(exchange.number, None)
        read = reader_of(self._route, exchange)
        if read is not None:
            for row in read(exchange):
                self._capture.rows.write(row)

    def unreadable(self, why: str, *, asked: str = "", grave: bool = True) -> None:
        """Say so: whatever it carries is not counted."""
        what = f"a connection to the {self._route} cannot be read, {why}: nothing of it is counted from here on"
        grave = grave and not asked.startswith(_FREE_UPGRADES)
        self._capture.rows.write(WireProblem(call=0, time=when(self._capture.time), what=what, grave=grave))


class InngestDecoder:
    """All connections of a capture."""

    def __init__(self, rows: Rows) -> None:
        self._capture = _Capture(rows)
        self._connections: dict[int, _Connection] = {}

    def take(self, record: Record) -> None:
        """Decode one record, never a mark."""
        self._capture.time = record.time
        if record.kind == Kind.OPENED:
            self._connections[record.connection] = _Connection(self._capture, record.data.decode())
        elif record.kind == Kind.FROM_CLIENT:
            self._connections[record.connection].conversation.from_client(record.time, record.data)
        elif record.kind == Kind.FROM_SERVER:
            self._connections[record.connection].conversation.from_server(record.time, record.data)
        elif record.kind == Kind.CLOSED:
            self._connections.pop(record.connection).conversation.close(record.time)
        elif record.kind == Kind.UNREACHED:
            self._capture.rows.write(WireUnreached(call=0, time=when(record.time), route=record.data.decode()))
        else:
            notice = WireProblem(call=0, time=when(record.time), what=record.data.decode(), grave=False)
            self._capture.rows.write(notice)

    def state(self) -> Mapping[str, object]:
        """Exchanges so far, and the oldest one that is under way and will be a row."""
        return {"calls": self._capture.calls, "open": next(iter(self._capture.open), None)}


if __name__ == "__main__":
    run(InngestDecoder, Path(sys.argv[1]))
