"""The decoder process: the copy of the traffic on standard input (a socket) → rows in a file.

It ends when the tap ends, in whatever way: its input closes then. A signal that is meant for the tap does not end it,
so that everything that passed is written.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import BinaryIO

from durameter_collectors.temporal.wire.answer import Row, when
from durameter_collectors.temporal.wire.calls import Capture, Connection
from durameter_collectors.temporal.wire.feed import Kind, Record, RecordReader
from durameter_collectors.temporal.wire.record import WireProblem

__all__ = ["Decoder", "main"]

_READ_BYTES = 1024 * 1024
_NICE = 15
"""The program that is measured goes first; a backlog is caught up with when it rests."""


class Decoder:
    """All connections of a capture."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lines: list[str] = []
        self._rows = 0
        self._capture = Capture(self._write)
        self._connections: dict[int, Connection] = {}

    def _write(self, row: Row) -> None:
        self._lines.append(row.model_dump_json())

    def take(self, record: Record) -> str | None:
        """Decode one record; returns what a mark is answered with."""
        if record.kind == Kind.FROM_CLIENT:
            self._connections[record.connection].from_client(record.time, record.data)
        elif record.kind == Kind.FROM_SERVER:
            self._connections[record.connection].from_server(record.time, record.data)
        elif record.kind == Kind.OPENED:
            self._connections[record.connection] = Connection(self._capture)
        elif record.kind == Kind.CLOSED:
            self._connections.pop(record.connection).close(record.time)
        elif record.kind == Kind.NOTICE:
            self._write(WireProblem(call=0, time=when(record.time), what=record.data.decode(), grave=False))
        else:
            self.flush()
            oldest = next(iter(self._capture.open), None)
            answer = {"mark": record.connection, "calls": self._capture.calls, "rows": self._rows, "open": oldest}
            return json.dumps(answer)
        return None

    def flush(self) -> None:
        """Write the rows so far, whole lines at once."""
        if self._lines:
            self._rows += len(self._lines)
            self._lines.append("")
            self._out.write("\n".join(self._lines).encode())
            self._out.flush()
            self._lines.clear()


def main(out: Path) -> None:
    """Decode until the tap ends."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)
    reader = RecordReader()
    with socket.socket(fileno=sys.stdin.fileno()) as tap, out.open("ab", buffering=0) as file:
        decoder = Decoder(file)
        while data := tap.recv(_READ_BYTES):
            for record in reader.feed(data):
                answer = decoder.take(record)
                if answer is not None:
                    tap.sendall(answer.encode() + b"\n")
            decoder.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
