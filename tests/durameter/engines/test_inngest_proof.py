"""The comparisons of Inngest's sources, on rows that are made by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durameter.engines.inngest.differences import LATE, NEVER_ASKED, NEVER_REACHED, REQUESTS, Evidence
from durameter.engines.inngest.proof import prove
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import RunTrace
from durameter_collectors.inngest.descendants import Descendant
from durameter_collectors.inngest.merge_sources import NEVER_BEGUN, count_run
from durameter_collectors.inngest.runs import CountedRun
from durameter_collectors.inngest.store.read import StoreReading
from durameter_collectors.inngest.store.records import StoredRun, StoredStep
from durameter_collectors.inngest.wire.client import WireIndex
from durameter_collectors.inngest.wire.rows import (
    Operation,
    WireProblem,
    WireRequest,
    WireRow,
    WireUnreached,
)
from durameter_collectors.units import TaskLabel

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LABEL = TaskLabel("tests/proof", "default", "task")


def request(
    step: str = "step", *operations: tuple[str, str], run: str = "run", status: int = 206, late: bool = False
) -> WireRequest:
    """An SDK request with what its reply reports; a late one comes after the run has ended."""
    return WireRequest(
        call=1,
        time=NOW + timedelta(seconds=10 if late else 1),
        asked=NOW,
        function="app-fn",
        run=run,
        step=step,
        attempt=0,
        status=status,
        operations=tuple(Operation(op=op, id=name) for op, name in operations),
        request_bytes=1,
        reply_bytes=1,
    )


def wire(*rows: WireRow) -> WireIndex:
    index = WireIndex()
    index.take(rows)
    return index


def trace(*steps: str, run: str = "run", status: str = "COMPLETED") -> RunTrace:
    spans = [{"spanID": s, "name": s, "status": "COMPLETED", "stepID": s, "stepOp": "RUN"} for s in steps]
    root = {"spanID": "root", "name": "run", "status": status, "childrenSpans": spans}
    ended = NOW + timedelta(seconds=5)
    about = {"id": run, "status": status, "function": {"slug": "app-fn"}, "startedAt": NOW, "endedAt": ended}
    return RunTrace.model_validate(about | {"trace": root})


def store(*steps: str, requests: int, run: str = "run", unanswered: int = 0) -> StoreReading:
    found = StoredRun("app-fn", "COMPLETED", {name: StoredStep(name, "step_run") for name in steps})
    found.requests, found.unanswered = requests, unanswered
    return StoreReading("spans", {run: found})


def proofs(
    record: RunTrace, index: WireIndex | None, stored: StoreReading | None = None, **more: Any
) -> dict[tuple[str, str], Reconciliation]:
    seen = index.runs.get(record.id) if index else None
    run = CountedRun(record, Descendant(record, "event", "", "event"), count_run(record, seen, label=LABEL))
    about: dict[str, Any] = {
        "ledger": run.count.units,
        "runs": {record.id: run},
        "apps": ("app",),
        "wire": index,
        "events": (),
        "own_events": (),
        "events_tapped": True,
        "store": stored,
        "store_problem": "" if stored else "no database",
        "store_troubles": (),
        "rest": None,
        "rest_problems": (),
        "unattributed": (),
    }
    return {(each.source, each.other): each for each in prove(Evidence(**(about | more)))}


def states(found: Mapping[tuple[str, str], Reconciliation]) -> dict[tuple[str, str], str]:
    return {names: each.state for names, each in found.items()}


def corrections(found: Reconciliation) -> dict[str, dict[str, int]]:
    return {
        line.kind: {name: int(n) for name, n in line.corrections.items()} for line in found.lines if line.corrections
    }


PLAIN = [request("step", ("StepRun", "a")), request(status=200)]
"""The run of one step: one request reports it, the next one finds nothing left."""


def test_all_sources_agree() -> None:
    found = proofs(trace("a"), wire(*PLAIN), store("a", requests=2))
    assert set(states(found).values()) == {"agrees"}
    assert list(found) == [
        ("trace", "wire"),
        ("trace", "store"),
        ("store", "wire"),
        ("ledger", "trace"),
        ("runs", "events"),
    ]
    [requests] = [line for line in found["store", "wire"].lines if line.kind == REQUESTS]
    assert (requests.ours, requests.other) == (2, 2)


def test_two_views_of_one_table_are_no_independent_proof() -> None:
    assert not proofs(trace("a"), wire(*PLAIN), store("a", requests=2))["trace", "store"].independent
    old = StoreReading("history", store("a", requests=2).runs)
    assert proofs(trace("a"), wire(*PLAIN), old)["trace", "store"].independent


@pytest.mark.parametrize(
    ("steps", "stored", "rows", "wrong"),
    [
        (["a"], ["a", "b"], PLAIN, {("trace", "store"), ("store", "wire")}),
        (["a", "b"], ["a"], PLAIN, {("trace", "wire"), ("trace", "store")}),
        (
            ["a"],
            ["a"],
            [request("step", ("StepRun", "a"), ("StepRun", "b")), request(status=200)],
            {("trace", "wire"), ("store", "wire")},
        ),
        (["b"], ["b"], PLAIN[:1], {("store", "wire")}),  # a request that the wire lacks
    ],
)
def test_a_source_that_stands_alone_is_found_out(
    steps: Sequence[str], stored: Sequence[str], rows: Sequence[WireRow], wrong: set[tuple[str, str]]
) -> None:
    found = proofs(trace(*steps), wire(*rows), store(*stored, requests=2))
    assert {names for names, state in states(found).items() if state == "differs"} == wrong
    assert all(line.where == ("run",) for names in wrong for line in found[names].lines if line.unexplained)


def test_a_planned_step_that_nobody_was_asked_for() -> None:
    plan = request("step", ("StepPlanned", "a"), ("StepPlanned", "b"))
    found = proofs(
        trace("a", "b"), wire(plan, request("a", ("StepRun", "a")), request(status=500)), store("a", requests=3)
    )
    assert set(states(found).values()) == {"agrees"}
    assert corrections(found["trace", "wire"]) == {"step.run": {NEVER_BEGUN: -1}}
    assert corrections(found["trace", "store"]) == {"step.run": {NEVER_BEGUN: -1}}
    assert corrections(found["store", "wire"]) == {}


def test_a_reply_after_the_cancellation_is_named() -> None:
    rows = wire(request("step", ("StepRun", "a")), request("step", ("StepRun", "b"), late=True))
    found = proofs(trace("a", status="CANCELLED"), rows, store("a", requests=1))
    assert set(states(found).values()) == {"agrees"}
    assert corrections(found["trace", "wire"]) == {"step.run": {LATE: 1}}
    assert corrections(found["store", "wire"]) == {"step.run": {LATE: 1}, REQUESTS: {LATE: 1}}


def test_the_same_reply_to_a_run_that_completed_is_not() -> None:
    rows = wire(request("step", ("StepRun", "a")), request("step", ("StepRun", "b"), late=True))
    assert proofs(trace("a"), rows)["trace", "wire"].state == "differs"


def test_a_run_that_was_cancelled_before_it_began() -> None:
    found = proofs(trace(status="CANCELLED"), wire())
    assert corrections(found["trace", "wire"]) == {"function_run": {NEVER_ASKED: -1}}
    assert found["trace", "wire"].state == "agrees"


def test_a_run_whose_app_was_never_reached() -> None:
    gone = WireUnreached(call=0, time=NOW, route="app")
    found = proofs(trace(status="FAILED"), wire(gone))
    assert corrections(found["trace", "wire"]) == {"function_run": {NEVER_REACHED: -1}}
    assert proofs(trace(status="FAILED"), wire())["trace", "wire"].state == "differs"


def test_without_a_tap_nothing_independent_is_left() -> None:
    found = proofs(trace("a"), None, store("a", requests=2))
    assert states(found) == {("trace", "wire"): "not checked", ("trace", "store"): "agrees"}
    found = proofs(trace("a"), None)
    assert states(found) == {("trace", "wire"): "not checked", ("trace", "store"): "not checked"}


def test_without_a_store_the_wire_is_proof_enough_and_it_is_said() -> None:
    found = proofs(trace("a"), wire(*PLAIN))
    assert states(found) == {("trace", "wire"): "agrees", ("ledger", "trace"): "agrees", ("runs", "events"): "agrees"}
    assert found["trace", "wire"].notes == ("no database",)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"unattributed": ("run x belongs to no task",)}, ("trace", "wire")),
        ({"store_troubles": ("locked 3 times",)}, ("trace", "store")),
        ({"rest": {"run": {"function_run": 1}}, "rest_problems": ()}, ("trace", "REST")),
        ({"rest": {"run": {"function_run": 1, "step.run": 1}}, "rest_problems": ("run y",)}, ("trace", "REST")),
    ],
)
def test_whatever_is_odd_fails(more: dict[str, Any], where: tuple[str, str]) -> None:
    found = proofs(trace("a"), wire(*PLAIN), store("a", requests=2), **more)
    assert {names for names, state in states(found).items() if state == "differs"} == {where}


def test_what_could_not_be_read_fails() -> None:
    damaged = WireProblem(call=9, time=NOW, what="a reply cannot be read", run="run")
    assert proofs(trace("a"), wire(*PLAIN, damaged))["trace", "wire"].state == "differs"
    elsewhere = WireProblem(call=9, time=NOW, what="a connection cannot be read")
    found = proofs(trace("a"), wire(*PLAIN, elsewhere))["trace", "wire"]
    assert found.state == "differs"
    assert "the tap: exchange 9: a connection cannot be read" in found.notes


def test_a_ledger_that_lost_a_row_does_not_agree() -> None:
    record, index = trace("a"), wire(*PLAIN)
    units = count_run(record, index.runs["run"], label=LABEL).units
    for lossy in (units[:-1], [*units, units[-1]]):
        assert proofs(record, index, ledger=lossy)["ledger", "trace"].state == "differs"
