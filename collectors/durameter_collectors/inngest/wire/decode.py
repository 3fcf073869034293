"""Exchanges → rows: what the server and the SDKs of all languages say to each other.

Paths and fields: pkg/execution/driver/httpdriver, pkg/api/api.go, pkg/api/apiv1/checkpoint.go and pkg/devserver/api.go
of the server, 1.44.0 and 1.12.1.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic_core import from_json, to_json

from durameter_collectors.inngest.api.links import events_in_output
from durameter_collectors.inngest.wire.http1 import Body, BodyError, Conversation, Exchange, Listener
from durameter_collectors.inngest.wire.rows import (
    Operation,
    WireCheckpoint,
    WireEvents,
    WireFunction,
    WireProblem,
    WireRequest,
    WireSync,
    WireUnreached,
)
from durameter_collectors.tapping.decoding import Kind, Record, Rows, run

__all__ = [
    "InngestDecoder",
    "RouteKind",
    "Row",
    "reader_of",
    "when",
]

RouteKind = Literal["app", "server"]
"""What is behind a route: an app, asked by the server; or the server, asked by clients and apps."""

Row = WireRequest | WireCheckpoint | WireEvents | WireSync | WireProblem
_Reader = Callable[[Exchange], Iterator[Row]]

_EVENTS = re.compile(r"/e/[^/]+")
_INVOKE = re.compile(r"/invoke/([^/]+)")
_CHECKPOINT = re.compile(r"(?:/v1)?/checkpoint(?:/([^/]+)/(?:steps|async))?/?")
_ENDPOINT_HEADERS = frozenset({"x-run-id", "x-inngest-job-id"})
_LIMITS = ("batchEvents", "debounce", "idempotency", "rateLimit", "singleton")
_INTERNAL_INVOKE = "inngest/function.invoked"
_MOST_IN_A_REPLY = 8 * 2**20
_MOST_IN_AN_OUTPUT = 4 * 2**20
"""What the server takes, in bytes (MaxSDKResponseBodySize and MaxStepOutputSize in its pkg/consts): it asks again where
there is more, as if there had been no reply."""


def when(seconds: float) -> datetime:
    """The tap's clock as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def reader_of(kind: str, exchange: Exchange) -> _Reader | None:
    """Who reads an exchange of such a route, by its request's head; None where it says nothing that is counted."""
    path = urlsplit(exchange.target)
    if kind == "app":
        return _reader_at_app(exchange, path.query)
    if exchange.method != "POST":
        return None
    if _EVENTS.fullmatch(path.path):
        return _events
    if _INVOKE.fullmatch(path.path):
        return _invocation
    if _CHECKPOINT.fullmatch(path.path):
        return _checkpoint
    return {"/fn/register": _sync, "/v0/connect/start": _connect}.get(path.path)


def _reader_at_app(exchange: Exchange, query: str) -> _Reader | None:
    # Every SDK gets `fnId` and `stepId` in the query, at whatever path the app is served.
    if exchange.method == "POST" and "fnId=" in query:
        return _sdk_request
    return _endpoint if exchange.headers.keys() >= _ENDPOINT_HEADERS else None


