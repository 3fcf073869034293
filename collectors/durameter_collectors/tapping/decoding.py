"""The main loop of a decoder process: the copy of the traffic on standard input (a socket) → rows in a file.

It ends when the tap ends, in whatever way: its input closes then. A signal that is meant for the tap does not end it,
so that everything that passed is written.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from pydantic import BaseModel

from durameter_collectors.tapping.feed import Kind, Record, RecordReader

__all__ = ["Decoder", "Rows", "run"]

_READ_BYTES = 1024 * 1024
_NICE = 15
"""The program that is measured goes first; a backlog is caught up with when it rests."""


class Rows:
    """What is written: whole lines at once."""

    def __init__(self, out: BinaryIO) -> None:
        self.written = 0
        self._out = out
        self._lines: list[str] = []

    def write(self, row: BaseModel) -> None:
        """Keep a row until the next `flush`."""
        self._lines.append(row.model_dump_json())

    def flush(self) -> None:
        """Write the rows so far."""
        if self._lines:
            self.written += len(self._lines)
            self._lines.append("")
            self._out.write("\n".join(self._lines).encode())
            self._out.flush()
            self._lines.clear()


class Decoder(Protocol):
    """What an engine's decoder does with the records of a tap."""

    def take(self, record: Record) -> None:
        """Decode one record, never a mark."""

    def state(self) -> Mapping[str, object]:
        """What a mark is answered with besides its number: `calls` seen so far and the oldest `open` one."""


def run(decoder: Callable[[Rows], Decoder], out: Path) -> None:
    """Decode until the tap ends.

    Args:
        decoder: makes the engine's decoder, which writes to the given rows.
        out: their file; it is appended to.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)
    reader = RecordReader()
    with socket.socket(fileno=sys.stdin.fileno()) as tap, out.open("ab", buffering=0) as file:
        rows = Rows(file)
        own = decoder(rows)
        while data := tap.recv(_READ_BYTES):
            for record in reader.feed(data):
                if record.kind == Kind.MARK:
                    rows.flush()
                    tap.sendall(json.dumps({"mark": record.connection, **own.state()}).encode() + b"\n")
                else:
                    own.take(record)
            rows.flush()
