"""The proof can fail: whatever one source lacks or has too much of shows, in the right comparison and under its name.

A small measurement is made up whose sources agree; each test damages one of them. One workflow `w` (run `r`): a start,
an activity with one retry, a signal, a query and a heartbeat. By the rules: 1 + 1 + 1 + 1 + 1 + 1 = 6 Actions.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from temporalio.client import WorkflowHistory

from durameter.engines.temporal.proof import Evidence, prove
from durameter.results.reconcile import Reconciliation
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.history import Activity, HistoryCount
from durameter_collectors.temporal.links import RunLink
from durameter_collectors.temporal.merge_sources import history_units, only_on_wire, units_on_wire
from durameter_collectors.temporal.runs import CountedRun
from durameter_collectors.temporal.wire.rows import WireAction
from durameter_collectors.units import TaskLabel, Unit

LABEL = TaskLabel("tests/proof", "v", "task")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
RULES = load_rulebook("temporal")
METERED = {
    "grpc_StartWorkflowExecution": 1,
    "command_ScheduleActivityTask": 1,
    "activity_retry": 1,
    "grpc_SignalWorkflowExecution": 1,
    "grpc_QueryWorkflow": 1,
    "grpc_RecordActivityTaskHeartbeat": 1,
}
PAIRS = [("ledger", "meter"), ("history", "wire"), ("wire", "meter"), ("ledger", "wire")]


def by_history(rule: str, event: int, **more: Any) -> list[Unit]:
    evidence = f"w event {event}"
    return RULES.units(rule, LABEL, run="r", cause="c", time=NOW, source="history", evidence=evidence, **more)


def on_wire(rule: str, call: int, **more: Any) -> WireAction:
    fields = {"owner": "w", "run": "r", "cause": "c", "meter": next(iter(RULES.rule(rule).meter), "")} | more
    return WireAction(call=call, time=NOW, rule=rule, **fields)


def replace_action(action: WireAction, **changes: Any) -> WireAction:
    return action.model_copy(update=changes)


HISTORY = [
    *by_history("start", 1),
    *by_history("activity", 5),
    *by_history("activity_retry", 6, attempt=2),
    *by_history("signal", 7),
]
WIRE = [
    on_wire("start", 1),
    on_wire("activity", 2, activity="1"),
    on_wire("activity_retry", 3, activity="1", attempt=2),
    on_wire("signal", 4, run=""),
    on_wire("query", 5, run=""),
    on_wire("heartbeat", 6, activity="1"),
]


def counted_run(
    units: list[Unit], *, retries: set[tuple[str, int]] | None = None, given_up: dict[str, str] | None = None
) -> CountedRun:
    count = HistoryCount(units=units, retries={("1", 2)} if retries is None else retries)
    return CountedRun(
        link=RunLink("w", "r"),
        record=WorkflowHistory("w", []),
        count=count,
        running=False,
        given_up=given_up or {},
        schedule="",
        helper=False,
    )


def evidence(run: CountedRun, wire: list[WireAction], meter: dict[str, int]) -> Evidence:
    """As a session puts it together."""
    history = history_units([run], wire)
    never, lost = only_on_wire([run], wire)
    return Evidence(
        ledger=history + units_on_wire(never + lost, LABEL, {}),
        history=history,
        runs={"r": run},
        wire=wire,
        taken=set(range(len(wire))),
        lost=lost,
        wire_problems=(),
        wire_notices=(),
        wire_unknown=(),
        meter={name: Decimal(count) for name, count in meter.items()},
        meter_problem="",
        system={},
        batch={},
        unattributed=(),
    )


GOOD = evidence(counted_run(HISTORY), WIRE, METERED)


def states(found: Evidence) -> dict[tuple[str, str], str]:
    return {(each.source, each.other): each.state for each in prove(found)}


def unexplained(found: Evidence) -> dict[tuple[str, str], dict[str, int]]:
    return {
        (each.source, each.other): {line.kind: int(line.unexplained) for line in each.lines if line.unexplained}
        for each in prove(found)
        if any(line.unexplained for line in each.lines)
    }


def pair(found: Evidence, source: str, other: str) -> Reconciliation:
    [match] = [each for each in prove(found) if (each.source, each.other) == (source, other)]
    return match


def test_sources_that_agree() -> None:
    assert states(GOOD) == dict.fromkeys(PAIRS, "agrees")
    assert sum(unit.quantity for unit in GOOD.ledger) == 6
    assert not pair(GOOD, "ledger", "wire").independent


def test_a_task_has_each_unit_once_whichever_source_saw_it() -> None:
    assert sorted((unit.kind, unit.source) for unit in GOOD.ledger) == [
        ("query_workflow", "wire"),
        ("record_activity_heartbeat", "wire"),
        ("retry_activity", "history"),
        ("schedule_activity", "history"),
        ("signal_workflow", "history"),
        ("start_workflow", "history"),
    ]


@pytest.mark.parametrize("name", METERED)
def test_a_unit_that_the_meter_alone_has(name: str) -> None:
    found = replace(GOOD, meter={**GOOD.meter, name: Decimal(2)})
    kind = RULES.metered_kind(name)
    assert unexplained(found) == {("ledger", "meter"): {kind: 1}, ("wire", "meter"): {name: 1}}


@pytest.mark.parametrize("name", METERED)
def test_a_unit_that_the_meter_lacks(name: str) -> None:
    meter = {each: count for each, count in METERED.items() if each != name}
    found = evidence(counted_run(HISTORY), WIRE, meter)
    assert unexplained(found) == {("ledger", "meter"): {RULES.metered_kind(name): -1}, ("wire", "meter"): {name: -1}}


@pytest.mark.parametrize("place", range(4))
def test_a_unit_that_the_wire_lacks_and_the_history_has(place: int) -> None:
    """A worker that went past the tap: the count stands, and nobody believes it."""
    wire = WIRE[:place] + WIRE[place + 1 :]
    found = evidence(counted_run(HISTORY), wire, METERED)
    kind, name = RULES.rule(WIRE[place].rule).kind, WIRE[place].meter
    assert unexplained(found) == {
        ("history", "wire"): {kind: -1},
        ("wire", "meter"): {name: 1},
        ("ledger", "wire"): {kind: -1},
    }
    assert [line.where for line in pair(found, "history", "wire").lines if line.where] == [("w",)]


@pytest.mark.parametrize("place", [4, 5])
def test_a_unit_that_only_the_wire_could_have_and_lacks(place: int) -> None:
    wire = WIRE[:place] + WIRE[place + 1 :]
    found = evidence(counted_run(HISTORY), wire, METERED)
    kind, name = RULES.rule(WIRE[place].rule).kind, WIRE[place].meter
    assert unexplained(found) == {("ledger", "meter"): {kind: 1}, ("wire", "meter"): {name: 1}}


@pytest.mark.parametrize("place", range(4))
def test_a_unit_that_the_history_lacks(place: int) -> None:
    """Not taken from the wire in silence: histories have no such blind spot."""
    history = HISTORY[:place] + HISTORY[place + 1 :]
    retries = set() if HISTORY[place].rule == "activity_retry" else {("1", 2)}
    found = evidence(counted_run(history, retries=retries), WIRE, METERED)
    kind = HISTORY[place].kind
    assert unexplained(found) == {
        ("ledger", "meter"): {kind: 1},
        ("history", "wire"): {kind: 1},
        ("ledger", "wire"): {kind: 1},
    }


def test_a_retry_of_an_activity_that_was_given_up_comes_from_the_wire_under_its_name() -> None:
    history = [unit for unit in HISTORY if unit.rule != "activity_retry"]
    found = evidence(counted_run(history, retries=set(), given_up={"1": "event 5"}), WIRE, METERED)
    assert states(found) == dict.fromkeys(PAIRS, "agrees")
    [line] = [line for line in pair(found, "history", "wire").lines if line.corrections]
    assert (line.kind, line.corrections) == ("retry_activity", {"retries that no history shows": 1})
    [retry] = [unit for unit in found.ledger if unit.kind == "retry_activity"]
    assert (retry.source, retry.attempt, retry.evidence) == ("wire", 2, "w call 3")


def test_a_start_by_update_and_a_signal_with_start_get_their_names_and_no_second_unit() -> None:
    wire = [
        on_wire("update_with_start", 1) if each.rule == "start"
        else on_wire("signal_with_start", 4) if each.rule == "signal"
        else each
        for each in WIRE
    ]  # fmt: skip
    swapped = {"grpc_StartWorkflowExecution", "grpc_SignalWorkflowExecution"}
    meter = {name: count for name, count in METERED.items() if name not in swapped}
    meter |= {"grpc_ExecuteMultiOperation": 1, "grpc_SignalWithStartWorkflowExecution": 1}
    found = evidence(counted_run(HISTORY), wire, meter)
    assert states(found) == dict.fromkeys(PAIRS, "agrees")
    assert sum(unit.quantity for unit in found.ledger) == 6
    named = {unit.kind: unit.evidence for unit in found.ledger}
    assert named["start_workflow_multi_operation"] == "w event 1, call 1"
    assert named["signal_workflow_with_start"] == "w event 7, call 4"


def test_sums_that_agree_by_accident_over_workflows_are_a_difference() -> None:
    """The wire has the signal on another workflow of the task."""
    wire = [on_wire("signal", 4, owner="other", run="r2") if each.rule == "signal" else each for each in WIRE]
    found = evidence(counted_run(HISTORY), wire, METERED)
    [line] = [line for line in pair(found, "history", "wire").lines if line.kind == "signal_workflow"]
    assert (line.ours, line.other, line.unexplained, line.where) == (1, 1, 0, ("other", "w"))
    assert states(found)["history", "wire"] == "differs"


def test_traffic_of_system_workflows_is_kept_apart_under_its_name() -> None:
    meter = METERED | {"command_StartTimer": 2, "command_BatchMarkers": 3}
    traffic = {"TemporalScheduler": {"command_StartTimer": Decimal(2), "command_BatchMarkers": Decimal(3)}}
    found = replace(evidence(counted_run(HISTORY), WIRE, meter), system=traffic)
    assert states(found) == dict.fromkeys(PAIRS, "agrees")
    named = {line.kind: line.corrections for line in pair(found, "ledger", "meter").lines if line.corrections}
    assert named == {
        "start_timer": {"system workflows (TemporalScheduler)": 2},
        "record_activity_markers": {"system workflows (TemporalScheduler)": 3},
    }
    more = replace(found, meter={**found.meter, "command_StartTimer": Decimal(3)})
    assert unexplained(more) == {("ledger", "meter"): {"start_timer": 1}, ("wire", "meter"): {"command_StartTimer": 1}}


def test_a_start_for_a_schedule_crosses_no_wire() -> None:
    """Cloud: 2 + 1 for the fire. The meter has the start, and the wire nothing of it."""
    run = replace(counted_run([*by_history("scheduled", 1), *by_history("start", 1)]), schedule="s")
    found = evidence(run, [], {"grpc_StartWorkflowExecution": 1})
    assert states(found) == dict.fromkeys(PAIRS, "agrees")
    assert [line.corrections for line in pair(found, "ledger", "meter").lines] == [{"scheduled": -2}, {}]
    assert [line.corrections for line in pair(found, "wire", "meter").lines] == [{"schedule fires": 1}]
    assert [line.corrections for line in pair(found, "history", "wire").lines] == [{"schedule fires": -1}]


@pytest.mark.parametrize(("said", "state"), [(1, "agrees"), (2, "differs"), (0, "differs")])
def test_signals_of_a_batch_job_cross_no_wire_and_are_as_many_as_the_job_says(said: int, state: str) -> None:
    wire = [each for each in WIRE if each.rule != "signal"]
    found = replace(evidence(counted_run(HISTORY), wire, METERED), batch={"signal": Decimal(said)})
    assert states(found)["ledger", "meter"] == "agrees"
    assert {states(found)[each] for each in PAIRS[1:]} == {state}


def test_what_no_rule_knows_is_unexplained() -> None:
    found = replace(GOOD, meter={**GOOD.meter, "grpc_Novelty": Decimal(1)})
    assert unexplained(found) == {
        ("ledger", "meter"): {"unknown to the rulebook: grpc_Novelty": 1},
        ("wire", "meter"): {"grpc_Novelty": 1},
    }


def test_what_the_tap_could_not_read_fails_the_wire() -> None:
    found = replace(GOOD, wire_problems=["a connection cannot be read"])
    assert states(found) == dict.fromkeys(PAIRS, "agrees") | {("wire", "meter"): "differs"}


def test_a_notice_of_the_tap_is_shown_and_fails_nothing() -> None:
    found = replace(GOOD, wire_notices=["calls waited 3 s"])
    assert states(found) == dict.fromkeys(PAIRS, "agrees")
    assert pair(found, "wire", "meter").notes == ("calls waited 3 s",)


def test_a_start_that_was_sent_twice_is_free_and_on_the_meter() -> None:
    """Documented: a de-duplicated start costs nothing. The server says `started` twice, and meters it twice."""
    wire = [*WIRE, replace_action(WIRE[0], rule="deduplicated_request", call=9)]
    found = evidence(counted_run(HISTORY), wire, METERED | {"grpc_StartWorkflowExecution": 2})
    assert states(found) == dict.fromkeys(PAIRS, "agrees")
    [line] = [line for line in pair(found, "ledger", "meter").lines if line.kind == "start_workflow"]
    assert (line.ours, line.other, line.corrections) == (1, 2, {"deduplicated_request": 1})


def test_retries_before_an_activity_was_reset_come_from_the_wire() -> None:
    """Attempts 1, 2, reset, 1, 2: two retries were polled, and the history's last attempt is 2."""
    run = counted_run(HISTORY)
    run.count.activities["1"] = Activity("c", "")
    reset = replace_action(WIRE[1], rule="activity_reset", meter="", call=8)
    again = replace_action(WIRE[2], call=9)
    found = evidence(run, [*WIRE, reset, again], METERED | {"activity_retry": 2})
    assert states(found) == dict.fromkeys(PAIRS, "agrees")
    assert sum(unit.quantity for unit in found.ledger if unit.kind == "retry_activity") == 2
    [line] = [line for line in pair(found, "history", "wire").lines if line.corrections]
    assert line.corrections == {"retries that no history shows": 1}


