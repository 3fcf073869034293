"""The oracle on histories whose Actions are known, and the two counts of the same histories against each other."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from compare import (
    APPLIED_AGAIN,
    CRON,
    LATE_SIGNAL,
    NEVER_STARTED,
    NOT_IN_HISTORIES,
    OPEN_ATTEMPTS,
    UNKNOWN_RECEIVER,
    UNKNOWN_SENDER,
    compare,
)
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from ui_rule import estimate

from durameter_collectors.temporal.history import count_history
from durameter_collectors.units import TaskLabel, Unit

RECORDED = Path(__file__).parents[1] / "collectors" / "temporal" / "histories"
LABEL = TaskLabel("tests/peers", "default", "task 1")

# Tasks of which every run is recorded: names of the runs, and the UI's number by its description.
TASKS = {
    # Start, activity and two retries, four timers, two tasks with markers, child commanded, signal: 12. Patches and the
    # memo: 0. The child: its start, activity, update, signal: 4. The continued run: its start, 1.
    "conversation": (("conversation", "child", "continued"), 17),
    # The start; the signal is event 2.
    "signal-with-start": (("signal_with_start",), 1),
    "delayed signal-with-start": (("delayed_signal_with_start",), 1),
    "delayed start, then a signal": (("delayed_then_signal",), 1),
    # Old run: start, two activities, update, signal: 5. New run, from the reset on: reset, the signal applied again,
    # the second activity, the update accepted again, the last signal: 5.
    "reset": (("reset_old", "reset_new"), 10),
}
# What Durameter counts more, by reason.
REASONS = {
    "conversation": {NOT_IN_HISTORIES["memo_upsert"]: 1},
    "signal-with-start": {},
    "delayed signal-with-start": {},
    "delayed start, then a signal": {LATE_SIGNAL: 1},
    "reset": {APPLIED_AGAIN: -1},
}


def recorded(name: str) -> tuple[str, str, list[HistoryEvent]]:
    record = json.loads((RECORDED / f"{name}.json").read_text())
    return record["workflow"], record["run"], list(WorkflowHistory.from_json("", record["history"]).events)


def histories(task: str) -> dict[str, list[HistoryEvent]]:
    return {run: events for _, run, events in map(recorded, TASKS[task][0])}


def units(task: str) -> list[Unit]:
    return [
        unit
        for workflow, run, events in map(recorded, TASKS[task][0])
        for unit in count_history(events, workflow=workflow, run=run, label=LABEL).units
    ]


def event(number: int, kind: str, **attributes: object) -> HistoryEvent:
    made = HistoryEvent(event_id=number, event_type=f"EVENT_TYPE_{kind}", task_id=number)
    field = getattr(made, f"{kind.lower()}_event_attributes")
    field.SetInParent()
    field.MergeFrom(type(field)(**attributes))
    return made


def started(**attributes: object) -> HistoryEvent:
    return event(1, "WORKFLOW_EXECUTION_STARTED", **attributes)


def estimated(*events: HistoryEvent) -> int:
    return sum(each.actions for each in estimate(events))


@pytest.mark.parametrize("task", TASKS)
def test_the_oracle_on_real_histories(task: str) -> None:
    assert sum(each.actions for events in histories(task).values() for each in estimate(events)) == TASKS[task][1]


SCHEDULED = {"indexed_fields": {"TemporalScheduledById": {}}}
MARKER = "MARKER_RECORDED"


@pytest.mark.parametrize(
    ("events", "actions"),
    [
        ([started()], 1),
        ([started(attempt=1)], 1),
        ([started(attempt=2)], 0),
        ([started(search_attributes=SCHEDULED)], 3),
        ([started(search_attributes=SCHEDULED, continued_execution_run_id="first")], 1),
        ([started(), event(2, "WORKFLOW_EXECUTION_SIGNALED")], 1),
        ([started(), event(3, "WORKFLOW_EXECUTION_SIGNALED")], 2),
        ([event(5, MARKER, marker_name="core_patch")], 0),
        ([event(5, MARKER, marker_name="Version")], 0),
        # Two local activities in one workflow task, a third in another one.
        (
            [
                event(number, MARKER, marker_name="core_local_activity", workflow_task_completed_event_id=task)
                for number, task in ((5, 4), (6, 4), (12, 11))
            ],
            2,
        ),
        ([event(5, "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES")], 1),
        (
            [
                event(
                    5,
                    "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
                    search_attributes={"indexed_fields": {"TemporalChangeVersion": {}}},
                )
            ],
            0,
        ),
        ([event(6, "ACTIVITY_TASK_STARTED", attempt=4)], 3),
        (
            [
                event(
                    4, "WORKFLOW_TASK_COMPLETED", metering_metadata={"nonfirst_local_activity_execution_attempts": 250}
                )
            ],
            100,
        ),
        ([event(4, "WORKFLOW_TASK_FAILED", cause="WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND")], 0),
        # The start and the timer were billed in the run before.
        (
            [
                started(),
                event(5, "TIMER_STARTED"),
                event(6, "WORKFLOW_TASK_FAILED", cause="WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW"),
                event(9, "TIMER_STARTED"),
            ],
            2,
        ),
        ([event(5, "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED"), event(6, "WORKFLOW_PROPERTIES_MODIFIED")], 0),
    ],
)
def test_the_oracle_by_its_description(events: Sequence[HistoryEvent], actions: int) -> None:
    assert estimated(*events) == actions


@pytest.mark.parametrize("task", TASKS)
def test_every_difference_has_a_reason(task: str) -> None:
    found = compare(units(task), histories(task))
    assert found.reasons == REASONS[task]
    assert found.unexplained == {}
    assert found.difference == sum(found.reasons.values())


@pytest.mark.parametrize("task", TASKS)
def test_a_unit_too_few_or_too_many_has_none(task: str) -> None:
    counted = units(task)
    for index, unit in enumerate(counted):
        # What the UI knows nothing of is not in its estimate, with one unit or with two.
        if unit.reading == "upper" or unit.rule in NOT_IN_HISTORIES:
            continue
        without = compare(counted[:index] + counted[index + 1 :], histories(task))
        twice = compare([*counted, unit], histories(task))
        assert Counter(without.unexplained.values()) == {-1: 1}
        assert Counter(twice.unexplained.values()) == {1: 1}


def test_a_rule_and_an_event_that_nobody_has_thought_of_are_unexplained() -> None:
    unit = units("reset")[0].model_copy(update={"rule": "brand_new"})
    assert compare([unit], {}).unexplained == {"rule brand_new": 1}


def unit_of(rule: str) -> Unit:
    return units("reset")[0].model_copy(update={"rule": rule})


SENT = event(5, "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED")
COMMANDED = event(5, "START_CHILD_WORKFLOW_EXECUTION_INITIATED")


@pytest.mark.parametrize(
    ("rules", "events", "reasons"),
    [
        (["start", "signal_external"], [started(), SENT], {UNKNOWN_RECEIVER: 1}),
        (["start", "child_intent", "child_start"], [started(), COMMANDED], {NEVER_STARTED: 1}),
        (
            ["start"],
            [started(), event(3, "WORKFLOW_EXECUTION_SIGNALED", external_workflow_execution={"run_id": "elsewhere"})],
            {UNKNOWN_SENDER: -1},
        ),
        (
            [],
            [started(continued_execution_run_id="first", initiator="CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE")],
            {CRON: -1},
        ),
        (
            ["start", "activity", "activity_retry", "activity_retry"],
            [started(), event(5, "ACTIVITY_TASK_SCHEDULED")],
            {OPEN_ATTEMPTS: 2},
        ),
        (
            ["start", "query", "heartbeat"],
            [started()],
            {"no history shows a query": 1, "no history shows a heartbeat": 1},
        ),
    ],
)
def test_reasons_are_computed_from_histories(
    rules: Sequence[str], events: Sequence[HistoryEvent], reasons: dict[str, int]
) -> None:
    found = compare([unit_of(rule) for rule in rules], {"run": events})
    assert (found.reasons, found.unexplained) == (reasons, {})


def test_attempts_that_no_event_shows_need_an_activity_that_never_closed() -> None:
    closed = [started(), event(5, "ACTIVITY_TASK_SCHEDULED"), event(6, "ACTIVITY_TASK_STARTED", scheduled_event_id=5)]
    found = compare([unit_of(rule) for rule in ("start", "activity", "activity_retry")], {"run": closed})
    assert found.unexplained == {"activity retries": 1}
