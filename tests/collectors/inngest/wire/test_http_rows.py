"""What passes in every form that HTTP/1.1 has, row by row."""

import gzip
import json
import zlib

import pytest
from http_said import LOOK, RUN, STEP, Said, asked, decoded, message, posted, replied

from durameter_collectors.inngest.wire.decode import when
from durameter_collectors.inngest.wire.rows import (
    Operation,
    WireCheckpoint,
    WireEvents,
    WireFunction,
    WireProblem,
    WireRequest,
    WireSync,
)
from durameter_collectors.tapping.decoding import Kind

ULID = "01M848CV74K0MSN1HD9N94234E"
OPERATION = Operation(op="StepRun", id=LOOK, name="look", output_bytes=111)  # {"text":"..."}: 9 + 50 x 2 + 2


def request(*said: Said) -> WireRequest:
    [row] = decoded(said)
    assert isinstance(row, WireRequest)
    return row


def problem(*said: Said, route: str = "app") -> WireProblem:
    [row] = decoded(said, route)
    assert isinstance(row, WireProblem)
    return row


def test_a_request_and_its_reply_are_one_row() -> None:
    ask = asked(attempt=2, headers={"X-Run-ID": RUN, "x-inngest-job-id": "job", "x-request-id": "req"})
    assert request(ask, replied()) == WireRequest(
        call=1,
        time=when(1.5),
        asked=when(1.5),
        function="app-one",
        run=RUN,
        step="step",
        attempt=2,
        job="job",
        request="req",
        status=206,
        operations=(OPERATION,),
        request_bytes=len(ask[1].partition(b"\r\n\r\n")[2]),
        reply_bytes=len(json.dumps(STEP)),
    )


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"events": [], "steps": {}}, 4),
        (
            {"events": [{"name": "e"}], "steps": {LOOK: {"data": "ü"}}},
            14 + 58,
        ),  # [{"name":"e"}]; 44 + {"data":"ü"} 13 + 1
        ({"events": [{"name": "e"}], "steps": {}, "use_api": True}, None),  # too large: the app must ask for it
        ({"event": {"name": "e"}, "steps": {}}, None),
    ],
)
def test_the_state_that_the_server_sends_is_measured(body: dict[str, object], state: int | None) -> None:
    ask = message(
        "POST /api/inngest?fnId=app-one&stepId=step HTTP/1.1", json.dumps({"ctx": {"run_id": RUN}} | body).encode()
    )
    assert request((Kind.FROM_CLIENT, ask), replied()).state_bytes == state


def test_retry_headers_are_kept() -> None:
    row = request(asked(), replied({"error": 1}, 500, headers={"Retry-After": "30", "X-Inngest-No-Retry": "true"}))
    assert (row.status, row.retry_after, row.no_retry, row.operations) == (500, "30", True, ())


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, json.dumps(STEP).encode()),
        ({"content-encoding": "gzip"}, gzip.compress(json.dumps(STEP).encode(), mtime=0)),
        ({"content-encoding": "deflate"}, zlib.compress(json.dumps(STEP).encode())),
        ({"content-encoding": "identity"}, json.dumps(STEP[0]).encode()),  # the oldest SDKs reply with one object
    ],
)
@pytest.mark.parametrize("chunk", [0, 7, 10_000])
def test_replies_in_any_encoding(headers: dict[str, str], body: bytes, chunk: int) -> None:
    row = request(asked(chunk=chunk), replied(body, headers=headers, chunk=chunk))
    assert row.operations == (OPERATION,)
    assert row.reply_bytes == len(body)


def large(size: int, *, ascii_only: bool = True) -> bytes:
    """A reply of one step whose output, as JSON, takes so many bytes."""
    output = "x" * (size - 2) if ascii_only else "\u00fc" * ((size - 2) // 6)
    return json.dumps([STEP[0] | {"data": output}], ensure_ascii=True).encode()


FOUR = 4 * 2**20
WRAPPED = json.dumps({"status": 206, "headers": {}, "body": large(FOUR + 100).decode()}).encode()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (replied(large(FOUR + 100)), f"a step's output has more than {FOUR} bytes"),
        (replied(large(FOUR + 100, ascii_only=False)), f"a step's output has more than {FOUR} bytes"),
        (replied(gzip.compress(large(FOUR + 100), mtime=0), headers={"content-encoding": "gzip"}), "a step's output"),
        (replied(WRAPPED, 201), "a step's output"),
        (replied(large(2 * FOUR)), f"it has more than {2 * FOUR} bytes"),
        (replied(large(2 * FOUR), 200), f"it has more than {2 * FOUR} bytes"),
    ],
)
def test_a_reply_that_is_too_large_for_the_server_is_none(said: Said, why: str) -> None:
    """It asks again, as if the app had died; neither trace nor store has the step (measured, 1.44.0)."""
    row, note = decoded([asked(), said])
    assert isinstance(row, WireRequest)
    assert (row.status, row.operations) == (0, ())
    assert row.reply_bytes > 0
    assert isinstance(note, WireProblem)
    assert why in note.what
    assert not note.grave


