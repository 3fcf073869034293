"""Time at work, state and steps of a task on the real server, with figures derived by hand from its functions."""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import fastapi
import inngest
import pytest
from inngest.experimental import ai

from durameter.config import Config
from durameter.engines.base import TaskCount
from durameter.engines.inngest.engine import InngestEngine
from durameter.processes.asgi import serve_app
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import ENDED, RunTrace
from durameter_collectors.inngest.slot_time import RunSlotTime, measures_of, slot_time_of
from durameter_collectors.inngest.wire.rows import (
    Operation,
    WireCheckpoint,
    WireProblem,
    WireRequest,
)
from durameter_collectors.units import TaskLabel
from running import patience

LABEL = TaskLabel("tests/work", "default", "task")
HALF = 0.5
OUTPUT = 20_000
TRIES: Counter[str] = Counter()

SUMS = {"step_seconds", "step_overlap_seconds", "open_seconds"}
MOST = {"steps_in_longest_run", "state_bytes_longest", "step_output_bytes_largest"}
SPARE = 2.5
"""Seconds that a machine under load may take more than the work."""


async def half() -> str:
    await asyncio.sleep(HALF)
    return "done"


async def large() -> str:
    return "x" * OUTPUT


async def half_fails_once(run: str) -> str:
    await asyncio.sleep(HALF)
    TRIES[run] += 1
    if TRIES[run] == 1:
        raise RuntimeError("500")
    return "done"


def model() -> fastapi.FastAPI:
    """Answers after half a second; the server asks it."""
    app = fastapi.FastAPI()

    @app.post("/v1/chat/completions")
    async def answer() -> dict[str, Any]:
        await asyncio.sleep(HALF)
        return {"choices": [{"message": {"role": "assistant", "content": "hello"}}]}

    return app


async def branch(ctx: inngest.Context, child: inngest.Function[Any], adapter: ai.openai.Adapter) -> None:
    step, seconds = ctx.step, timedelta(seconds=3)
    question = {"messages": [{"role": "user", "content": "hello"}]}

    async def outputs() -> None:
        for number in range(3):
            await step.run(f"output {number}", large)

    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "works": lambda: step.run("work", half),
        "works outside": lambda: asyncio.sleep(HALF),
        "sleeps": lambda: step.sleep("nap", seconds),
        "waits": lambda: step.wait_for_event("wait", event="tests/never", timeout=seconds),
        "parallel": lambda: ctx.group.parallel(tuple(lambda name=n: step.run(f"work {name}", half) for n in range(4))),
        "retries": lambda: step.run("work", half_fails_once, ctx.run_id),
        "invokes": lambda: step.invoke("call", function=child, data={}),
        "infers": lambda: step.ai.infer("ask", adapter=adapter, body=question),
        "three outputs": outputs,
    }
    await ways[str(ctx.event.data["name"])]()


# name: seconds at work, squared and summed over time, seconds open at least, steps in the longest run
EXPECTED: dict[str, tuple[float, float, float, int]] = {
    "works": (HALF, HALF, HALF, 1),
    "works outside": (HALF, HALF, HALF, 0),  # code outside of steps takes a slot too
    "sleeps": (0, 0, 3, 1),
    "waits": (0, 0, 3, 1),
    "parallel": (4 * HALF, 4**2 * HALF, HALF, 4),  # four at once for half a second
    "retries": (2 * HALF, 2 * HALF, 2 * HALF, 1),  # two attempts; the time between them is no work
    "invokes": (HALF, HALF, 2 * HALF, 1),  # the child works, and both are open meanwhile
    "infers": (HALF, HALF, HALF, 1),  # the server itself asks the model, and holds the slot meanwhile (inferred)
    "three outputs": (0, 0, 0, 3),
}


@dataclass(frozen=True)
class Found:
    counts: dict[str, TaskCount]
    proofs: tuple[Reconciliation, ...]