def test_a_call_of_unknown_outcome_did_nothing_where_the_meter_has_no_more() -> None:
    """It is told in any case; without a meter nobody can say."""
    found = replace(GOOD, wire_unknown=["call 7, QueryWorkflow: its outcome is unknown"])
    assert states(found) == dict.fromkeys(PAIRS, "agrees")
    assert pair(found, "wire", "meter").notes == ("call 7, QueryWorkflow: its outcome is unknown",)
    more = replace(found, meter={**found.meter, "grpc_QueryWorkflow": Decimal(2)})
    assert states(more)["wire", "meter"] == "differs"
    assert states(replace(found, meter_problem="no metrics page"))["wire", "meter"] == "differs"


def test_calls_and_workflows_of_nobody_fail_the_count() -> None:
    found = replace(GOOD, unattributed=["workflow x belongs to no task"])
    assert states(found)["ledger", "meter"] == "differs"
    without = replace(found, meter_problem="no metrics page")
    assert states(without)["ledger", "meter"] == "differs"


def test_a_heartbeat_whose_activity_nobody_knows_is_of_nobody() -> None:
    """It has no owner, so no task took it; the wire and the meter still agree."""
    wire = [*WIRE, on_wire("heartbeat", 7, owner="", run="")]
    found = replace(
        evidence(counted_run(HISTORY), WIRE, METERED | {"grpc_RecordActivityTaskHeartbeat": 2}),
        wire=wire,
        unattributed=["heartbeat 1 times on an unknown workflow"],
    )
    assert states(found) == dict.fromkeys(PAIRS, "agrees") | {("ledger", "meter"): "differs"}
