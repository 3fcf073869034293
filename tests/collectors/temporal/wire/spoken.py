"""Both sides of an HTTP/2 connection, spoken by hand: what a client and a server would write, as bytes."""

import gzip
import struct
import zlib
from collections.abc import Iterable
from io import BytesIO

from google.protobuf.message import Message
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from durameter_collectors.tapping.decoding import Kind, Record
from durameter_collectors.tapping.decoding import Rows as Written
from durameter_collectors.temporal.wire.calls import Decoder
from durameter_collectors.temporal.wire.client import ROW
from durameter_collectors.temporal.wire.http2 import PREFACE
from durameter_collectors.temporal.wire.rows import WireAction, WireProblem

SERVICE = "/temporal.api.workflowservice.v1.WorkflowService/"
Said = tuple[Kind, bytes]
Rows = list[WireAction | WireProblem]
_COMPRESS = {"gzip": gzip.compress, "deflate": zlib.compress}


class Spoken:
    """A connection. Each method appends what one side says."""

    def __init__(self, *, frame_bytes: int = 16_384, padding: int = 0, header_bytes: int = 16_384) -> None:
        self.said: list[Said] = []
        self._frame_bytes = frame_bytes
        self._padding = padding
        self._header_bytes = header_bytes
        self._encoders = {Kind.FROM_CLIENT: Encoder(), Kind.FROM_SERVER: Encoder()}
        self._stream = -1
        self.say(Kind.FROM_CLIENT, PREFACE + SettingsFrame(0).serialize())
        self.say(Kind.FROM_SERVER, SettingsFrame(0).serialize() + SettingsFrame(0, flags=["ACK"]).serialize())

    def say(self, side: Kind, data: bytes) -> None:
        self.said.append((side, data))

    def table_size(self, reader: Kind, size: int) -> None:
        """The reader of the other side's headers allows another table; that side obeys."""
        self.say(reader, SettingsFrame(0, settings={SettingsFrame.HEADER_TABLE_SIZE: size}).serialize())
        writer = Kind.FROM_SERVER if reader == Kind.FROM_CLIENT else Kind.FROM_CLIENT
        self._encoders[writer].header_table_size = size

    def headers(self, side: Kind, stream: int, headers: dict[str, str], *, end: bool) -> None:
        block = self._encoders[side].encode(list(headers.items()))
        first, rest = block[: self._header_bytes], block[self._header_bytes :]
        frame = HeadersFrame(stream, data=first, flags=["END_STREAM"] if end else [])
        if self._padding:
            frame.flags.add("PADDED")
            frame.pad_length = self._padding
        frames: list[HeadersFrame | ContinuationFrame] = [frame]
        while rest:
            frames.append(ContinuationFrame(stream, data=rest[: self._header_bytes]))
            rest = rest[self._header_bytes :]
        frames[-1].flags.add("END_HEADERS")
        self.say(side, b"".join(each.serialize() for each in frames))

    def data(self, side: Kind, stream: int, data: bytes, *, end: bool) -> None:
        pieces = [data[at : at + self._frame_bytes] for at in range(0, len(data), self._frame_bytes)] or [b""]
        for number, piece in enumerate(pieces, 1):
            frame = DataFrame(stream, data=piece, flags=["END_STREAM"] if end and number == len(pieces) else [])
            if self._padding:
                frame.flags.add("PADDED")
                frame.pad_length = self._padding
            self.say(side, frame.serialize() + WindowUpdateFrame(0, window_increment=1).serialize())

    def ask(self, method: str, request: Message | bytes, *, encoding: str = "", path: str = "") -> int:
        """A client's call."""
        self._stream += 2
        stream = self._stream
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path or SERVICE + method,
            "te": "trailers",
            "authorization": "Bearer top-secret",
            "x-number": str(stream),
        }
        self.headers(Kind.FROM_CLIENT, stream, headers | ({"grpc-encoding": encoding} if encoding else {}), end=False)
        self.data(Kind.FROM_CLIENT, stream, framed(request, encoding), end=True)
        return stream

    def answer(self, stream: int, response: Message | bytes, *, encoding: str = "", status: int | None = 0) -> None:
        headers = {":status": "200", "content-type": "application/grpc"}
        self.headers(Kind.FROM_SERVER, stream, headers | ({"grpc-encoding": encoding} if encoding else {}), end=False)
        self.data(Kind.FROM_SERVER, stream, framed(response, encoding), end=False)
        self.headers(Kind.FROM_SERVER, stream, {} if status is None else {"grpc-status": str(status)}, end=True)

    def fail(self, stream: int, status: int) -> None:
        """An answer of trailers only."""
        headers = {":status": "200", "content-type": "application/grpc", "grpc-status": str(status)}
        self.headers(Kind.FROM_SERVER, stream, headers, end=True)

    def call(self, method: str, request: Message, response: Message, *, encoding: str = "") -> int:
        stream = self.ask(method, request, encoding=encoding)
        self.answer(stream, response, encoding=encoding)
        return stream

    def reset(self, side: Kind, stream: int, code: int = 8) -> None:
        self.say(side, RstStreamFrame(stream, error_code=code).serialize())

    def go_away(self, last: int) -> None:
        self.say(Kind.FROM_SERVER, GoAwayFrame(0, last_stream_id=last).serialize())


def framed(message: Message | bytes, encoding: str = "") -> bytes:
    data = message if isinstance(message, bytes) else message.SerializeToString()
    compressed = encoding in _COMPRESS
    data = _COMPRESS[encoding](data) if compressed else data
    return struct.pack(">BI", 1 if encoding else 0, len(data)) + data


def decoded(said: Iterable[Said], *, close: bool = True) -> Rows:
    """The rows that the decoder writes for one connection."""
    out = BytesIO()
    written = Written(out)
    decoder = Decoder(written)
    decoder.take(Record(Kind.OPENED, 1, 1.0, b""))
    for side, data in said:
        decoder.take(Record(side, 1, 1.0, data))
    if close:
        decoder.take(Record(Kind.CLOSED, 1, 1.0, b""))
    written.flush()
    return [ROW.validate_json(line) for line in out.getvalue().splitlines()]


def actions(rows: Rows) -> list[WireAction]:
    return [row for row in rows if isinstance(row, WireAction)]


def problems(rows: Rows) -> list[str]:
    return [row.what for row in rows if isinstance(row, WireProblem)]
