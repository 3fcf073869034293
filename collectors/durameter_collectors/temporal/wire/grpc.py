"""gRPC's framing of messages: the body of a stream → messages, uncompressed."""

import struct
import zlib
from collections.abc import Iterator

__all__ = ["LARGEST", "Body", "BodyError"]

LARGEST = 128 * 1024 * 1024
"""Bytes of the largest message that is kept: what Temporal servers take between themselves; clients may send less."""

_HEAD = struct.Struct(">BI")
_WINDOW = {"gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


class BodyError(Exception):
    """A body cannot be read. The message never quotes what passed."""


class Body:
    """What passed of one direction of a call."""

    def __init__(self) -> None:
        self.encoding = "identity"
        self._data = bytearray()
        self._too_large = False

    @property
    def empty(self) -> bool:
        """Whether nothing has passed yet."""
        return not self._data and not self._too_large

    def add(self, data: bytes) -> None:
        """Keep the next piece."""
        if self._too_large or len(self._data) + len(data) > LARGEST + _HEAD.size:
            self._too_large = True
            self._data.clear()
        else:
            self._data += data

    def message(self) -> bytes:
        """The one message of a unary call.

        Raises:
            BodyError: there is not exactly one, or it is too large, cut off, or encoded in a way that is not known.
        """
        if self._too_large:
            raise BodyError(f"a message of more than {LARGEST // 1024 // 1024} MiB")
        messages = list(self._messages())
        if len(messages) != 1:
            raise BodyError(f"{len(messages)} messages where one is expected")
        return messages[0]

    def _messages(self) -> Iterator[bytes]:
        data = bytes(self._data)
        place = 0
        while place < len(data):
            if len(data) - place < _HEAD.size:
                raise BodyError("a message that is cut off")
            compressed, length = _HEAD.unpack_from(data, place)
            start, place = place + _HEAD.size, place + _HEAD.size + length
            if place > len(data):
                raise BodyError("a message that is cut off")
            yield self._expanded(data[start:place]) if compressed else data[start:place]

    def _expanded(self, data: bytes) -> bytes:
        if self.encoding not in _WINDOW:
            raise BodyError("a compression that is not known")
        expander = zlib.decompressobj(_WINDOW[self.encoding])
        try:
            expanded = expander.decompress(data, LARGEST)
        except zlib.error as error:
            raise BodyError("a message whose compression is damaged") from error
        if not expander.eof:
            raise BodyError("a compressed message that is cut off or too large")
        return expanded
