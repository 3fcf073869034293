"""Steps that the app was asked for by name and never answered: begun, in trace and wire; only planned, in the database.

Rows are made by hand; `test_inngest_restarts.py` has them from real servers.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durameter.engines.inngest.differences import LATE, UNANSWERED, Evidence
from durameter.engines.inngest.proof import prove
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import RunTrace
from durameter_collectors.inngest.descendants import Descendant
from durameter_collectors.inngest.merge_sources import UNTOLD, count_run
from durameter_collectors.inngest.runs import CountedRun
from durameter_collectors.inngest.store.read import StoreReading
from durameter_collectors.inngest.store.records import StoredRun, StoredStep
from durameter_collectors.inngest.wire.client import WireIndex
from durameter_collectors.inngest.wire.rows import Operation, WireRequest
from durameter_collectors.units import TaskLabel

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LABEL = TaskLabel("tests/unanswered", "default", "task")


def request(
    step: str, *operations: tuple[str, str], attempt: int = 0, status: int = 206, asked: float = 0, took: float = 1
) -> WireRequest:
    return WireRequest(
        call=1,
        time=NOW + timedelta(seconds=asked + took),
        asked=NOW + timedelta(seconds=asked),
        function="app-fn",
        run="run",
        step=step,
        attempt=attempt,
        status=status,
        operations=tuple(Operation(op=op, id=name, name=name) for op, name in operations),
        request_bytes=1,
        reply_bytes=1,
    )


PLAN = request("step", ("StepPlanned", "l"), ("StepPlanned", "r"))
RIGHT = request("r", ("StepRun", "r"))


def lost(attempt: int = 0) -> WireRequest:
    """The app died over step `l`."""
    return request("l", attempt=attempt, status=0)


def wire(*rows: WireRequest) -> WireIndex:
    index = WireIndex()
    index.take(rows)
    return index


def trace(*steps: str, status: str) -> RunTrace:
    """A run that ended after five seconds."""
    spans = [{"spanID": s, "name": s, "status": "COMPLETED", "stepID": s, "stepOp": "RUN"} for s in steps]
    root = {"spanID": "root", "name": "run", "status": status, "childrenSpans": spans}
    ended = NOW + timedelta(seconds=5)
    about = {"id": "run", "status": status, "function": {"slug": "app-fn"}, "startedAt": NOW, "endedAt": ended}
    return RunTrace.model_validate(about | {"trace": root})


def store(steps: Sequence[str], planned: Sequence[str], *, requests: int, unanswered: int) -> StoreReading:
    run = StoredRun("app-fn", "FAILED", {name: StoredStep(name, "step_run") for name in steps})
    run.planned = {name: name for name in planned}
    run.requests, run.unanswered = requests, unanswered
    return StoreReading("spans", {"run": run})


def proofs(record: RunTrace, index: WireIndex, stored: StoreReading) -> dict[tuple[str, str], Reconciliation]:
    count = count_run(record, index.runs["run"], label=LABEL)
    about: dict[str, Any] = {
        "ledger": count.units,
        "runs": {"run": CountedRun(record, Descendant(record, "event", "", "event"), count)},
        "apps": ("app",),
        "wire": index,
        "events": (),
        "own_events": (),
        "events_tapped": True,
        "store": stored,
        "store_problem": "",
        "store_troubles": (),
        "rest": None,
        "rest_problems": (),
        "unattributed": (),
    }
    return {(each.source, each.other): each for each in prove(Evidence(**about))}


def states(found: dict[tuple[str, str], Reconciliation]) -> set[str]:
    return {each.state for each in found.values()}


def corrections(found: Reconciliation) -> dict[str, dict[str, int]]:
    return {
        line.kind: {name: int(n) for name, n in line.corrections.items()} for line in found.lines if line.corrections
    }


def test_on_the_wire_it_is_a_step_that_no_reply_tells_of() -> None:
    run = wire(PLAN, RIGHT, lost(), lost(1)).runs["run"]
    assert {name: (step.attempts, step.answered) for name, step in run.steps.items()} == {
        "r": (1, True),
        "l": (2, False),
    }
    assert (run.planned, run.requests, run.unanswered) == ({}, 4, 2)


def test_an_answer_at_last_tells_what_it_was() -> None:
    run = wire(PLAN, lost(), request("l", ("Sleep", "l"), attempt=1)).runs["run"]
    step = run.steps["l"]
    assert (step.rule, step.attempts, step.answered) == ("sleep", 2, True)


def test_a_run_that_failed_over_it() -> None:
    """Run 1, steps l and r: the database lacks l."""
    found = proofs(
        trace("l", "r", status="FAILED"), wire(PLAN, RIGHT, lost()), store("r", "l", requests=3, unanswered=1)
    )
    assert states(found) == {"agrees"}
    assert corrections(found["trace", "wire"]) == {}
    assert corrections(found["trace", "store"]) == {"step.run": {UNANSWERED: -1}}
    assert corrections(found["store", "wire"]) == {"step.run": {UNANSWERED: 1}}


def test_its_attempts_are_the_wires() -> None:
    """Asked twice in vain: the trace shows one attempt."""
    found = proofs(
        trace("l", "r", status="FAILED"), wire(PLAN, RIGHT, lost(), lost(1)), store("r", "l", requests=4, unanswered=2)
    )
    assert states(found) == {"agrees"}
    assert corrections(found["trace", "wire"]) == {"step_retry": {UNTOLD: 1}}
    assert corrections(found["trace", "store"]) == {
        "step.run": {UNANSWERED: -1},
        "step_retry": {UNTOLD: 1, UNANSWERED: -1},
    }
    assert corrections(found["store", "wire"]) == {"step.run": {UNANSWERED: 1}, "step_retry": {UNANSWERED: 1}}


def test_a_database_that_lost_a_step_which_it_never_planned_is_not_excused() -> None:
    found = proofs(
        trace("l", "r", status="FAILED"), wire(PLAN, RIGHT, lost()), store("r", "", requests=3, unanswered=1)
    )
    assert (found["trace", "store"].state, found["store", "wire"].state) == ("differs", "differs")


@pytest.mark.parametrize("status", ["CANCELLED", "FAILED"])
def test_a_planned_step_that_is_answered_after_the_end(status: str) -> None:
    """It was begun in time. The server took the late reply only if the run had not been cancelled."""
    late = request("l", ("StepRun", "l"), took=10)
    taken = status != "CANCELLED"
    stored = store(["r", "l"], [], requests=3, unanswered=0) if taken else store("r", "l", requests=3, unanswered=1)
    found = proofs(trace("l", "r", status=status), wire(PLAN, RIGHT, late), stored)
    assert states(found) == {"agrees"}
    assert corrections(found["trace", "wire"]) == {}
    assert corrections(found["store", "wire"]) == (
        {} if taken else {"SDK request": {LATE: 1}, "step.run": {UNANSWERED: 1}}
    )


def test_any_other_step_that_is_answered_after_the_cancellation_is_named_as_before() -> None:
    """No plan has its id, so the trace cannot know it."""
    rows = wire(request("step", ("StepRun", "a")), request("step", ("StepRun", "b"), took=10))
    found = proofs(trace("a", status="CANCELLED"), rows, store("a", "", requests=2, unanswered=1))
    assert states(found) == {"agrees"}
    assert corrections(found["trace", "wire"]) == {"step.run": {LATE: 1}}


def test_a_late_reply_that_the_server_took_after_the_count_is_named_in_all_its_records() -> None:
    """The task was counted before; the database was read after (1.44.0 takes such steps)."""
    rows = wire(request("step", ("StepRun", "a")), request("step", ("StepRun", "b"), took=10))
    found = proofs(trace("a", status="CANCELLED"), rows, store(["a", "b"], [], requests=2, unanswered=0))
    assert states(found) == {"agrees"}
    assert corrections(found["trace", "wire"]) == {"step.run": {LATE: 1}}
    assert corrections(found["trace", "store"]) == {"step.run": {LATE: 1}}
    assert corrections(found["store", "wire"]) == {}
    same = proofs(trace("a", status="COMPLETED"), rows, store(["a", "b"], [], requests=2, unanswered=0))
    assert (same["trace", "wire"].state, same["trace", "store"].state) == ("differs", "differs")
