"""HTTP/2 as an onlooker: the bytes of one direction of a connection → headers, data, resets.

`hyperframe` reads frames and `hpack` headers. What is here is only what an onlooker does differently from an end point:
it sees no settings before they are used, so it follows every table size that an encoder announces.
"""

from collections.abc import Sequence
from typing import Protocol

from hpack import Decoder, HPACKError
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
)

__all__ = ["PREFACE", "Direction", "Headers", "Listener", "UnreadableError"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client says first that knows that the server speaks HTTP/2."""
_HEAD = 9
_HEADER_BYTES = 16 * 1024 * 1024
"""Limit of one header list, and of a header table: what an end point would not accept either."""

_SKIPPED = frozenset({0x2, 0x6, 0x8})
"""Priorities, pings and window updates: many, and they say nothing of a call."""
_REMEMBERED = 512
"""Header blocks that are remembered, per direction."""

Headers = Sequence[tuple[bytes, bytes]]


class UnreadableError(Exception):
    """The bytes are no HTTP/2; nothing after them can be read. The message never quotes what passed."""


class Listener(Protocol):
    """What one direction of a connection tells."""

    def headers(self, stream: int, headers: Headers, *, end: bool) -> None:
        """Headers or trailers of a stream."""

    def data(self, stream: int, data: bytes, *, end: bool) -> None:
        """A piece of a stream's body."""

    def reset(self, stream: int, code: int) -> None:
        """The sender gave the stream up."""

    def go_away(self, last: int) -> None:
        """The sender takes no streams after this one."""

    def table_size(self, size: int) -> None:
        """The sender allows the other side's encoder a table of this many bytes."""


class Direction:
    """One direction of a connection."""

    def __init__(self, listener: Listener, *, preface: bytes = b"") -> None:
        self._listener = listener
        self._preface = preface
        self._buffer = bytearray()
        self._need = len(preface) or _HEAD
        self._headers = Decoder(max_header_list_size=_HEADER_BYTES)
        self._block: tuple[int, bool, bytearray] | None = None
        self._known: dict[bytes, Headers] = {}
        self._table: tuple[tuple[int, int], object] = ((0, 0), None)
        """Limit, length and newest entry of the header table, as the latest decoded block left it."""

    def allow_table_size(self, size: int) -> None:
        """The reader of this direction allows a header table of this size.

        A smaller one counts only from the moment the encoder knows of it, and the encoder announces it in the stream.
        """
        allowed = max(self._headers.max_allowed_table_size, min(size, _HEADER_BYTES))
        self._headers.max_allowed_table_size = allowed

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            UnreadableError: they are no HTTP/2.
        """
        buffer = self._buffer
        buffer += data
        if self._preface:
            known = min(len(buffer), len(self._preface))
            if buffer[:known] != self._preface[:known]:
                raise UnreadableError("it is not HTTP/2 with prior knowledge")
        if len(buffer) < self._need:
            return
        whole = bytes(buffer)
        place = self._take(whole)
        self._buffer = bytearray(whole[place:])

    def _take(self, data: bytes) -> int:
        """Read the whole frames; returns where the rest begins."""
        place = 0
        if self._preface:
            place, self._preface = len(self._preface), b""
        view = memoryview(data)
        while len(data) - place >= _HEAD:
            end = place + _HEAD + int.from_bytes(data[place : place + 3], "big")
            if end > len(data):
                self._need = end - place
                return place
            if data[place + 3] in _SKIPPED and self._block is None:
                place = end
                continue
            try:
                frame, _ = Frame.parse_frame_header(view[place : place + _HEAD])
                frame.parse_body(view[place + _HEAD : end])
                self._frame(frame)
            except (HyperframeError, HPACKError, ValueError) as error:
                raise UnreadableError(f"its HTTP/2 is damaged ({type(error).__name__})") from error
            place = end
        self._need = _HEAD
        return place

    def _frame(self, frame: Frame) -> None:
        if self._block is not None and not isinstance(frame, ContinuationFrame):
            raise UnreadableError("its HTTP/2 is damaged (headers were not continued)")
        if isinstance(frame, DataFrame):
            self._listener.data(frame.stream_id, frame.data, end="END_STREAM" in frame.flags)
        elif isinstance(frame, HeadersFrame):
            self._header_block(frame.stream_id, "END_STREAM" in frame.flags, bytearray(frame.data), frame)
        elif isinstance(frame, ContinuationFrame):
            if self._block is None or self._block[0] != frame.stream_id:
                raise UnreadableError("its HTTP/2 is damaged (nothing to continue)")
            stream, ends, block = self._block
            self._header_block(stream, ends, block + frame.data, frame)
        else:
            self._control(frame)

    def _control(self, frame: Frame) -> None:
        if isinstance(frame, RstStreamFrame):
            self._listener.reset(frame.stream_id, frame.error_code)
        elif isinstance(frame, GoAwayFrame):
            self._listener.go_away(frame.last_stream_id)
        elif isinstance(frame, SettingsFrame):
            if SettingsFrame.HEADER_TABLE_SIZE in frame.settings:
                self._listener.table_size(frame.settings[SettingsFrame.HEADER_TABLE_SIZE])
        elif isinstance(frame, PushPromiseFrame):
            raise UnreadableError("its server pushes streams, which gRPC never does")

    def _header_block(self, stream: int, ends: bool, block: bytearray, frame: Frame) -> None:
        if len(block) > _HEADER_BYTES:
            raise UnreadableError("its headers are larger than any server takes")
        if "END_HEADERS" not in frame.flags:
            self._block = (stream, ends, block)
            return
        self._block = None
        self._listener.headers(stream, self._decoded(bytes(block)), end=ends)

    def _decoded(self, block: bytes) -> Headers:
        """Calls of one method have the same block of headers again and again, and to decode it is most of the work.

        A block that left the header table as it was means the same until the table changes.
        """
        known = self._known.get(block)
        if known is not None:
            return known
        headers = [(bytes(name), bytes(value)) for name, value in self._headers.decode(block, raw=True)]
        table = self._headers.header_table
        entries = table.dynamic_entries
        size, newest = (table.maxsize, len(entries)), entries[0] if entries else None
        unchanged = self._table[0] == size and self._table[1] is newest
        self._table = size, newest
        if not unchanged or len(self._known) >= _REMEMBERED:
            self._known.clear()
        if unchanged:
            self._known[block] = headers
        return headers