@pytest.mark.parametrize(
    "said",
    [
        replied(large(FOUR - 100)),
        replied(large(FOUR - 100, ascii_only=False)),
        replied([STEP[0] | {"data": "x" * (FOUR - 100)}, STEP[0] | {"data": "x" * (FOUR - 1000)}]),
    ],
)
def test_a_large_reply_that_the_server_takes_is_read(said: Said) -> None:
    assert {operation.op for operation in request(asked(), said).operations} == {"StepRun"}


def test_a_large_result_of_a_function_is_one() -> None:
    assert request(asked(), replied(b'"' + b"x" * (2 * FOUR - 2) + b'"', 200)).status == 200


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, br"])
def test_an_encoding_that_is_not_read_is_named(encoding: str) -> None:
    row, what = decoded([asked(), replied(b"\x00\x01", headers={"content-encoding": encoding})])
    assert isinstance(row, WireRequest)
    assert (row.status, row.operations) == (206, ())
    assert isinstance(what, WireProblem)
    assert encoding in what.what
    assert (what.run, what.grave) == (RUN, True)


@pytest.mark.parametrize("body", [json.dumps(STEP), STEP])  # some SDKs encode it twice
def test_a_streamed_reply_has_its_status_and_headers_in_its_body(body: object) -> None:
    wrapped = {"status": 206, "body": body, "headers": {"x-inngest-no-retry": "true", "Retry-After": "7"}}
    stream = b" " * 40 + json.dumps(wrapped).encode()  # blanks keep the connection alive
    row = request(asked(), replied(stream, 201, chunk=8))
    assert (row.status, row.operations, row.no_retry, row.retry_after) == (206, (OPERATION,), True, "7")


def test_a_connection_that_is_kept_alive_carries_many() -> None:
    rows = decoded([asked(), replied(), asked(attempt=1), replied([], 500), asked(attempt=2), replied()])
    assert [(row.call, row.attempt, row.status) for row in rows if isinstance(row, WireRequest)] == [
        (1, 0, 206), (2, 1, 500), (3, 2, 206),
    ]  # fmt: skip


def test_requests_that_do_not_wait_for_their_turn() -> None:
    rows = decoded([asked(), asked(attempt=1), replied(status=500), replied()])
    assert [(row.attempt, row.status) for row in rows if isinstance(row, WireRequest)] == [(0, 500), (1, 206)]


def test_a_client_that_waits_for_leave_to_send() -> None:
    kind, whole = asked(headers={"Expect": "100-continue"})
    head, _, body = whole.partition(b"\r\n\r\n")
    leave = Kind.FROM_SERVER, b"HTTP/1.1 100 Continue\r\n\r\n"
    assert request((kind, head + b"\r\n\r\n"), leave, (kind, body), replied()).status == 206


def test_a_reply_that_overtakes_the_end_of_its_request() -> None:
    kind, whole = asked()
    row = request((kind, whole[:-5]), replied({}, 413), (kind, whole[-5:]))
    assert (row.status, row.run) == (413, RUN)


def test_a_reply_without_a_length_ends_with_its_connection() -> None:
    reply = Kind.FROM_SERVER, b"HTTP/1.1 206 X\r\nconnection: close\r\n\r\n" + json.dumps(STEP).encode()
    assert request(asked(), reply).operations == (OPERATION,)


def test_answers_without_a_body() -> None:
    head = Kind.FROM_CLIENT, message("HEAD /api/inngest HTTP/1.1")
    rows = decoded(
        [head, replied(b"", headers={"content-length": "99"}), asked(), replied(b"", 204), asked(), replied()]
    )
    assert [row.record for row in rows] == ["request", "request"]


def test_what_is_neither_request_nor_sync_makes_no_row() -> None:
    sync = Kind.FROM_CLIENT, message("PUT /api/inngest HTTP/1.1")
    look = Kind.FROM_CLIENT, message("GET /api/inngest?fnId=x HTTP/1.1")
    assert decoded([sync, replied({"modified": True}, 200), look, replied({}, 200)]) == []