def _sdk_request(exchange: Exchange) -> Iterator[Row]:
    query = parse_qs(urlsplit(exchange.target).query)
    run, attempt, problems = exchange.headers.get("x-run-id", ""), 0, list[str]()
    context: Mapping[str, Any] = {}
    state: int | None = None
    try:
        asked = _object(_json(exchange.request))
        context, state = _object(asked.get("ctx")), _state_bytes(asked)
        run, attempt = str(context["run_id"]), int(context.get("attempt") or 0)
    except (BodyError, ValueError, KeyError, TypeError) as error:
        if exchange.asked:
            problems.append(f"a request cannot be read: {_why(error)}")
    status, operations, refused = 0, tuple[Operation, ...](), ""
    headers: Mapping[str, str] = exchange.answer_headers
    if exchange.answered:
        try:
            status, headers, reply = _unwrapped(exchange)
            if status == 206:
                operations = _operations(reply)
            refused = _refused(exchange, reply)
            if refused:
                status, operations = 0, ()
        except (BodyError, ValueError, KeyError, TypeError) as error:
            status = status or exchange.status
            problems.append(f"a reply cannot be read: {_why(error)}")
    yield WireRequest(
        call=exchange.number,
        time=when(exchange.ended),
        asked=when(exchange.began),
        function=query.get("fnId", [""])[0],
        run=run,
        step=query.get("stepId", ["step"])[0],
        attempt=max(attempt, 0),
        job=exchange.headers.get("x-inngest-job-id", ""),
        request=str(context.get("request_id") or exchange.headers.get("x-request-id", "")),
        status=status,
        operations=operations,
        no_retry=headers.get("x-inngest-no-retry", "").lower() == "true",
        retry_after=headers.get("retry-after", ""),
        state_bytes=state,
        request_bytes=exchange.request.size,
        reply_bytes=exchange.answer.size,
    )
    for problem in problems:
        yield _problem(exchange, problem, run=run)
    if refused:
        yield _problem(exchange, f"an SDK request has no reply that the server takes: {refused}", run=run, grave=False)
    if exchange.damage:
        # The server did not get this reply either: it asks again, or gives up.
        yield _problem(exchange, f"an SDK request has no reply: {exchange.damage}", run=run, grave=not exchange.asked)


def _endpoint(exchange: Exchange) -> Iterator[Row]:
    """The server goes on with a run that a durable endpoint began: by the endpoint's own method and path."""
    what = "a durable endpoint goes on with a run: what it replies is not read. Its checkpoints are"
    yield _problem(exchange, what, run=exchange.headers["x-run-id"])


def _unwrapped(exchange: Exchange) -> tuple[int, Mapping[str, str], Any]:
    """Status, headers and, where there can be operations, body of a reply; a streamed one (201) wraps all three."""
    if exchange.status == 206:
        return 206, exchange.answer_headers, _json(exchange.answer)
    if exchange.status != 201:
        return exchange.status, exchange.answer_headers, None
    whole = _object(_json(exchange.answer))
    if whole.get("error") is not None:
        raise ValueError("a streamed reply that says it is an error")
    headers = exchange.answer_headers | {
        str(name).lower(): str(value) for name, value in _object(whole.get("headers") or {}).items()
    }
    body = whole.get("body")
    return int(whole["status"]), headers, from_json(body) if isinstance(body, str) and body else body


def _refused(exchange: Exchange, reply: object) -> str:
    """Why the server treats a whole reply as none, or an empty string: it is too large, by itself or by an output."""
    size = exchange.answer.size if reply is None else len(exchange.answer.read())  # the server unpacks before it looks
    if size > _MOST_IN_A_REPLY:
        return f"it has more than {_MOST_IN_A_REPLY} bytes"
    if size <= _MOST_IN_AN_OUTPUT:
        return ""
    several = [each for each in (reply if isinstance(reply, list) else [reply]) if isinstance(each, dict)]
    rest = len(to_json([{key: value for key, value in each.items() if key != "data"} for each in several]))
    streamed = exchange.status == 201  # there the whole is wrapped, and escaped once more
    if len(several) == 1 and not streamed:
        largest = size - rest  # as it was written: what is not ASCII takes more bytes from some SDKs
    else:
        largest = max((len(to_json({"data": each.get("data")})) for each in several), default=0)
    return f"a step's output has more than {_MOST_IN_AN_OUTPUT} bytes" if largest > _MOST_IN_AN_OUTPUT else ""


def _operations(reply: object) -> tuple[Operation, ...]:
    """Of a reply, or of a checkpoint's steps; the oldest SDKs send one object instead of a list."""
    several = reply if isinstance(reply, list) else [reply]
    return tuple(_operation(_object(each)) for each in several)


def _operation(raw: Mapping[str, Any]) -> Operation:
    options = raw.get("opts")
    kind = str(options.get("type") or "") if isinstance(options, dict) else ""
    return Operation(
        op=str(raw["op"]),
        id=str(raw.get("id") or ""),
        name=str(raw.get("displayName") or raw.get("name") or ""),
        kind=kind,
        sent=tuple(events_in_output(raw.get("data"))),
        output_bytes=_size(raw["data"]) or 0 if raw.get("data") is not None else 0,
    )


