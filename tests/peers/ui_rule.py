"""The rule by which the vendor's web UI estimates the Actions of a run, written from its description alone.

An oracle that shares nothing with the collectors. It reads the event history of one run and nothing else.
"""

from collections.abc import Sequence
from typing import NamedTuple

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent

RESET = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
PATCHES = {"core_patch", "Version"}
LOCAL_ATTEMPTS_AT_MOST = 100
ONE_EACH = {
    "ACTIVITY_TASK_SCHEDULED",
    "TIMER_STARTED",
    "NEXUS_OPERATION_SCHEDULED",
    "NEXUS_OPERATION_CANCEL_REQUESTED",
    "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
    "WORKFLOW_EXECUTION_OPTIONS_UPDATED",
    "START_CHILD_WORKFLOW_EXECUTION_INITIATED",
}


class Estimate(NamedTuple):
    """What the rule gives for one event."""

    event: int
    kind: str
    """The event's type, without its prefix."""
    actions: int


def kind_of(event: HistoryEvent) -> str:
    """The event's type, without its prefix."""
    return EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")


def is_reset(event: HistoryEvent) -> bool:
    """Whether this event is where a reset made the run."""
    return event.workflow_task_failed_event_attributes.cause == RESET


def since_last_reset(events: Sequence[HistoryEvent]) -> Sequence[HistoryEvent]:
    """What came before the last reset is free."""
    resets = [index for index, event in enumerate(events) if is_reset(event)]
    return events[resets[-1] :] if resets else events


def estimate(events: Sequence[HistoryEvent]) -> list[Estimate]:
    """Actions by the rule, for the events that have any."""
    tasks_with_markers: set[int] = set()
    estimates = []
    for event in since_last_reset(events):
        actions = _actions(event, tasks_with_markers)
        if actions:
            estimates.append(Estimate(event.event_id, kind_of(event), actions))
    return estimates


def _actions(event: HistoryEvent, tasks_with_markers: set[int]) -> int:
    kind = kind_of(event)
    if kind in ONE_EACH:
        return 1
    actions = 0
    match kind:
        case "WORKFLOW_EXECUTION_STARTED":
            actions = _start(event)
        case "WORKFLOW_EXECUTION_SIGNALED":
            actions = int(event.event_id != 2)  # as event 2 it came with the start
        case "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES":
            upsert = event.upsert_workflow_search_attributes_event_attributes
            actions = int(set(upsert.search_attributes.indexed_fields) != {"TemporalChangeVersion"})
        case "MARKER_RECORDED":
            marker = event.marker_recorded_event_attributes
            task = marker.workflow_task_completed_event_id
            if marker.marker_name not in PATCHES and task not in tasks_with_markers:
                tasks_with_markers.add(task)
                actions = 1
        case "WORKFLOW_TASK_FAILED":
            actions = int(is_reset(event))
        case "ACTIVITY_TASK_STARTED":
            actions = max(event.activity_task_started_event_attributes.attempt - 1, 0)
        case "WORKFLOW_TASK_COMPLETED":
            metering = event.workflow_task_completed_event_attributes.metering_metadata
            actions = min(metering.nonfirst_local_activity_execution_attempts, LOCAL_ATTEMPTS_AT_MOST)
    return actions


def _start(event: HistoryEvent) -> int:
    started = event.workflow_execution_started_event_attributes
    if started.attempt > 1:
        return 0
    first = not started.continued_execution_run_id
    return 3 if first and "TemporalScheduledById" in started.search_attributes.indexed_fields else 1
