"""Answers that are broken, incomplete or never at rest: each ends in a gap or an error in words; no unit is made up.

A `MockTransport` gives the broken answers; no count is taken from it but of what is in the answer.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from durameter_collectors.inngest.api.graphql import InngestApi, InngestApiError
from durameter_collectors.inngest.api.links import Links
from durameter_collectors.inngest.api.rest import RestV2
from durameter_collectors.inngest.runs import TaskRuns, count_runs
from durameter_collectors.inngest.store.read import StoreError, read_store
from durameter_collectors.units import TaskLabel

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LABEL = TaskLabel("tests/bad", "default", "task")
EVENT = "01M848CVAJQV2CGNMBWN7TMNPX"

Answers = Callable[[str], object]
"""Query → data, or what to answer instead of it."""


def transport(answer: Answers) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        said = answer(json.loads(request.content)["query"])
        return said if isinstance(said, httpx.Response) else httpx.Response(200, json={"data": said})

    return httpx.MockTransport(handle)


def span(name: str, *inner: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"spanID": name, "name": name, "status": "COMPLETED", "childrenSpans": list(inner)} | more


def run(*steps: str, status: str = "COMPLETED", name: str = "run-1", **more: Any) -> dict[str, Any]:
    about = {"id": name, "status": status, "function": {"slug": "app-f"}, "startedAt": NOW.isoformat()}
    spans = [span(step, stepID=step, stepOp="RUN") for step in steps]
    return about | {"triggerIDs": [EVENT], "trace": span("Run", *spans)} | more


SCHEMA = {
    "run": {"fields": [{"name": "trace", "args": [{"name": "preview"}]}]},
    "span": {"fields": [{"name": "response", "args": []}]},
}


def server(*, of_event: object = None, trace: Callable[[], object] = run, **more: object) -> Answers:
    """A server with one run, answering everything but what is told otherwise."""

    def answer(query: str) -> object:
        for word, data in more.items():
            if word in query:
                return data
        if "eventV2(" in query:
            return {"eventV2": {"runs": [run()]}} if of_event is None else of_event
        if "__type(" in query:
            return SCHEMA if "RunTraceSpan" in query else {"__type": {"fields": []}}
        if "functions" in query:
            return {"functions": []}
        return {"run": trace()}

    return answer


async def counted(answer: Answers, *, patience: float = 10) -> TaskRuns:
    async with httpx.AsyncClient(transport=transport(answer)) as http:
        return await count_runs(InngestApi(http, "http://server"), [EVENT], label=LABEL, patience=patience)


def units(task: TaskRuns) -> list[str]:
    return [unit.kind for each in task.runs for unit in each.count.units]


async def test_the_server_that_answers_well() -> None:
    """The tests below would prove nothing if this one did not count."""
    task = await counted(server(trace=lambda: run("a", "b")))
    assert (units(task), task.gaps) == (["function_run", "step.run", "step.run"], [])


BROKEN: Mapping[str, object] = {
    "web page": httpx.Response(200, html="<html>"),
    "no answer": httpx.Response(502),
    "cut off": httpx.Response(200, content=b'{"data": {"run": {"id": "run-1", "status": "COMPL'),
    "list": httpx.Response(200, json=[]),
    "data is a list": httpx.Response(200, json={"data": [1]}),
    "errors": httpx.Response(200, json={"errors": [{"message": "down"}]}),
    "errors are text": httpx.Response(200, json={"errors": "down"}),
    "errors are a list of texts": httpx.Response(200, json={"errors": ["down"], "data": None}),
    "run is text": {"run": "x", "eventV2": "x", "__type": "x", "functions": "x", "eventsV2": "x", "runs": "x"},
    "parts are missing": {
        "run": {"id": "run-1", "trace": {"childrenSpans": [{}]}, "defers": [1]},
        "eventV2": {"runs": [{}]},
        "__type": {"fields": [{}]},
        "span": {"fields": [{}]},
        "functions": [1],
        "eventsV2": {"edges": [{}]},
        "runs": {"edges": [{}], "pageInfo": {"hasNextPage": True}},
    },
    "parts are null": {
        "run": {"id": None},
        "eventV2": {"runs": [None]},
        "__type": {"fields": [None]},
        "span": {"fields": [None]},
        "functions": [None],
        "eventsV2": {"edges": [None]},
        "runs": {"edges": [None]},
    },
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_whatever_is_asked_a_broken_answer_is_an_error_in_words(broken: object) -> None:
    async with httpx.AsyncClient(transport=transport(lambda _query: broken)) as http:
        api = InngestApi(http, "http://server")
        links = Links(api)
        asked: list[Callable[[], Any]] = [
            lambda: api.runs_of_event(EVENT),
            lambda: api.trace("run-1"),
            lambda: api.settled_trace("run-1"),
            links.heard,
            lambda: links.internal_events(["inngest/function.failed"], NOW),
            lambda: links.deferred("run-1"),
            lambda: _all(api),
        ]
        for ask in asked:
            with pytest.raises(InngestApiError, match=r"did not answer|promises|something else|down|has no run"):
                await ask()


async def _all(api: InngestApi) -> None:
    async for _ in api.runs_since(NOW):
        pass


@pytest.mark.parametrize("broken", ["web page", "errors", "parts are missing"])  # each takes a second
async def test_a_trace_that_cannot_be_read_is_a_gap_and_no_unit(broken: str) -> None:
    """Its run is known from the event's list; what it cost is not."""
    task = await counted(server(trace=lambda: run("a"), **{"trace(": BROKEN[broken], "trace{": BROKEN[broken]}))
    assert units(task) == []
    assert any(gap.run == "run-1" and "its units are missing here" in gap.what for gap in task.gaps)


