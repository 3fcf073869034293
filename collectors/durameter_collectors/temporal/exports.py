"""Protobuf files of histories, taken apart as a stream: one history, or an export of Temporal Cloud with many.

An export is one message `temporal.api.export.v1.WorkflowExecutions`, of any size: its items are read one by one, so
that what a file holds is never in memory at once, and one that was cut off is read up to the cut.
"""

from collections.abc import Iterator
from io import BufferedReader
from typing import Any

__all__ = ["CutOffError", "is_export", "items_of"]

_ITEM = b"\x0a"
"""Tag of field 1 with a length: `WorkflowExecutions.items`, `WorkflowExecution.history`, `History.events`."""
_LONGEST_LENGTH = 5
"""Bytes. Protobuf allows no message of 2 GiB or more."""


class CutOffError(Exception):
    """The file ends within an item, or is no such file from there on."""


def is_export(head: bytes) -> bool:
    """Whether protobuf that begins so holds many histories. In that of one, an event's number stands in that place."""
    size = next((n for n, byte in enumerate(head[1 : 1 + _LONGEST_LENGTH], 1) if byte < 0x80), 0)
    return bool(size) and head.startswith(_ITEM) and head[1 + size : 2 + size] == _ITEM


def items_of(stream: "BufferedReader[Any]", *, most: int) -> Iterator[bytes]:
    """The items of an export, each a serialized `WorkflowExecution`.

    Args:
        stream: at its beginning.
        most: bytes of one item; no server keeps more of a run.

    Raises:
        CutOffError: the next item is not whole, or larger.
    """
    while tag := stream.read(1):
        if tag != _ITEM:
            raise CutOffError("what follows is no history")
        size = _length(stream)
        if size > most:
            raise CutOffError(f"the next history has {size} bytes, more than a server keeps of a run")
        item = stream.read(size)
        if len(item) < size:
            raise CutOffError("it was cut off within the next history")
        yield item


def _length(stream: "BufferedReader[Any]") -> int:
    """A length in base 128, the lowest seven bits first (protobuf's own encoding of numbers)."""
    size = 0
    for place in range(_LONGEST_LENGTH):
        byte = stream.read(1)
        if not byte:
            break
        size |= (byte[0] & 0x7F) << (7 * place)
        if byte[0] < 0x80:
            return size
    raise CutOffError("it was cut off before the next history")
