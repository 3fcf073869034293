"""The calls of one connection: from its two streams of bytes to answered calls, and what stays unanswered."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from durameter_collectors.tapping.decoding import Kind, Record, Rows, run
from durameter_collectors.temporal.wire.grpc import Body, BodyError
from durameter_collectors.temporal.wire.http2 import PREFACE, Direction, Headers, UnreadableError
from durameter_collectors.temporal.wire.methods import FREE_METHODS, FREE_SERVICES, METHODS, WORKFLOW_SERVICE, Method
from durameter_collectors.temporal.wire.response import Answer, Known, Row, when
from durameter_collectors.temporal.wire.rows import WireProblem
from durameter_collectors.temporal.wire.tasks import ActivityTask, WorkflowTask

__all__ = [
    "Capture",
    "Connection",
    "Decoder",
]

_OK, _NOT_FOUND = 0, 5
"""gRPC's status codes."""
_REFUSED_STREAM = 7
"""HTTP/2's code for a stream that the server did not begin to work on."""
_MOST_CALLS = 100_000
"""Open calls of one connection; more than any server allows."""
_PATH = re.compile(r"/([\w.]{1,200})/(\w{1,200})", re.ASCII)


@dataclass(slots=True)
class Capture:
    """What all connections share."""

    write: Callable[[Row], None]
    known: Known = field(default_factory=Known)
    calls: int = 0
    """Calls seen so far."""
    open: dict[int, None] = field(default_factory=dict)
    """Calls without an answer yet that may be Actions, in order; polls are not among them."""


@dataclass(slots=True)
class _Call:
    number: int
    method: str
    spec: Method[Any, Any] | None
    """None where no rule knows the method."""
    request: Body = field(default_factory=Body)
    response: Body = field(default_factory=Body)
    asked: bool = False
    """Whether the whole request has passed."""
    message: Any = None
    """The request: a message of its method's type."""
    damage: str = ""
    """Why the request cannot be read."""
    namespace: str = ""
    task: WorkflowTask | ActivityTask | None = None
    status: int | None = None