def _state_bytes(asked: Mapping[str, Any]) -> int | None:
    """Size of the state in a request: the server's own sum is of its events and the outputs of its steps.

    `use_api` is true where it is too large to be sent along (pkg/execution/driver/driver.go of the server).
    """
    parts = (asked.get("events"), asked.get("steps"))
    if asked.get("use_api") or any(part is None for part in parts):
        return None
    sizes = [_size(part) for part in parts]
    return sum(each for each in sizes if each is not None) if None not in sizes else None


def _size(value: object) -> int | None:
    """Bytes of a value as compact JSON; None for text that is no Unicode, which cannot be written so."""
    try:
        return len(to_json(value))
    except ValueError:
        return None


def _checkpoint(exchange: Exchange) -> Iterator[Row]:
    named = _CHECKPOINT.fullmatch(urlsplit(exchange.target).path)
    begins = named is None or named[1] is None
    run = "" if named is None or named[1] is None else unquote(named[1])
    if exchange.damage:
        yield _problem(exchange, f"the outcome of a checkpoint is unknown: {exchange.damage}", run=run)
        return
    try:
        body = _object(_json(exchange.request))
        run = str(body.get("run_id") or run)
        operations = _operations(body.get("steps") or [])
    except (BodyError, ValueError, KeyError, TypeError) as error:
        yield _problem(exchange, f"a checkpoint cannot be read: {_why(error)}", run=run)
        return
    yield WireCheckpoint(
        call=exchange.number,
        time=when(exchange.ended),
        run=run,
        request=str(body.get("request_id") or ""),
        begins=begins,
        status=exchange.status,
        operations=operations,
        request_bytes=exchange.request.size,
    )


def _events(exchange: Exchange) -> Iterator[Row]:
    try:
        sent = _json(exchange.request)
        events = [_object(each) for each in (sent if isinstance(sent, list) else [sent])]
        names = tuple(str(each["name"]) for each in events)
        given = tuple(str(each.get("id") or "") for each in events)
    except (BodyError, ValueError, KeyError, TypeError) as error:
        # Forms are taken too, and what the server refuses was no event.
        names, given, why = (), (), _why(error)
        if exchange.status == 200:
            yield _problem(exchange, f"events cannot be read, only their ids are known: {why}", grave=False)
    yield from _taken(exchange, names, "ids", given)


def _invocation(exchange: Exchange) -> Iterator[Row]:
    yield from _taken(exchange, (_INTERNAL_INVOKE,), "id")


def _taken(exchange: Exchange, names: tuple[str, ...], where: str, given: tuple[str, ...] = ()) -> Iterator[Row]:
    ids: list[str] = []
    if exchange.damage:
        yield _problem(exchange, f"it is unknown whether the server took events: {exchange.damage}")
        return
    try:
        taken = _object(_json(exchange.answer)).get(where) or []
        ids = [str(each) for each in (taken if isinstance(taken, list) else [taken]) if each]
    except (BodyError, ValueError, TypeError) as error:
        if exchange.status == 200:
            yield _problem(exchange, f"the ids of events cannot be read: {_why(error)}")
    yield WireEvents(
        call=exchange.number,
        time=when(exchange.ended),
        names=names,
        ids=tuple(ids),
        given=given,
        status=exchange.status,
        request_bytes=exchange.request.size,
    )


def _sync(exchange: Exchange) -> Iterator[Row]:
    try:
        body = _object(_json(exchange.request))
        app = str(body.get("appname") or body.get("appName") or body.get("appId") or "")
        yield WireSync(
            call=exchange.number,
            time=when(exchange.ended),
            app=app,
            url=str(body.get("url") or ""),
            functions=tuple(_function(_object(each), app) for each in body.get("functions") or []),
            status=exchange.status if exchange.answered else 0,
        )
    except (BodyError, ValueError, KeyError, TypeError) as error:
        yield _problem(exchange, f"the registration of an app cannot be read: {_why(error)}", grave=False)


