"""The main loop of a decoder process: the copy of the traffic on standard input (a socket) → rows in a file.

It ends when the tap ends, in whatever way: its input closes then. A signal that is meant for the tap does not end it,
so that everything that passed is written.
"""

import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from pydantic import BaseModel

__all__ = [
    "Decoder",
    "Kind",
    "Record",
    "RecordReader",
    "Rows",
    "pack",
    "run",
]

# The copy of the traffic that a tap hands to its decoder: records on a stream, in the order of the tap's clock.

_HEAD = struct.Struct("<BIdI")
"""Kind, connection, time (seconds since 1970), length of what follows."""


class Kind(IntEnum):
    """What a record says."""

    OPENED = 0
    """A connection has reached its target; the name of its route follows."""
    FROM_CLIENT = 1
    FROM_SERVER = 2
    CLOSED = 3
    MARK = 4
    """Somebody asks for an answer once everything before is decoded and written."""
    NOTICE = 5
    """The tap has something to say, in words."""
    UNREACHED = 6
    """A connection was ended because its target could not be reached: nothing of it was read. The route follows."""


class Record(NamedTuple):
    """One thing that happened at the tap."""

    kind: int
    connection: int
    time: float
    data: bytes


def pack(kind: Kind, connection: int, time: float, length: int) -> bytes:
    """The head of a record; its bytes follow."""
    return _HEAD.pack(kind, connection, time, length)


class RecordReader:
    """Cuts a stream of bytes into records again."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Record]:
        """Take what was read and give the whole records so far."""
        data = self._rest + data if self._rest else data
        place, size = 0, len(data)
        while size - place >= _HEAD.size:
            kind, connection, time, length = _HEAD.unpack_from(data, place)
            start = place + _HEAD.size
            if size - start < length:
                break
            place = start + length
            yield Record(kind, connection, time, data[start:place])
        self._rest = data[place:]


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
