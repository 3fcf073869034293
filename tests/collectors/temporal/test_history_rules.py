"""Rules that the recorded histories do not exercise, on histories written by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from recorded import LABEL
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import ContinueAsNewInitiator, EventType
from temporalio.api.history.v1 import HistoryEvent

from durameter_collectors.temporal.history import HistoryCount, count_history
from durameter_collectors.temporal.links import RunLink

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


def history(*events: tuple[str, dict[str, Any]]) -> list[HistoryEvent]:
    """Events numbered from 1, a second and ten server tasks apart."""
    made = []
    for number, (name, attributes) in enumerate(events, start=1):
        event = HistoryEvent(
            event_id=number, event_type=EventType.Value(f"EVENT_TYPE_{name}"), task_id=100 + 10 * number
        )
        event.event_time.FromDatetime(BEGIN + timedelta(seconds=number))
        field = getattr(event, f"{name.lower()}_event_attributes")
        field.SetInParent()
        field.MergeFrom(type(field)(**attributes))
        made.append(event)
    return made


def count(*events: tuple[str, dict[str, Any]]) -> HistoryCount:
    return count_history(history(*events), workflow="w", run="run 1", label=LABEL)


def rules(counted: HistoryCount) -> list[str]:
    return [unit.rule for unit in counted.units]


STARTED = ("WORKFLOW_EXECUTION_STARTED", {"workflow_type": {"name": "Agent"}})
TASK_SCHEDULED = ("WORKFLOW_TASK_SCHEDULED", dict[str, Any]())
SIGNALED = ("WORKFLOW_EXECUTION_SIGNALED", {"signal_name": "poke"})


def started(**more: Any) -> tuple[str, dict[str, Any]]:
    return STARTED[0], STARTED[1] | more


def test_a_fired_schedule_is_three_actions() -> None:
    """Two for the schedule and one for the start."""
    fields = {"indexed_fields": {"TemporalScheduledById": Payload(data=b'"nightly"')}}
    assert rules(count(started(search_attributes=fields))) == ["scheduled", "scheduled", "start"]


@pytest.mark.parametrize(("attempts", "billed"), [(0, 0), (3, 3), (100, 100), (250, 100)])
def test_local_activity_attempts_after_the_first_are_billed_up_to_100_per_task(attempts: int, billed: int) -> None:
    metering = {"metering_metadata": {"nonfirst_local_activity_execution_attempts": attempts}}
    assert rules(count(STARTED, ("WORKFLOW_TASK_COMPLETED", metering)))[1:] == ["local_activity_retry"] * billed


@pytest.mark.parametrize(
    ("initiator", "expected"),
    [
        (ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_WORKFLOW, []),
        (ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_RETRY, ["retried_run"]),
        (ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE, ["retried_run"]),
    ],
)
@pytest.mark.parametrize("child", [{}, {"parent_workflow_execution": {"workflow_id": "parent", "run_id": "run 0"}}])
def test_what_began_a_later_run_decides_what_it_costs(initiator: Any, expected: list[str], child: Any) -> None:
    """Whether a client or a parent began the first one; a workflow with a cron schedule may continue itself, too."""
    later = started(continued_execution_run_id="run 0", initiator=initiator, cron_schedule="@daily", attempt=1, **child)
    counted = count(later)
    assert rules(counted) == expected
    assert counted.links == [RunLink("w", "run 0")]


@pytest.mark.parametrize(
    "start",
    [
        # A child is started before its first task is scheduled, and a client may be quick.
        started(parent_workflow_execution={"workflow_id": "parent", "run_id": "run 0"}),
        # A continued run may wait for its time.
        started(
            continued_execution_run_id="run 0",
            initiator=ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_WORKFLOW,
            first_workflow_task_backoff={"seconds": 1},
        ),
    ],
)
def test_a_signal_to_a_run_that_no_client_started_did_not_come_with_its_start(start: tuple[str, Any]) -> None:
    counted = count(start, SIGNALED)
    assert rules(counted) == ["signal"]
    assert counted.gaps == []


def test_without_task_numbers_a_signal_to_a_delayed_start_is_named() -> None:
    events = history(started(first_workflow_task_backoff={"seconds": 1}), SIGNALED)
    for event in events:
        event.task_id = 0
    counted = count_history(events, workflow="w", run="run 1", label=LABEL)
    assert rules(counted) == ["start", "signal"]
    assert ["signal-with-start" in gap.what for gap in counted.gaps] == [True]


def test_markers_of_one_task_are_one_action_wherever_they_stand() -> None:
    """Other commands of the task may stand between them."""

    def marker(name: str) -> tuple[str, dict[str, Any]]:
        return "MARKER_RECORDED", {"marker_name": name, "workflow_task_completed_event_id": 4}

    counted = count(STARTED, marker("core_patch"), ("TIMER_STARTED", {}), marker("SideEffect"), marker("Version"))
    assert rules(counted) == ["start", "timer", "markers_of_side_effects"]
    assert (counted.units[-1].cause, counted.units[-1].evidence) == ("SideEffect", "w event 4")


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (("core_local_activity",), "markers"),
        (("SideEffect", "LocalActivity", "Version"), "markers"),
        (("MutableSideEffect", "core_patch"), "markers_of_side_effects"),
        (("Version", "core_patch"), "markers_of_patches"),
        # A marker of an SDK that nobody here knows is billed as any other.
        (("Novelty",), "markers"),
    ],
)
def test_which_rule_bills_a_task_with_markers(names: tuple[str, ...], rule: str) -> None:
    """One Action whatever they mark; but only local activities are beyond question."""
    task = {"workflow_task_completed_event_id": 4}
    counted = count(STARTED, *(("MARKER_RECORDED", {"marker_name": name, **task}) for name in names))
    assert rules(counted) == ["start", rule]


def test_a_local_activity_whose_record_is_encrypted_keeps_the_name_of_its_marker() -> None:
    details = {"data": {"payloads": [{"metadata": {"encoding": b"binary/encrypted"}, "data": b"\x00\xff"}]}}
    counted = count(STARTED, ("MARKER_RECORDED", {"marker_name": "core_local_activity", "details": details}))
    assert counted.units[-1].cause == "core_local_activity"


def test_children_and_handlers_elsewhere_keep_their_namespace() -> None:
    child = {"namespace": "elsewhere", "workflow_execution": {"workflow_id": "child", "run_id": "run 2"}}
    counted = count(STARTED, ("CHILD_WORKFLOW_EXECUTION_STARTED", child))
    assert counted.links == [RunLink("child", "run 2", "elsewhere")]


def test_a_nexus_operation_leads_to_what_its_handler_started_and_not_to_what_it_found() -> None:
    events = history(STARTED, ("NEXUS_OPERATION_STARTED", {}))
    for workflow, kind in (("new", "WORKFLOW_EXECUTION_STARTED"), ("found", "WORKFLOW_EXECUTION_OPTIONS_UPDATED")):
        link = events[1].links.add().workflow_event
        link.namespace, link.workflow_id, link.run_id = "ns", workflow, "run 2"
        link.event_ref.event_type = EventType.Value(f"EVENT_TYPE_{kind}")
    counted = count_history(events, workflow="w", run="run 1", label=LABEL)
    assert counted.links == [RunLink("new", "run 2", "ns")]


@pytest.mark.parametrize(
    "event",
    [
        ("CHILD_WORKFLOW_EXECUTION_STARTED", {}),
        ("WORKFLOW_EXECUTION_CONTINUED_AS_NEW", {}),
        ("WORKFLOW_TASK_FAILED", {"cause": "WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW"}),
    ],
)
def test_a_link_to_nowhere_is_named(event: tuple[str, Any]) -> None:
    """An empty run id would mean the latest run to the server, which is another one."""
    counted = count(STARTED, TASK_SCHEDULED, event)
    assert counted.links == []
    assert [gap.evidence for gap in counted.gaps] == ["event 3"]


def test_an_attempt_of_an_unknown_activity_is_counted_and_named() -> None:
    counted = count(STARTED, ("ACTIVITY_TASK_STARTED", {"scheduled_event_id": 77, "attempt": 3}))
    assert [(unit.rule, unit.cause, unit.attempt) for unit in counted.units[1:]] == [
        ("activity_retry", "unknown activity", 2),
        ("activity_retry", "unknown activity", 3),
    ]
    assert [gap.what for gap in counted.gaps] == ["an activity started that was never scheduled"]


def test_activities_without_an_attempt_are_listed_unless_they_may_not_be_retried() -> None:
    def scheduled(name: str, attempts: int) -> tuple[str, dict[str, Any]]:
        return "ACTIVITY_TASK_SCHEDULED", {"activity_id": name, "retry_policy": {"maximum_attempts": attempts}}

    counted = count(
        STARTED,
        scheduled("tried", 0),
        scheduled("never tried", 0),
        scheduled("tried once at most", 1),
        ("ACTIVITY_TASK_STARTED", {"scheduled_event_id": 2, "attempt": 1}),
    )
    assert counted.unstarted == {"never tried": "event 3"}
