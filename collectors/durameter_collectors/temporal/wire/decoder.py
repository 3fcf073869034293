"""The decoder of a Temporal tap: calls of all its connections → rows."""

import sys
from collections.abc import Mapping
from pathlib import Path

from durameter_collectors.tapping.decoding import Rows, run
from durameter_collectors.tapping.feed import Kind, Record
from durameter_collectors.temporal.wire.answer import when
from durameter_collectors.temporal.wire.calls import Capture, Connection
from durameter_collectors.temporal.wire.record import WireProblem

__all__ = ["Decoder"]


class Decoder:
    """All connections of a capture."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._capture = Capture(rows.write)
        self._connections: dict[int, Connection] = {}

    def take(self, record: Record) -> None:
        """Decode one record, never a mark."""
        if record.kind == Kind.FROM_CLIENT:
            self._connections[record.connection].from_client(record.time, record.data)
        elif record.kind == Kind.FROM_SERVER:
            self._connections[record.connection].from_server(record.time, record.data)
        elif record.kind == Kind.OPENED:
            self._connections[record.connection] = Connection(self._capture)
        elif record.kind == Kind.CLOSED:
            self._connections.pop(record.connection).close(record.time)
        elif record.kind == Kind.NOTICE:
            self._rows.write(WireProblem(call=0, time=when(record.time), what=record.data.decode(), grave=False))

    def state(self) -> Mapping[str, object]:
        """Calls so far, and the oldest one that may be an Action and has no answer yet."""
        return {"calls": self._capture.calls, "open": next(iter(self._capture.open), None)}


if __name__ == "__main__":
    run(Decoder, Path(sys.argv[1]))