@pytest.fixture(scope="module")
async def found(shared_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Found]:
    async with (
        InngestEngine().session(shared_servers, tmp_path_factory.mktemp("work"), print) as session,
        serve_app(model()) as port,
    ):
        client = session.client("work")
        adapter = ai.openai.Adapter(auth_key="key", base_url=f"http://127.0.0.1:{port}/v1", model="scripted")

        @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event="work/child"))
        async def child(ctx: inngest.Context) -> str:
            return await ctx.step.run("work", half)

        @client.create_function(fn_id="main", trigger=inngest.TriggerEvent(event="work/main"), retries=2)
        async def main(ctx: inngest.Context) -> None:
            await branch(ctx, child, adapter)

        async with session.serve(client, [main, child]):
            events = await client.send([inngest.Event(name="work/main", data={"name": name}) for name in EXPECTED])
            async with asyncio.timeout(60 * patience()):
                for event in events:
                    while not (runs := await session.api.runs_of_event(event)) or runs[0].status not in ENDED:
                        await asyncio.sleep(0.2)
                    assert [run.status for run in runs] == ["COMPLETED"]
            counts = await asyncio.gather(*(session.count([event], LABEL) for event in events))
            proofs = await session.reconcile([unit for count in counts for unit in count.units])
        yield Found(dict(zip(EXPECTED, counts, strict=True)), proofs)


@pytest.mark.servers
@pytest.mark.parametrize("name", EXPECTED)
def test_measures_are_as_derived_by_hand(found: Found, name: str) -> None:
    at_work, squared, opened, steps = EXPECTED[name]
    measures = found.counts[name].measures
    assert measures.keys() >= SUMS | MOST
    assert 0.99 * at_work <= float(measures["step_seconds"]) < at_work + SPARE
    assert measures["step_overlap_seconds"] >= measures["step_seconds"]
    assert squared * 0.8 <= measures["step_overlap_seconds"] < squared + 4 * SPARE  # starts may be some ms apart
    assert float(measures["open_seconds"]) >= 0.99 * opened  # the server's clock, in milliseconds
    assert measures["steps_in_longest_run"] == steps
    assert found.counts[name].gaps == []


@pytest.mark.servers
def test_sleeping_and_waiting_is_no_work(found: Found) -> None:
    for name in ("sleeps", "waits"):
        measures = found.counts[name].measures
        assert measures["open_seconds"] >= 3 > 2 * measures["step_seconds"], name


@pytest.mark.servers
def test_state_is_the_sum_of_outputs(found: Found) -> None:
    """Three outputs of 20,000 characters and two quotes, and what surrounds them (events, ids): less than 2,000."""
    measures = found.counts["three outputs"].measures
    assert 3 * (OUTPUT + 2) <= measures["state_bytes_longest"] < 3 * (OUTPUT + 2) + 2_000
    assert OUTPUT + 2 <= measures["step_output_bytes_largest"] < OUTPUT + 2 + 50


@pytest.mark.servers
def test_traces_tell_the_same_time_at_work(found: Found) -> None:
    """Another source: the server's own spans. They leave out what is outside of steps: its requests are some ms."""
    for name, count in found.counts.items():
        if name == "works outside":
            continue
        records = [gzip.decompress(raw) for file, raw in count.records.items() if not file.startswith("wire")]
        works = [slot_time_of(RunTrace.model_validate(json.loads(raw)), None, steps=0) for raw in records]
        told = measures_of(works)
        assert abs(told["step_seconds"] - count.measures["step_seconds"]) < Decimal(1), name
        assert told.keys() >= SUMS
        assert "state_bytes_longest" not in told  # a trace has no outputs: missing, not zero


@pytest.mark.servers
def test_counting_is_as_it_was(found: Found) -> None:
    assert [each for each in found.proofs if each.state != "agrees"] == []
    assert {count.measures["events"] for count in found.counts.values()} == {1}


BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def _at(seconds: float) -> datetime:
    return BEGUN + timedelta(seconds=seconds)


def _trace(status: str = "COMPLETED", **changes: Any) -> RunTrace:
    return RunTrace(id="run", status=status, started_at=_at(0), ended_at=_at(10), **changes)