@pytest.mark.parametrize("broken", ["web page", "errors", "parts are missing"])  # each takes a second
async def test_an_event_whose_runs_cannot_be_read_is_a_gap(broken: str) -> None:
    task = await counted(server(of_event=BROKEN[broken]))
    assert units(task) == []
    [gap] = task.gaps
    assert gap.what.startswith(f"the runs of event {EVENT} cannot be read: ")


async def test_a_step_without_a_span_is_missing_and_one_that_is_named_without_an_id_is_no_step() -> None:
    """The trace tells one step: what is left of the two is not made up. That the wire saw it is the proof's matter."""
    trace = run("a") | {"trace": span("Run", span("a", stepID="a", stepOp="RUN"), span("b", stepOp="RUN"))}
    assert units(await counted(server(trace=lambda: trace))) == ["function_run", "step.run"]


async def test_a_run_that_never_ends_is_a_gap_within_the_patience() -> None:
    task = await counted(server(trace=lambda: run("a", status="RUNNING")), patience=0.5)
    assert units(task) == ["function_run", "step.run"]
    [gap] = task.gaps
    assert (gap.task, gap.run) == ("task", "run-1")
    assert gap.what.startswith("the run had not ended 0 s after its task (status RUNNING): a count so far.")
    assert "measure this task again" in gap.what


async def test_a_trace_that_never_settles_is_a_gap_within_the_patience() -> None:
    """It has ended, and changes at every look."""
    looks = iter(range(10_000))
    task = await counted(server(trace=lambda: run(*(f"s{n}" for n in range(next(looks))))), patience=1.5)
    [gap] = task.gaps
    assert gap.what.startswith("the trace did not settle")


async def test_descendants_that_never_stop_growing_are_a_gap() -> None:
    """Each look finds one run more, all of them over."""
    looks = iter(range(10_000))

    def more(query: str) -> object:
        if "eventV2(" in query:
            return {"eventV2": {"runs": [run(name=f"run-{n}") for n in range(next(looks))]}}
        return server()(query)

    task = await counted(more, patience=1.5)
    assert any("had not come to rest" in gap.what for gap in task.gaps)


async def test_rest_that_answers_with_a_web_page_is_not_there_and_with_nonsense_is_an_error() -> None:
    page = httpx.MockTransport(lambda _request: httpx.Response(200, html="<html>"))
    async with httpx.AsyncClient(transport=page) as http:
        assert not await RestV2(http, "http://server").there()
        with pytest.raises(InngestApiError, match="did not answer /runs/run-1"):
            await RestV2(http, "http://server").trace("run-1")
    for run_data, tree in (
        ({"status": "COMPLETED", "app": "x"}, {}),
        ({"status": 1}, {"rootSpan": {}}),
        ({}, {"rootSpan": {"name": "Run", "id": "1", "status": "x", "children": [None]}}),
        ({"status": "COMPLETED"}, {"rootSpan": "x"}),
    ):
        answers = {"/v2/runs/run-1": run_data, "/v2/runs/run-1/trace": tree}
        nonsense = httpx.MockTransport(lambda r, a=answers: httpx.Response(200, json={"data": a[r.url.path]}))  # type: ignore[misc]  # mypy #15459
        async with httpx.AsyncClient(transport=nonsense) as http:
            with pytest.raises(InngestApiError, match="not what the REST API promises"):
                await RestV2(http, "http://server").trace("run-1")


@pytest.mark.parametrize(
    "attributes", [{"_inngest.step.attempt": "many"}, {"_inngest.step.attempt": [1]}, {"_inngest.job.id": "j"}]
)
def test_a_row_of_the_database_that_nobody_wrote(tmp_path: Path, attributes: dict[str, object]) -> None:
    """The last one is a row as servers write it."""
    with closing(sqlite3.connect(tmp_path / "main.db")) as store:
        store.execute(
            "CREATE TABLE spans (name, dynamic_span_id, parent_span_id, start_time, status, run_id, attributes, "
            "is_deferred)"
        )
        for name, said in (("executor.run", {}), ("executor.execution", attributes)):
            row = (name, name, "", "1", "", "run-1", json.dumps(said), False)
            store.execute("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        store.commit()
    if "_inngest.job.id" in attributes:
        assert read_store(tmp_path / "main.db").runs["run-1"].requests == 1
    else:
        with pytest.raises(StoreError, match="not what an Inngest dev server writes"):
            read_store(tmp_path / "main.db")