def test_large_bodies() -> None:
    """A step state of 8 MiB and a reply of almost 4 MiB, in reads of 64 KiB."""
    state = json.dumps({"ctx": {"run_id": RUN, "attempt": 0}, "steps": {LOOK: "x" * 8_388_608}}).encode()
    reply = json.dumps([STEP[0] | {"data": "y" * 4_194_000}]).encode()
    said = [(Kind.FROM_CLIENT, message("POST /?fnId=f&stepId=step HTTP/1.1", state)), replied(reply)]
    cut = [(kind, data[place : place + 65_536]) for kind, data in said for place in range(0, len(data), 65_536)]
    row = request(*cut)
    assert (row.request_bytes, row.reply_bytes, row.operations) == (
        len(state),
        len(reply),
        (OPERATION.model_copy(update={"output_bytes": 4_194_002}),),
    )


def test_what_a_durable_endpoint_replies_is_not_read_and_said_to_be_so() -> None:
    """As measured (1.44.0, TypeScript 4.24): the endpoint's own method, no body, no ids but in headers."""
    ask = message("GET /work?a=1 HTTP/1.1", headers={"x-run-id": RUN, "x-inngest-job-id": "job", "x-request-id": "r"})
    said = problem((Kind.FROM_CLIENT, ask), replied())
    assert (said.run, said.grave) == (RUN, True)
    assert "durable endpoint" in said.what


def test_what_others_ask_an_app_is_no_row() -> None:
    assert decoded([(Kind.FROM_CLIENT, message("GET /work?a=1 HTTP/1.1")), replied()]) == []


def test_a_request_that_is_never_answered_is_a_row_and_is_said() -> None:
    """The app was killed. Its server counts the request, and tries again; no step can be lost by it."""
    row, said = decoded([asked()])
    assert isinstance(row, WireRequest)
    assert isinstance(said, WireProblem)
    assert (row.status, row.run, said.grave) == (0, RUN, False)
    assert "closed" in said.what


@pytest.mark.parametrize(
    ("reply", "status"), [(b"{not json", 206), (b"7", 206), (b'[{"id": 1}]', 206), (b"", 206), (b'{"body": 1}', 201)]
)
def test_a_reply_that_is_not_one_is_a_request_all_the_same_and_a_problem(reply: bytes, status: int) -> None:
    row, said = decoded([asked(), replied(reply, status)])
    assert isinstance(row, WireRequest)
    assert isinstance(said, WireProblem)
    assert (row.status, row.run, said.run, said.grave) == (status, RUN, RUN, True)


def test_a_request_whose_body_is_not_json_is_known_by_its_headers() -> None:
    ask = Kind.FROM_CLIENT, message("POST /?fnId=f&stepId=step HTTP/1.1", b"{", {"X-Run-ID": RUN})
    row, said = decoded([ask, replied()])
    assert (row.record, said.record) == ("request", "problem")
    assert isinstance(row, WireRequest)
    assert (row.run, row.operations) == (RUN, (OPERATION,))


def test_json_with_half_characters_as_python_writes_it() -> None:
    reply = b'[{"op": "StepRun", "id": "' + LOOK.encode() + b'", "displayName": "look", "data": "\\ud800"}]'
    assert request(asked(), replied(reply)).operations == (OPERATION.model_copy(update={"output_bytes": 0}),)


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00", "HTTP/2"),
        (b"\x16\x03\x01\x02\x00\x01", "TLS"),
        (b"\x00\x01\x02", "damaged"),
        (b"hello\r\n\r\n", "damaged"),
    ],
)
def test_another_protocol_is_named(first: bytes, why: str) -> None:
    assert why in problem((Kind.FROM_CLIENT, first), (Kind.FROM_SERVER, b"\x00" * 20)).what


def upgrade(to: str, path: str = "/ws") -> Said:
    return Kind.FROM_CLIENT, message(f"GET {path} HTTP/1.1", b"", {"connection": "Upgrade", "upgrade": to})


@pytest.mark.parametrize(("path", "grave"), [("/ws", True), ("/v1/realtime/connect?token=t", False)])
def test_a_websocket_is_named_and_not_read(path: str, grave: bool) -> None:
    switched = Kind.FROM_SERVER, b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x05hello"
    said = problem(upgrade("websocket", path), switched, (Kind.FROM_CLIENT, b"\x81\x85xxxx"), route="server")
    assert "websocket" in said.what
    assert said.grave == grave


