"""The recorder around an app changes nothing, never raises, and says what it cannot read."""

import json
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from durameter_collectors.inngest.replies import (
    Reply,
    ReplyRecorder,
    counts_in_replies,
    read_exchange,
    runs_in_replies,
)

QUERY = "fnId=app-one&stepId=step"
REQUEST = {"ctx": {"run_id": "run-1", "attempt": 1}, "event": {"name": "e"}, "steps": {}}


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await Response(body, status_code=206, headers={"x-kept": "yes"})(scope, receive, send)


async def _stream(scope: Scope, receive: Receive, send: Send) -> None:
    async def pieces() -> Any:
        for number in range(3):
            yield f"piece {number};"

    await StreamingResponse(pieces(), status_code=201)(scope, receive, send)


async def _post(app: ASGIApp, body: bytes, query: str = QUERY) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        return await client.post(f"/api/inngest?{query}", content=body)


async def test_bytes_and_headers_pass_unchanged_and_are_recorded() -> None:
    kept: list[Reply] = []
    operations = [{"op": "StepRun", "id": "a" * 40, "displayName": "look", "data": "ü" * 100_000}]
    body = json.dumps(operations).encode()
    answer = await _post(ReplyRecorder(_echo, kept.append), body)
    assert (answer.status_code, answer.content, answer.headers["x-kept"]) == (206, body, "yes")
    [reply] = kept
    assert (reply.function, reply.target, reply.request_bytes, reply.reply_bytes) == (
        "app-one", "step", len(body), len(body),
    )  # fmt: skip
    assert reply.unreadable  # an echo is no request of the server's: it has no run


async def test_streams_pass_piece_by_piece() -> None:
    kept: list[Reply] = []
    answer = await _post(ReplyRecorder(_stream, kept.append), json.dumps(REQUEST).encode())
    assert (answer.status_code, answer.text) == (201, "piece 0;piece 1;piece 2;")
    assert (kept[0].run, kept[0].attempt) == ("run-1", 1)


async def test_other_requests_are_not_recorded() -> None:
    kept: list[Reply] = []
    await _post(ReplyRecorder(_echo, kept.append), b"{}", query="")
    assert kept == []


async def test_a_full_disk_does_not_reach_the_app() -> None:
    def full(_reply: Reply) -> None:
        raise OSError("no space left on device")

    answer = await _post(ReplyRecorder(_echo, full), json.dumps(REQUEST).encode())
    assert answer.status_code == 206


def _reply(operations: object, status: int = 206, attempt: int = 0) -> Reply:
    request = {"ctx": {"run_id": "run-1", "attempt": attempt}}
    return read_exchange(QUERY, json.dumps(request).encode(), json.dumps(operations).encode(), status, _NOW)


_NOW = Reply.model_validate_json(
    '{"time":"2026-11-23T09:00:00Z","function":"f","run":"r","target":"step","attempt":0,"status":200,'
    '"operations":[],"request_bytes":0,"reply_bytes":0}'
).time


def test_steps_attempts_and_requests_by_hand() -> None:
    """Two planned steps (free), one of them done at its third attempt, the other at its first, then the end.

    Requests 5; steps 2; further attempts 2; run 1.
    """
    left, right = "a" * 40, "b" * 40
    planned = [{"op": "StepPlanned", "id": left, "name": "l"}, {"op": "StepPlanned", "id": right, "name": "r"}]
    runs = runs_in_replies(
        [
            _reply(planned),
            _reply([{"op": "StepRun", "id": right, "name": "r"}]),
            _reply([{"op": "StepError", "id": left, "name": "l"}], attempt=1),
            _reply([{"op": "StepRun", "id": left, "name": "l"}], attempt=2),
            _reply("done", status=200),
        ]
    )
    assert counts_in_replies(runs) == {"run-1": {"function_run": 1, "step.run": 2, "step_retry": 2}}
    assert (runs["run-1"].requests, runs["run-1"].ended, runs["run-1"].problems) == (5, True, [])


def test_an_unknown_opcode_is_a_problem_and_not_a_silent_zero() -> None:
    [run] = runs_in_replies([_reply([{"op": "Teleport", "id": "c" * 40, "name": "t"}])]).values()
    assert run.problems == ["no rule knows the opcode Teleport"]


@given(st.binary(max_size=200), st.binary(max_size=200), st.sampled_from([200, 206, 400, 500]))
def test_whatever_is_exchanged_is_a_record(request: bytes, reply: bytes, status: int) -> None:
    found = read_exchange(QUERY, request, reply, status, _NOW)
    assert found.status == status
    assert found.run or found.unreadable


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["op", "id", "name", "ctx"]), inner),
    max_leaves=12,
)


@given(json_values, json_values)
def test_json_of_any_form_is_a_record_or_said_to_be_unreadable(context: object, operations: object) -> None:
    request = json.dumps({"ctx": context}).encode()
    found = read_exchange(QUERY, request, json.dumps(operations).encode(), 206, _NOW)
    runs_in_replies([found])
