"""HTTP/1.1 as an onlooker: the bytes of both directions of a connection → exchanges. `h11` reads the messages.

An end point waits for its own turn, an onlooker sees all of it: hence each message is read by an `h11` connection of
its own, and a response is told of the request that it answers, since that decides where its body ends.
"""

import contextlib
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import h11

__all__ = ["Body", "BodyError", "Conversation", "Exchange", "Listener"]

_HEADER_BYTES = 1024 * 1024
"""Of one message; what Go's servers take at most."""
_MOST_BYTES = 256 * 1024 * 1024
"""Of one body; larger ones pass, and are not read. The server takes 4 MiB of a reply and 32 MiB of state."""


class BodyError(Exception):
    """A body that cannot be read; the message never quotes it."""


@dataclass(slots=True)
class Body:
    """The body of a message."""

    kept: bool = False
    """Whether anybody will read it; the size is counted in any case."""
    encoding: str = ""
    size: int = 0
    _data: bytearray = field(default_factory=bytearray)

    def add(self, data: bytes) -> None:
        """The next piece, transfer encoding taken off."""
        self.size += len(data)
        if self.kept and self.size <= _MOST_BYTES:
            self._data += data

    def read(self) -> bytes:
        """The whole, content encoding taken off.

        Raises:
            BodyError: it is too large, damaged, or in an encoding that is not known here.
        """
        if self.size > _MOST_BYTES:
            raise BodyError(f"more than {_MOST_BYTES} bytes")
        encoding = self.encoding.strip().lower()
        if encoding in {"", "identity"}:
            return bytes(self._data)
        if encoding not in {"gzip", "x-gzip", "deflate"}:
            raise BodyError(f"the content encoding {encoding[:20]!r}, which is not read here")
        unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: gzip or zlib, as its first bytes say
        try:
            data = unzip.decompress(bytes(self._data), _MOST_BYTES)
        except zlib.error as error:
            raise BodyError(f"damaged {encoding}") from error
        if not unzip.eof:
            raise BodyError(f"{encoding} that does not end, or more than {_MOST_BYTES} bytes")
        return data


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and its response."""

    method: str
    target: str
    """Path and query, as asked."""
    headers: dict[str, str]
    """Of the request; names in lower case, the last one of each."""
    began: float
    request: Body = field(default_factory=Body)
    asked: bool = False
    """Whether the whole request has passed."""
    status: int = 0
    """0 until the head of the final response has passed."""
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: Body = field(default_factory=Body)
    answered: bool = False
    """Whether the whole response has passed."""
    ended: float = 0.0
    damage: str = ""
    """Why it was not seen to its end."""
    number: int = 0
    """For the listener."""


class Listener:
    """What a conversation tells; does nothing by itself."""

    def begun(self, exchange: Exchange) -> None:
        """The head of a request has passed. Sets `kept` of the bodies that will be read."""

    def ended(self, exchange: Exchange) -> None:
        """Both messages have passed, or `damage` says why not."""

    def unreadable(self, why: str, *, asked: str = "", grave: bool = True) -> None:
        """Nothing more of this connection can be read.

        Args:
            why: in words.
            asked: the path of the request that led to it, if any.
            grave: whether anything may have been done by what was not read.
        """


class Conversation:
    """One connection. Never raises: what cannot be read is told to the listener."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._time = 0.0
        self._readable = True
        self._open: deque[Exchange] = deque()
        """Requests in order, the oldest first: the next response is to that one."""
        self._asking: Exchange | None = None
        self._held = bytearray()
        """What the client says after it has proposed another protocol, until the server has answered that."""
        self._request = _reader(h11.SERVER)
        self._response: h11.Connection | None = None
        self._said = False

    def from_client(self, time: float, data: bytes) -> None:
        """Bytes from the client."""
        self._feed(time, data, self._read_requests)

    def from_server(self, time: float, data: bytes) -> None:
        """Bytes from the server."""
        self._feed(time, data, self._read_responses)

    def close(self, time: float) -> None:
        """The connection has ended."""
        self._time = time
        if self._readable and self._response is not None:
            # A response without a length ends with the connection; any other was cut off, which is told below.
            with contextlib.suppress(h11.RemoteProtocolError, h11.LocalProtocolError):
                self._read_responses(b"")
        if self._readable and self._asking is None and (self._held or self._request.trailing_data[0]):
            self._readable = False
            self._listener.unreadable("it ended within the head of a request", grave=False)  # nobody could act on it
        self._give_up("its connection closed before the answer's end")

    def _feed(self, time: float, data: bytes, read: Callable[[bytes], None]) -> None:
        if not self._readable or not data:
            return
        self._time = time
        if not self._said and data[:1] == b"\x16" and not self._open:
            self._stop("it speaks TLS")
            return
        self._said = True
        try:
            read(data)
        except (h11.RemoteProtocolError, h11.LocalProtocolError) as error:
            self._stop(f"its HTTP/1.1 is damaged ({type(error).__name__})")

    def _stop(self, why: str, *, asked: str = "") -> None:
        self._readable = False
        self._held.clear()
        self._listener.unreadable(why, asked=asked)
        self._give_up(f"its connection cannot be read: {why}")

    def _give_up(self, why: str) -> None:
        for exchange in self._open:
            exchange.damage, exchange.ended = why, self._time
            self._listener.ended(exchange)
        self._open.clear()

    def _read_requests(self, data: bytes) -> None:
        if self._proposed():
            self._held += data
            return
        self._request.receive_data(data)
        while self._readable:
            event = self._request.next_event()
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data) and self._asking is not None:
                self._asking.request.add(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and self._asking is not None:
                self._end_request(self._asking)
                if self._proposed():
                    return
            else:
                return  # more is needed

    def _begin(self, event: h11.Request) -> None:
        if event.http_version not in {b"1.1", b"1.0"}:
            self._stop("it speaks HTTP/2")
            return
        headers = _headers(event)
        exchange = Exchange(event.method.decode("latin-1"), event.target.decode("latin-1"), headers, self._time)
        exchange.request.encoding = headers.get("content-encoding", "")
        self._asking = exchange
        self._open.append(exchange)
        self._listener.begun(exchange)

    def _end_request(self, exchange: Exchange) -> None:
        exchange.asked, self._asking = True, None
        rest, _ = self._request.trailing_data
        self._request = _reader(h11.SERVER)
        if _proposes(exchange) and not exchange.answered:
            self._held += rest
        elif rest:
            self._request.receive_data(rest)
        self._finish()

    def _proposed(self) -> bool:
        """Whether what the client says now may be in another protocol."""
        return bool(self._open) and self._open[-1].asked and _proposes(self._open[-1])

    def _read_responses(self, data: bytes) -> None:
        if self._response is None:
            waiting = next((each for each in self._open if not each.answered), None)
            if waiting is None:
                self._stop("its server spoke unasked")
                return
            self._response = _told(waiting)
        self._response.receive_data(data)
        while self._readable and self._response is not None:
            event = self._response.next_event()
            exchange = next(each for each in self._open if not each.answered)
            if isinstance(event, h11.InformationalResponse):
                if event.status_code == 101:
                    self._switch(exchange)
            elif isinstance(event, h11.Response):
                if exchange.method == "CONNECT" and event.status_code < 300:
                    self._switch(exchange)
                    return
                exchange.status, exchange.answer_headers = event.status_code, _headers(event)
                exchange.answer.encoding = exchange.answer_headers.get("content-encoding", "")
            elif isinstance(event, h11.Data):
                exchange.answer.add(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._end_response(exchange)
            else:
                return  # more is needed

    def _switch(self, exchange: Exchange) -> None:
        self._open.remove(exchange)
        exchange.status, exchange.ended = 101, self._time
        exchange.damage = "it went over to another protocol"
        self._listener.ended(exchange)
        self._stop(
            f"it went over to {exchange.headers.get('upgrade', 'another protocol')[:20]!r}", asked=exchange.target
        )

    def _end_response(self, exchange: Exchange) -> None:
        if self._response is None:
            return
        exchange.answered, exchange.ended = True, self._time
        rest, _ = self._response.trailing_data
        self._response = None
        stays = _proposes(exchange)
        self._finish()
        if stays and self._held:  # the server has not gone over to the other protocol
            held, self._held = bytes(self._held), bytearray()
            self._read_requests(held)
        if rest and self._readable:
            self._read_responses(rest)

    def _finish(self) -> None:
        """Tell of what is complete on both sides; an answer may overtake its request's end."""
        while self._open and self._open[0].answered and self._open[0].asked:
            self._listener.ended(self._open.popleft())


def _reader(role: type[h11.CLIENT] | type[h11.SERVER]) -> h11.Connection:
    return h11.Connection(role, max_incomplete_event_size=_HEADER_BYTES)


def _told(exchange: Exchange) -> h11.Connection:
    """A reader of the response to this request."""
    reader = _reader(h11.CLIENT)
    headers = [("host", "x")]
    if "upgrade" in exchange.headers:
        headers += [("connection", "upgrade"), ("upgrade", "x")]
    reader.send(h11.Request(method=exchange.method, target="/", headers=headers))
    reader.send(h11.EndOfMessage())
    return reader


def _proposes(exchange: Exchange) -> bool:
    return exchange.method == "CONNECT" or "upgrade" in exchange.headers


def _headers(event: h11.Request | h11.Response) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