def _function(raw: Mapping[str, Any], app: str) -> WireFunction:
    triggers = [_object(each) for each in raw.get("triggers") or []]
    limits = [name for name in _LIMITS if raw.get(name)]
    limits += ["expression"] if any(each.get("expression") for each in triggers) else []
    name = str(raw["id"])
    return WireFunction(
        id=name if name.startswith(f"{app}-") else f"{app}-{name}",
        events=tuple(str(each["event"]) for each in triggers if each.get("event")),
        limits=tuple(limits),
    )


def _connect(exchange: Exchange) -> Iterator[Row]:
    yield _problem(exchange, "an app uses Connect: its steps do not pass here. Serve it by HTTP to have them counted")


def _problem(exchange: Exchange, what: str, *, run: str = "", grave: bool = True) -> WireProblem:
    return WireProblem(call=exchange.number, time=when(exchange.ended), run=run, what=what, grave=grave)


def _json(body: Body) -> Any:
    data = body.read()
    try:
        return from_json(data)
    except ValueError:  # lone surrogates, which some SDKs write and Python reads
        return json.loads(data)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} where an object is due")
    return value


def _why(error: Exception) -> str:
    """In words that quote nothing of what passed."""
    if isinstance(error, BodyError | TypeError):
        return str(error)
    return f"{type(error).__name__}, it is not the JSON that is due"


# The decoder of an Inngest tap: exchanges of all its connections → rows.

_FREE_UPGRADES = ("/v1/realtime/",)
"""Subscribers of published messages: nothing that is billed as an execution."""


@dataclass(slots=True)
class _Capture:
    """What all connections share."""

    rows: Rows
    calls: int = 0
    time: float = 0.0
    open: dict[int, None] = field(default_factory=dict)
    """Exchanges under way that will be rows, in order."""


class _Connection(Listener):
    """What one connection's conversation tells."""

    def __init__(self, capture: _Capture, route: str) -> None:
        self._capture = capture
        self._route = route
        self.conversation = Conversation(self)

    def begun(self, exchange: Exchange) -> None:
        """Keep the bodies of what will be a row."""
        self._capture.calls += 1
        exchange.number = self._capture.calls
        if reader_of(self._route, exchange) is not None:
            exchange.request.kept = exchange.answer.kept = True
            self._capture.open[exchange.number] = None

    def ended(self, exchange: Exchange) -> None:
        """Write its rows."""
        self._capture.open.pop(exchange.number, None)
        read = reader_of(self._route, exchange)
        if read is not None:
            for row in read(exchange):
                self._capture.rows.write(row)

    def unreadable(self, why: str, *, asked: str = "", grave: bool = True) -> None:
        """Say so: whatever it carries is not counted."""
        what = f"a connection to the {self._route} cannot be read, {why}: nothing of it is counted from here on"
        grave = grave and not asked.startswith(_FREE_UPGRADES)
        self._capture.rows.write(WireProblem(call=0, time=when(self._capture.time), what=what, grave=grave))


class InngestDecoder:
    """All connections of a capture."""

    def __init__(self, rows: Rows) -> None:
        self._capture = _Capture(rows)
        self._connections: dict[int, _Connection] = {}

    def take(self, record: Record) -> None:
        """Decode one record, never a mark."""
        self._capture.time = record.time
        if record.kind == Kind.OPENED:
            self._connections[record.connection] = _Connection(self._capture, record.data.decode())
        elif record.kind == Kind.FROM_CLIENT:
            self._connections[record.connection].conversation.from_client(record.time, record.data)
        elif record.kind == Kind.FROM_SERVER:
            self._connections[record.connection].conversation.from_server(record.time, record.data)
        elif record.kind == Kind.CLOSED:
            self._connections.pop(record.connection).conversation.close(record.time)
        elif record.kind == Kind.UNREACHED:
            self._capture.rows.write(WireUnreached(call=0, time=when(record.time), route=record.data.decode()))
        else:
            notice = WireProblem(call=0, time=when(record.time), what=record.data.decode(), grave=False)
            self._capture.rows.write(notice)

    def state(self) -> Mapping[str, object]:
        """Exchanges so far, and the oldest one that is under way and will be a row."""
        return {"calls": self._capture.calls, "open": next(iter(self._capture.open), None)}


if __name__ == "__main__":
    run(InngestDecoder, Path(sys.argv[1]))