def _request(begun: float, ended: float, *outputs: int, state: int | None = 0) -> WireRequest:
    operations = tuple(
        Operation(op="StepRun", id=f"{begun}-{place}", output_bytes=size) for place, size in enumerate(outputs)
    )
    return WireRequest(
        call=1,
        time=_at(ended),
        asked=_at(begun),
        function="app-f",
        run="run",
        step="step",
        attempt=0,
        status=206,
        operations=operations,
        request_bytes=1,
        reply_bytes=1,
        state_bytes=state,
    )


def _work(*rows: WireRequest | WireCheckpoint | WireProblem, status: str = "COMPLETED") -> RunSlotTime:
    work = slot_time_of(_trace(status), rows, steps=2)
    assert work is not None
    return work


def test_slots_that_overlap() -> None:
    """0-2 s one, 2-3 s two, 3-5 s one: 6 s at work; 2 x 1 + 1 x 4 + 2 x 1 = 8 squared."""
    measures = measures_of([_work(_request(0, 3)), _work(_request(2, 5))])
    assert (measures["step_seconds"], measures["step_overlap_seconds"]) == (6, 8)
    assert measures["open_seconds"] == 20


def test_what_the_server_does_by_itself_comes_after_the_request_that_told_it_to() -> None:
    """0-1 s the app is asked, until 4 s the server asks the model; its span begins with the request: 4 s, not 5."""
    span = {"name": "ask", "status": "COMPLETED", "stepID": "0-0", "stepOp": "AI_GATEWAY", "spanID": "s", "attempts": 0}
    trace = {
        "name": "Run",
        "status": "COMPLETED",
        "spanID": "run",
        "childrenSpans": [
            span | {"startedAt": _at(0.1), "endedAt": _at(4)},
            span | {"startedAt": _at(1.1), "endedAt": _at(3.9)},  # most are listed twice
        ],
    }
    work = slot_time_of(_trace(trace=trace), [_request(0, 1, 10)], steps=1)
    assert work is not None
    assert work.busy == ((_at(0), _at(1)), (_at(1), _at(4)))
    assert measures_of([work])["step_overlap_seconds"] == 4


def test_a_state_that_is_not_sent_is_what_passed() -> None:
    """Above 4 MiB the server sends no state along: then the outputs that passed are what is known."""
    rows = [_request(0, 1, 3_000_000, state=100), _request(1, 2, 3_000_000, state=None), _request(2, 3, state=None)]
    assert _work(*rows).state_bytes == 6_000_000
    assert _work(_request(0, 1, 50, state=100)).state_bytes == 150


def test_checkpointed_outputs_are_state() -> None:
    step = Operation(op="StepRun", id="a", output_bytes=700)
    rows = [
        WireCheckpoint(call=1, time=_at(1), run="run", status=status, operations=(step,), request_bytes=1)
        for status in (200, 500)
    ]
    work = _work(_request(0, 2, state=10), rows[0])
    assert (work.state_bytes, work.output_bytes) == (700, 700)
    assert _work(_request(0, 2, state=10), rows[1]).state_bytes == 10  # the server did not take it


def test_a_run_that_goes_on_or_is_not_seen_whole_has_no_measure() -> None:
    assert slot_time_of(_trace("RUNNING"), [_request(0, 1)], steps=1) is None
    assert measures_of([None, _work(_request(0, 1))]) == {}
    unread = WireProblem(call=1, time=_at(1), run="run", what="a reply cannot be read")
    work = _work(_request(0, 1, 50), unread)
    assert (work.busy, work.state_bytes) == ((), None)  # by its trace, which has no step
    assert measures_of([work]).keys() == {
        "step_seconds",
        "step_overlap_seconds",
        "open_seconds",
        "steps_in_longest_run",
    }


def test_a_task_without_a_run_has_no_work_and_no_longest_run() -> None:
    """Its events were batched into the run of another task."""
    assert measures_of([]) == {"step_seconds": 0, "step_overlap_seconds": 0, "open_seconds": 0}