class Connection:
    """One connection between a client and the server."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._calls: dict[int, _Call] = {}
        self._last = 0
        self._time = 0.0
        self._readable = True
        self._client = Direction(_FromClient(self), preface=PREFACE)
        self._server = Direction(_FromServer(self))

    def from_client(self, time: float, data: bytes) -> None:
        """Bytes from the client to the server. Never raises: what cannot be read becomes a problem."""
        self._feed(self._client, time, data)

    def from_server(self, time: float, data: bytes) -> None:
        """Bytes from the server to the client. Never raises: what cannot be read becomes a problem."""
        self._feed(self._server, time, data)

    def close(self, time: float) -> None:
        """The connection has ended."""
        self._time = time
        for stream in list(self._calls):
            self.give_up(stream, "its connection closed")

    def _feed(self, direction: Direction, time: float, data: bytes) -> None:
        if not self._readable:
            return
        self._time = time
        try:
            direction.feed(data)
        except UnreadableError as error:
            self._readable = False
            self.problem(f"a connection cannot be read, {error}: nothing of it is counted from here on")
            for stream in list(self._calls):
                self.give_up(stream, "its connection cannot be read")

    def problem(self, what: str, call: _Call | None = None, *, unknown: bool = False) -> None:
        """Write what could not be read."""
        problem = WireProblem(time=when(self._time), call=0, what=what)
        if call is not None:
            problem = WireProblem(
                time=when(self._time),
                call=call.number,
                method=call.method,
                namespace=call.namespace,
                what=what,
                metered=unknown and call.spec is not None and call.spec.metered,
            )
        self._capture.write(problem)

    def begin(self, stream: int, headers: Headers) -> None:
        """The client's headers: a new call, or the end of its request."""
        if stream <= self._last or not stream % 2:
            return  # trailers of a request, which gRPC does not use
        if len(self._calls) >= _MOST_CALLS:
            raise UnreadableError("it has more open calls than any server allows")
        self._last = stream
        fields = dict(headers)
        self._capture.calls += 1
        path = _PATH.fullmatch(fields.get(b":path", b"").decode("ascii", "replace"))
        service, name = path.groups() if path else ("", "")
        if service.startswith(FREE_SERVICES) or (service == WORKFLOW_SERVICE and name in FREE_METHODS):
            return
        spec = METHODS.get(name) if service == WORKFLOW_SERVICE else None
        call = _Call(self._capture.calls, name if service == WORKFLOW_SERVICE else f"{service}/{name}", spec)
        call.request.encoding = _encoding(fields)
        self._calls[stream] = call
        if spec is not None and spec.counted and not spec.poll:
            self._capture.open[call.number] = None

    def ask(self, stream: int, data: bytes) -> None:
        """A piece of a request."""
        call = self._calls.get(stream)
        if call is not None and call.spec is not None and not call.asked:
            call.request.add(data)

    def asked(self, stream: int) -> None:
        """The end of a request. Its token is looked up now: another call may end the task before this is answered."""
        call = self._calls.get(stream)
        if call is None or call.spec is None or call.asked:
            return
        call.asked = True
        try:
            call.message = request = call.spec.request.FromString(call.request.message())
        except (BodyError, DecodeError) as error:
            call.damage = f"its request has {error}" if isinstance(error, BodyError) else "its request is no message"
            return
        finally:
            call.request = Body()
        if call.spec.by_token:
            call.task = self._capture.known.tasks.get(request.task_token)
        call.namespace = request.namespace or (call.task.namespace if call.task else "")

    def answered(self, stream: int, headers: Headers) -> None:
        """The server's headers or trailers."""
        call = self._calls.get(stream)
        if call is not None:
            fields = dict(headers)
            if b"grpc-encoding" in fields:
                call.response.encoding = _encoding(fields)
            status = fields.get(b"grpc-status", b"")
            if status.isdigit() and len(status) < 10:
                call.status = int(status)

    def answer(self, stream: int, data: bytes) -> None:
        """A piece of an answer."""
        call = self._calls.get(stream)
        if call is not None and call.spec is not None:
            call.response.add(data)

    def end(self, stream: int) -> None:
        """The server has ended the call."""
        if stream in self._calls and self._calls[stream].status is None:
            self.give_up(stream, "its answer has no status")
            return
        self.asked(stream)  # a server may answer before the client has said that it has said all
        call = self._end(stream)
        if call is None:
            return
        if call.spec is None:
            if call.status == _OK:
                self.problem("no rule knows this method", call)
            return
        if call.spec.ends_task and call.message is not None and call.status in {_OK, _NOT_FOUND}:
            self._capture.known.forget(call.message.task_token)
        if call.status == _OK:
            self._act(call, call.spec, call.spec.act)
        elif call.spec.failed is not None:
            self._act(call, call.spec, call.spec.failed)

    def _act(self, call: _Call, spec: Method[Any, Any], act: Callable[[Answer[Any, Any]], None]) -> None:
        if call.message is None:
            self.problem(f"it is not counted: {call.damage or 'its request was not seen to the end'}", call)
            return
        try:
            response = spec.response.FromString(call.response.message()) if call.status == _OK else spec.response()
        except (BodyError, DecodeError) as error:
            why = f"its answer has {error}" if isinstance(error, BodyError) else "its answer is no message"
            self.problem(f"it is not counted: {why}", call)
            return
        rows: list[Row] = []
        act(
            Answer(
                number=call.number,
                time=self._time,
                method=call.method,
                namespace=call.namespace,
                request=call.message,
                response=response,
                task=call.task,
                known=self._capture.known,
                rows=rows,
                status=-1 if call.status is None else call.status,
            )
        )
        for row in rows:
            self._capture.write(row)

    def give_up(self, stream: int, why: str) -> None:
        """No outcome of this call will be seen; the server may have done what it asks."""
        call = self._end(stream)
        if call is None or call.spec is None or not call.spec.counted:
            return
        passed = not call.response.empty if call.spec.poll else call.asked or not call.request.empty
        if passed:
            self.problem(f"its outcome is unknown ({why}): it is not counted", call, unknown=True)
            if call.spec.failed is not None and call.message is not None:
                self._act(call, call.spec, call.spec.failed)

    def refused(self, stream: int) -> None:
        """The server did not begin to work on this call."""
        self._end(stream)

    def go_away(self, last: int) -> None:
        """The server works on no stream after this one."""
        for stream in [each for each in self._calls if each > last]:
            self.refused(stream)

    def _end(self, stream: int) -> _Call | None:
        call = self._calls.pop(stream, None)
        if call is not None:
            self._capture.open.pop(call.number, None)
        return call

    def client_reads_tables_of(self, size: int) -> None:
        """The client's setting, which binds the server's encoder."""
        self._server.allow_table_size(size)

    def server_reads_tables_of(self, size: int) -> None:
        """The server's setting, which binds the client's encoder."""
        self._client.allow_table_size(size)


def _encoding(fields: dict[bytes, bytes]) -> str:
    return fields.get(b"grpc-encoding", b"identity").decode("ascii", "replace")


class _FromClient:
    """What the client says."""

    def __init__(self, connection: Connection) -> None:
        self._to = connection

    def headers(self, stream: int, headers: Headers, *, end: bool) -> None:
        self._to.begin(stream, headers)
        if end:
            self._to.asked(stream)

    def data(self, stream: int, data: bytes, *, end: bool) -> None:
        self._to.ask(stream, data)
        if end:
            self._to.asked(stream)

    def reset(self, stream: int, code: int) -> None:  # noqa: ARG002 - whatever the client's reason
        self._to.give_up(stream, "the client gave it up")

    def go_away(self, last: int) -> None:
        """Only of the server's streams, and gRPC has none."""

    def table_size(self, size: int) -> None:
        self._to.client_reads_tables_of(size)


class _FromServer:
    """What the server says."""

    def __init__(self, connection: Connection) -> None:
        self._to = connection

    def headers(self, stream: int, headers: Headers, *, end: bool) -> None:
        self._to.answered(stream, headers)
        if end:
            self._to.end(stream)

    def data(self, stream: int, data: bytes, *, end: bool) -> None:
        self._to.answer(stream, data)
        if end:
            self._to.end(stream)

    def reset(self, stream: int, code: int) -> None:
        if code == _REFUSED_STREAM:
            self._to.refused(stream)
        else:
            self._to.give_up(stream, "the server gave it up")

    def go_away(self, last: int) -> None:
        self._to.go_away(last)

    def table_size(self, size: int) -> None:
        self._to.server_reads_tables_of(size)


# The decoder of a Temporal tap: calls of all its connections → rows.


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
