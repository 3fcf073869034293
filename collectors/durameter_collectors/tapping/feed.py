"""The copy of the traffic that a tap hands to its decoder: records on a stream, in the order of the tap's clock.

Nothing here ever touches a disk: the stream is a pair of connected sockets.
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

__all__ = ["Kind", "Record", "RecordReader", "pack"]

_HEAD = struct.Struct("<BIdI")
"""Kind, connection, time (seconds since 1970), length of what follows."""


class Kind(IntEnum):
    """What a record says."""

    OPENED = 0
    """A connection is joined to its target; the name of its route follows."""
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
