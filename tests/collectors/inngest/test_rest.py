"""When a trace may be counted: the rule, and what is looked at once for all tasks. A mock server says what is asked."""

import asyncio
import itertools
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from durameter_collectors.inngest.api.graphql import SETTLE_SECONDS, InngestApi
from durameter_collectors.inngest.api.links import Links
from durameter_collectors.inngest.descendants import Rest
from durameter_collectors.inngest.runs import count_runs
from durameter_collectors.inngest.store.read import StoreChanges
from durameter_collectors.units import TaskLabel

EVENT = "01M848CVAJQV2CGNMBWN7TMNPX"
NOW = "2026-11-23T09:00:00Z"
LABEL = TaskLabel("tests/rest", "default", "task")


def run(*steps: str, name: str = "run-1", status: str = "COMPLETED", **more: Any) -> dict[str, Any]:
    spans = [
        {"spanID": each, "name": each, "status": "COMPLETED", "stepID": each, "stepOp": "RUN", "childrenSpans": []}
        for each in steps
    ]
    trace = {"spanID": "root", "name": "Run", "status": status, "childrenSpans": spans}
    return {
        "id": name,
        "status": status,
        "function": {"slug": "app-f"},
        "triggerIDs": [EVENT],
        "startedAt": NOW,
        "defers": [],
        "trace": trace,
    } | more


@asynccontextmanager
async def server(
    trace: Callable[[str], dict[str, Any]], *runs: str
) -> AsyncIterator[tuple[InngestApi, list[tuple[float, str]]]]:
    """A server that says this of each run, and that the event started these; what is asked of it, and when."""
    asked: list[tuple[float, str]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        query = body["query"]
        about = body["variables"].get("id", "")
        if "__type(" in query:
            asked.append((time.monotonic(), "schema"))
            data: dict[str, Any] = {
                "run": {"fields": [{"name": "trace", "args": [{"name": "preview"}]}, {"name": "defers", "args": []}]},
                "span": {"fields": [{"name": "response", "args": []}]},
            }
        elif "eventV2(" in query:
            asked.append((time.monotonic(), "event"))
            data = {"eventV2": {"runs": [trace(each) for each in runs or ("run-1",)]}}
        elif "functions" in query:
            asked.append((time.monotonic(), "functions"))
            data = {"functions": []}
        else:
            asked.append((time.monotonic(), f"trace {about}"))
            data = {"run": trace(about)}
        return httpx.Response(200, json={"data": data})

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        yield InngestApi(http, "http://server"), asked


async def test_a_trace_has_settled_once_readings_of_half_a_second_are_equal() -> None:
    async with server(lambda name: run("a", name=name)) as (api, _):
        await api.trace("run-1")
        assert api.settled("run-1") is None
        await api.trace("run-1")
        assert api.settled("run-1") is None  # equal, and too soon after each other
        await asyncio.sleep(SETTLE_SECONDS)
        assert api.settled("run-1") is None  # time alone proves nothing
        read = await api.trace("run-1")
        assert api.settled("run-1") == read


@pytest.mark.parametrize("late", [{"steps": ("a", "b")}, {"defers": [{"runID": "run-2"}]}])
async def test_what_is_written_late_begins_the_time_anew(late: dict[str, Any]) -> None:
    said = [run("a"), run(*late.pop("steps", ("a",)), **late)]
    async with server(lambda _name: said[0]) as (api, _):
        await api.trace("run-1")
        await asyncio.sleep(SETTLE_SECONDS)
        said.pop(0)
        await api.trace("run-1")
        assert api.settled("run-1") is None
        record, settled = await api.settled_trace("run-1")
    assert settled
    assert record.model_dump_json() == type(record).model_validate(said[0]).model_dump_json()
    assert "defers" not in record.model_dump()  # records stay as they were


async def test_a_run_that_goes_on_never_settles() -> None:
    async with server(lambda name: run("a", name=name, status="RUNNING")) as (api, _):
        assert not (await api.settled_trace("run-1", patience=1.2))[1]
        assert api.settled("run-1", unchanged_since=0) is None


async def test_one_reading_is_enough_where_the_server_has_written_nothing_since() -> None:
    async with server(lambda name: run("a", name=name)) as (api, _):
        before = time.monotonic()
        read = await api.trace("run-1")
        after = time.monotonic()
        assert api.settled("run-1", unchanged_since=before) == read
        assert api.settled("run-1", unchanged_since=after) is None


def test_a_server_that_writes_changes_the_version_and_one_that_reads_does_not(tmp_path: Path) -> None:
    file = tmp_path / "main.db"
    with closing(sqlite3.connect(file)) as server:
        server.execute("PRAGMA journal_mode = WAL")
        server.execute("CREATE TABLE spans (x)")
        server.commit()
        changes = StoreChanges(file)
        first = changes.version()
        server.execute("SELECT * FROM spans").fetchall()
        assert changes.version() == first
        server.execute("INSERT INTO spans VALUES (1)")
        assert changes.version() == first  # not yet
        server.commit()
        assert changes.version() != first
        assert server.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0  # it holds nothing back
        changes.close()


async def nothing_sent() -> dict[str, dict[str, list[str]]]:
    """By the wire no step sent events."""
    return {"run-1": {}, "run-2": {}}


async def rest_of(api: InngestApi, *runs: str) -> Rest:
    for each in runs:
        await api.trace(each)
    found = {each: trace for each in runs if (trace := api.settled(each, unchanged_since=0))}
    return Rest(found, Links(api, at_rest=True))


async def test_where_everything_rests_a_task_is_counted_at_once_and_no_trace_is_read_again() -> None:
    async with server(lambda name: run("a", "b", name=name)) as (api, asked):
        rest = await rest_of(api, "run-1")
        asked.clear()
        begun = time.monotonic()
        task = await count_runs(api, [EVENT], label=LABEL, patience=10, rest=rest, sent=nothing_sent)
        assert time.monotonic() - begun < SETTLE_SECONDS
    assert [what for _, what in asked] == ["event"]
    assert [unit.kind for each in task.runs for unit in each.count.units] == ["function_run", "step.run", "step.run"]
    assert not task.gaps


async def test_a_run_that_began_after_the_rest_is_waited_for_as_ever() -> None:
    """Its trace grows once more; the other run, which rests, is read anew too."""
    looks = itertools.count()

    def trace(name: str) -> dict[str, Any]:
        return run("a", *(("b",) if name == "run-2" and next(looks) > 2 else ()), name=name)

    async with server(trace, "run-1", "run-2") as (api, asked):
        rest = await rest_of(api, "run-1")
        begun = time.monotonic()
        task = await count_runs(api, [EVENT], label=LABEL, patience=10, rest=rest, sent=nothing_sent)
        assert time.monotonic() - begun >= 1
    assert {each.record.id for each in task.runs} == {"run-1", "run-2"}
    kinds = [unit.kind for each in task.runs for unit in each.count.units]
    assert kinds.count("step.run") == 3
    times = [when for when, what in asked if what == "trace run-2"]
    assert times[-1] - times[-2] >= SETTLE_SECONDS
    assert not task.gaps
