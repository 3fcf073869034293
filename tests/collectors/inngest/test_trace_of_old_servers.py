"""The two trees of a run on 1.12.1: each misses steps that the other one has. Trees as that server told them."""

import json
from typing import Any

import httpx
import pytest

from durameter_collectors.inngest.api.graphql import InngestApi, InngestApiError, RunTrace
from durameter_collectors.inngest.trace import steps_of

TIME = "2026-11-23T15:28:24Z"
Tree = dict[str, Any]


def span(name: str, step: str | None = None, *children: Tree, op: str | None = "RUN", attempts: int = 0) -> Tree:
    return {
        "spanID": name,
        "name": name,
        "status": "COMPLETED",
        "attempts": attempts,
        "stepID": step,
        "stepOp": op,
        "startedAt": TIME,
        "childrenSpans": list(children),
    }


def attempt(number: int, step: str | None = None) -> Tree:
    return span(f"Attempt {number}", step, attempts=number)


def run(*children: Tree) -> Tree:
    return {"id": "run-1", "status": "COMPLETED", "trace": span("main", None, *children, op=None)}


class Server:
    """Answers as a server of which this is the schema and these are the trees."""

    def __init__(
        self, *, preview: Tree | None, plain: Tree | None, span_fields: tuple[str, ...], knows: bool = True
    ) -> None:
        self.asked: list[str] = []
        self._preview = preview
        self._plain = plain
        self._span_fields = span_fields
        self._knows = knows

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = json.loads(request.content)["query"]
        if "__type(" in query:
            arguments = [{"name": "preview"}] if self._knows else []
            return self._said(
                run={"fields": [{"name": "trace", "args": arguments}]},
                span={"fields": [{"name": name, "args": []} for name in self._span_fields]},
            )
        if "childrenSpans" not in query:
            return self._said(run={"id": "run-1", "status": "COMPLETED"})
        preview = "preview: true" in query
        self.asked.append("preview" if preview else "plain")
        tree = self._preview if preview else self._plain
        if tree is None:
            return httpx.Response(200, json={"errors": [{"message": "no function run span found"}], "data": None})
        return self._said(run=tree)

    def _said(self, **data: Any) -> httpx.Response:
        return httpx.Response(200, json={"data": data})

    async def trace(self) -> RunTrace:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self)) as http:
            return await InngestApi(http, "http://server").trace("run-1")


OLD, NEW = ("name", "stepID"), ("name", "stepID", "response")


async def found(server: Server) -> dict[str, tuple[str, str | None, int]]:
    """Name, operation and attempts of each step."""
    return {step.id: (step.name, step.op, step.attempts) for step in steps_of(await server.trace())}


async def test_steps_that_failed_at_function_level_are_taken_from_both_trees() -> None:
    """`a` failed once and `c` twice with a RetryAfterError, `b` once with an error of its own."""
    preview = run(
        span("Finalization", "a", attempt(0), attempt(1, "a"), attempts=1),
        span("b", "b", attempt(0, "b"), attempt(1, "b"), attempts=1),
    )
    plain = run(
        span("a", None, attempt(0), attempt(1, "a"), attempts=1),
        span("b", "b", attempt(0, "b"), attempt(1, "b"), attempts=1),
        span("c", None, attempt(0), attempt(1), attempt(2, "c"), attempts=2),
        span("function success", op=None),
    )
    server = Server(preview=preview, plain=plain, span_fields=OLD)
    assert await found(server) == {"a": ("a", "RUN", 2), "b": ("b", "RUN", 2), "c": ("c", "RUN", 3)}


async def test_attempt_that_never_was_is_not_counted() -> None:
    """A step without retries that failed: the plain tree alone has it, with one attempt too many."""
    preview = run(span("Finalization", None, attempt(0), op=None))
    queued = attempt(1) | {"startedAt": None}
    plain = run(
        span("doomed", "d", attempt(0, "d"), queued, op=None, attempts=1),
        span("function error", None, attempt(0), op=None, attempts=1),
    )
    assert await found(Server(preview=preview, plain=plain, span_fields=OLD)) == {"d": ("doomed", None, 1)}


async def test_invocation_is_named_by_the_tree_that_knows_its_event() -> None:
    def call(event: str) -> Tree:
        info = {"__typename": "InvokeStepInfo", "runID": None, "triggeringEventID": event}
        return span("call", "i", op="INVOKE") | {"stepInfo": info}

    server = Server(preview=run(call("0" * 26)), plain=run(call("01M84GRG0GZPBTTJ0NK7840F2G")), span_fields=OLD)
    [step] = steps_of(await server.trace())
    assert step.invoke_event == "01M84GRG0GZPBTTJ0NK7840F2G"


@pytest.mark.parametrize("missing", ["preview", "plain"])
async def test_where_the_server_has_one_tree_alone_that_one_is_read(missing: str) -> None:
    tree = run(span("a", "a"))
    preview, plain = (None, tree) if missing == "preview" else (tree, None)
    assert await found(Server(preview=preview, plain=plain, span_fields=OLD)) == {"a": ("a", "RUN", 1)}


async def test_run_without_any_tree_has_no_trace() -> None:
    run_without = await Server(preview=None, plain=None, span_fields=OLD).trace()
    assert (run_without.status, run_without.trace) == ("COMPLETED", None)


@pytest.mark.parametrize(
    ("fields", "knows", "asked"),
    [(OLD, True, ["preview", "plain"]), (NEW, True, ["preview"]), (OLD, False, ["plain"])],
)
async def test_schema_decides_which_trees_are_read(fields: tuple[str, ...], knows: bool, asked: list[str]) -> None:
    server = Server(preview=run(span("a", "a")), plain=run(span("a", "a")), span_fields=fields, knows=knows)
    assert await found(server) == {"a": ("a", "RUN", 1)}
    assert server.asked == asked


async def test_other_errors_are_not_taken_for_a_missing_tree() -> None:
    def broken(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"errors": [{"message": "down"}]})

    async with httpx.AsyncClient(transport=httpx.MockTransport(broken)) as http:
        with pytest.raises(InngestApiError, match="down"):
            await InngestApi(http, "http://server").trace("run-1")