def test_a_proposal_that_the_server_ignores_changes_nothing() -> None:
    """Java's own client proposes h2c with its first request."""
    ask = asked(headers={"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c"})
    rows = decoded([ask, asked(attempt=1), replied(), replied(status=500)])
    assert [(row.attempt, row.status) for row in rows if isinstance(row, WireRequest)] == [(0, 206), (1, 500)]
    assert len(rows) == 2


def test_events_have_the_names_of_the_request_and_the_ids_of_the_reply() -> None:
    one = [posted("/e/key", {"name": "a"}), replied({"ids": [ULID], "status": 200}, 200)]
    many = [posted("/e/key", [{"name": "a"}, {"name": "b"}]), replied({"ids": ["1", "2"], "status": 200}, 200)]
    rows = decoded([*one, *many], "server")
    assert all(isinstance(row, WireEvents) for row in rows)
    assert [(row.names, row.ids, row.status) for row in rows if isinstance(row, WireEvents)] == [
        (("a",), (ULID,), 200), (("a", "b"), ("1", "2"), 200),
    ]  # fmt: skip


def test_events_that_the_server_refused_have_no_ids() -> None:
    [row] = decoded([posted("/e/key", b"["), replied({"ids": [], "status": 400, "error": "no"}, 400)], "server")
    assert isinstance(row, WireEvents)
    assert (row.names, row.ids, row.status) == ((), (), 400)


def test_events_by_a_form_are_known_by_their_ids() -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    said, row = decoded([posted("/e/key", b"name=a", kind), replied({"ids": [ULID]}, 200)], "server")
    assert isinstance(row, WireEvents)
    assert isinstance(said, WireProblem)
    assert (row.ids, said.grave) == ((ULID,), False)


def test_a_function_that_is_invoked_by_the_api_is_an_event() -> None:
    [row] = decoded([posted("/invoke/app-one", {"data": {}}), replied({"id": ULID, "status": 200}, 200)], "server")
    assert isinstance(row, WireEvents)
    assert (row.names, row.ids) == (("inngest/function.invoked",), (ULID,))


def test_a_checkpoint_reports_steps() -> None:
    steps = [STEP[0] | {"opts": {"type": "step.sendEvent"}, "data": {"ids": [ULID]}}]
    body = {"run_id": RUN, "fn_id": "f", "request_id": "req", "steps": steps}
    [row] = decoded([posted(f"/v1/checkpoint/{RUN}/async", body), replied(b"", 200)], "server")
    assert isinstance(row, WireCheckpoint)
    assert (row.run, row.request, row.status, row.begins) == (RUN, "req", 200, False)
    [step] = row.operations
    assert (step.id, step.kind, step.sent) == (LOOK, "step.sendEvent", (ULID,))
    assert step.output_bytes == 38  # {"ids":["..."]}: 9 + 26 + 3


def test_a_run_that_an_app_begins_by_itself_is_a_checkpoint_too() -> None:
    [row] = decoded([posted("/v1/checkpoint", {"run_id": RUN, "steps": STEP}), replied({"data": {}}, 200)], "server")
    assert isinstance(row, WireCheckpoint)
    assert (row.run, row.begins, row.operations) == (RUN, True, (OPERATION,))


def test_an_unanswered_checkpoint_is_a_grave_problem() -> None:
    said = problem(posted(f"/v1/checkpoint/{RUN}/async", {"run_id": RUN, "steps": STEP}), route="server")
    assert (said.run, said.grave) == (RUN, True)


def test_an_app_that_registers_says_where_it_is_asked() -> None:
    limited = {"id": "app-a", "triggers": [{"event": "x/*", "expression": "1 == 1"}], "rateLimit": {"limit": 1}}
    timed = {"id": "b", "triggers": [{"cron": "* * * * *"}], "rateLimit": None}
    body = {"appName": "app", "url": "http://127.0.0.1:3000/api/inngest", "functions": [limited, timed]}
    [row] = decoded([posted("/fn/register", body), replied({"ok": True}, 200)], "server")
    assert isinstance(row, WireSync)
    assert (row.app, row.url) == ("app", "http://127.0.0.1:3000/api/inngest")
    assert row.functions == (
        WireFunction(id="app-a", events=("x/*",), limits=("rateLimit", "expression")),
        WireFunction(id="app-b"),
    )


def test_connect_is_named() -> None:
    assert "Connect" in problem(posted("/v0/connect/start", b"x"), replied(b"y", 200), route="server").what


def test_other_calls_to_the_server_make_no_row() -> None:
    assert decoded([posted("/v0/gql", {"query": "q"}), replied({"data": {}}, 200)], "server") == []
