"""A task's units against the estimate of the vendor's UI, with a reason for every difference.

The reasons are rules: each computes from the histories, not from the two counts, how much it explains. What is left is
unexplained, and an error.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import ContinueAsNewInitiator, EventType
from temporalio.api.history.v1 import HistoryEvent
from ui_rule import estimate, is_reset, kind_of, since_last_reset

from durameter_collectors.units import Unit

Histories = Mapping[str, Sequence[HistoryEvent]]
"""Run id → the whole history."""

GROUPS = {
    # A start and a signal are counted in one place by one side and in another place by the other one.
    "starts and signals": (
        {
            "start",
            "scheduled",
            "signal_with_start",
            "update_with_start",
            "start_untold",
            "child_start",
            "continue_as_new",
        }
        | {"signal", "signal_external"},
        {"WORKFLOW_EXECUTION_STARTED", "WORKFLOW_EXECUTION_SIGNALED"},
    ),
    "children commanded": ({"child_intent"}, {"START_CHILD_WORKFLOW_EXECUTION_INITIATED"}),
    "resets": ({"reset"}, {"WORKFLOW_TASK_FAILED"}),
    "activities": ({"activity"}, {"ACTIVITY_TASK_SCHEDULED"}),
    "activity retries": ({"activity_retry"}, {"ACTIVITY_TASK_STARTED"}),
    "local-activity retries": ({"local_activity_retry"}, {"WORKFLOW_TASK_COMPLETED"}),
    "markers": ({"markers", "markers_of_side_effects"}, {"MARKER_RECORDED"}),
    "search attributes": ({"upsert_search_attributes"}, {"UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"}),
    "timers": ({"timer"}, {"TIMER_STARTED"}),
    "updates": ({"update_accepted"}, {"WORKFLOW_EXECUTION_UPDATE_ACCEPTED"}),
    "options": ({"options_updated", "start_updates_options"}, {"WORKFLOW_EXECUTION_OPTIONS_UPDATED"}),
    "Nexus operations": ({"nexus_operation"}, {"NEXUS_OPERATION_SCHEDULED"}),
    "Nexus cancellations": ({"nexus_cancel"}, {"NEXUS_OPERATION_CANCEL_REQUESTED"}),
}
"""What the two count by the same events: rules of the rulebook, and event types that the UI gives Actions for."""

NOT_IN_HISTORIES = {
    "query": "no history shows a query",
    "heartbeat": "no history shows a heartbeat",
    "update_rejected": "no history shows a rejected update",
    "workflow_task_heartbeat": "no history shows a workflow-task heartbeat",
    "schedule_operations": "operations on a schedule are in no workflow's history",
    "standalone_start": "a standalone activity has no workflow history",
    "standalone_retry": "a standalone activity has no workflow history",
    "standalone_heartbeat": "a standalone activity has no workflow history",
    "standalone_pause": "a standalone activity has no workflow history",
    "standalone_reset": "a standalone activity has no workflow history",
    "standalone_options": "a standalone activity has no workflow history",
    "standalone_nexus": "a standalone Nexus operation has no workflow history",
    "memo_upsert": "the UI gives nothing for a change of the memo, the open-source meter one",
    "pause": "the UI gives nothing for a pause, the open-source meter one",
}
"""Rules that have no counterpart in the UI's estimate, with the reason."""

LATE_SIGNAL = "a signal that is event 2 and did not come with the start: the UI takes it for a signal-with-start"
UNKNOWN_RECEIVER = (
    "a signal from a workflow that did not arrive in these histories: the UI counts only where it arrives"
)
UNKNOWN_SENDER = "a signal from a workflow of another task: billed to its sender, the UI counts it where it arrives"
NEVER_STARTED = (
    "a child that was commanded and never started: both halves are billed, the UI counts its start if there is one"
)
APPLIED_AGAIN = "what a reset applied again: nobody sent it twice, and the UI counts it in the new run too"
CRON = "a run that a cron schedule started: free by default here (switch later_runs), the UI counts its start"
OPEN_ATTEMPTS = "attempts of an activity that never closed: no event shows them, only describe and the wire do"

REASONS = (
    *dict.fromkeys(NOT_IN_HISTORIES.values()),
    LATE_SIGNAL,
    UNKNOWN_RECEIVER,
    UNKNOWN_SENDER,
    NEVER_STARTED,
    APPLIED_AGAIN,
    CRON,
    OPEN_ATTEMPTS,
)


@dataclass(frozen=True)
class Comparison:
    """One task, counted by both. Numbers are Actions; differences are Durameter minus UI."""

    ours: int
    ui: int
    reasons: Mapping[str, int]
    unexplained: Mapping[str, int]
    """Group of events or rule → what no reason accounts for."""

    @property
    def difference(self) -> int:
        """What Durameter counts more."""
        return self.ours - self.ui


def compare(units: Iterable[Unit], histories: Histories) -> Comparison:
    """Hold the documented units of one task against the UI's estimate of all of its runs."""
    ours: Counter[str] = Counter()
    for unit in units:
        if unit.reading == "documented":
            ours[unit.rule] += int(unit.quantity)
    theirs: Counter[str] = Counter()
    for events in histories.values():
        for each in estimate(events):
            theirs[each.kind] += each.actions
    reasons: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for group, (rules, kinds) in GROUPS.items():
        left[group] = sum(ours[rule] for rule in rules) - sum(theirs[kind] for kind in kinds)
        for reason, actions in _explained(group, histories, left[group]).items():
            reasons[reason] += actions
            left[group] -= actions
    grouped = set[str]().union(*(rules for rules, _ in GROUPS.values()))
    for rule in set(ours) - grouped:
        if rule in NOT_IN_HISTORIES:
            reasons[NOT_IN_HISTORIES[rule]] += ours[rule]
        else:
            left[f"rule {rule}"] = ours[rule]
    grouped = set[str]().union(*(kinds for _, kinds in GROUPS.values()))
    for kind in set(theirs) - grouped:
        left[f"event {kind}"] = -theirs[kind]
    return Comparison(
        ours=ours.total(),
        ui=theirs.total(),
        reasons={reason: actions for reason, actions in reasons.items() if actions},
        unexplained={what: actions for what, actions in left.items() if actions},
    )


def _explained(group: str, histories: Histories, difference: int) -> Mapping[str, int]:
    if group == "starts and signals":
        return _starts_and_signals(histories)
    if group == "options":
        again = sum(kind_of(event) == "WORKFLOW_EXECUTION_OPTIONS_UPDATED" for event in _applied_again(histories))
        return {APPLIED_AGAIN: -again}
    if group == "activity retries" and difference > 0 and _never_closed(histories):
        return {OPEN_ATTEMPTS: difference}
    return {}


def _starts_and_signals(histories: Histories) -> Mapping[str, int]:
    again = [event for event in _applied_again(histories) if kind_of(event) == "WORKFLOW_EXECUTION_SIGNALED"]
    own = [event for events in histories.values() for event in since_last_reset(events) if event not in again]
    kinds = Counter(kind_of(event) for event in own)
    arrived = sum(_from_a_workflow(event) for event in own)
    sent = kinds["SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED"]
    from_outside = sum(_from_a_workflow(event) and not _sender_is_here(event, histories) for event in own)
    # Of those that were sent from here, each that arrived here is on both sides.
    lost = sent - (arrived - from_outside)
    started = kinds["CHILD_WORKFLOW_EXECUTION_STARTED"]
    return {
        LATE_SIGNAL: sum(_late(events) for events in histories.values()),
        UNKNOWN_RECEIVER: lost,
        UNKNOWN_SENDER: -from_outside,
        NEVER_STARTED: kinds["START_CHILD_WORKFLOW_EXECUTION_INITIATED"] - started,
        APPLIED_AGAIN: -len(again),
        CRON: -sum(_is_cron(events[0]) for events in histories.values() if events),
    }


def _applied_again(histories: Histories) -> list[HistoryEvent]:
    """What stands between a run's last reset and the workflow task that it scheduled."""
    found: list[HistoryEvent] = []
    for events in histories.values():
        own = since_last_reset(events)
        if not own or not is_reset(own[0]):
            continue
        for event in own[1:]:
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
                break
            found.append(event)
    return found


def _from_a_workflow(event: HistoryEvent) -> bool:
    return event.workflow_execution_signaled_event_attributes.HasField("external_workflow_execution")


def _sender_is_here(event: HistoryEvent, histories: Histories) -> bool:
    return event.workflow_execution_signaled_event_attributes.external_workflow_execution.run_id in histories


def _late(events: Sequence[HistoryEvent]) -> bool:
    """Whether event 2 is a signal that came by itself: to a child, a continued run, or in the delay of a start."""
    if [event.event_id for event in events[:2]] != [1, 2] or len(since_last_reset(events)) < len(events):
        return False
    start, second = events[:2]
    if kind_of(second) != "WORKFLOW_EXECUTION_SIGNALED":
        return False
    started = start.workflow_execution_started_event_attributes
    if started.continued_execution_run_id or started.HasField("parent_workflow_execution"):
        return True
    # One transaction numbers the server's tasks without a hole.
    return second.task_id != start.task_id + 1


def _is_cron(event: HistoryEvent) -> bool:
    started = event.workflow_execution_started_event_attributes
    cron = ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE
    return bool(started.continued_execution_run_id) and started.initiator == cron and started.attempt <= 1


def _never_closed(histories: Histories) -> bool:
    """Whether some activity was scheduled and no event shows an attempt of it."""
    for events in histories.values():
        scheduled = {event.event_id for event in events if kind_of(event) == "ACTIVITY_TASK_SCHEDULED"}
        for event in events:
            scheduled.discard(event.activity_task_started_event_attributes.scheduled_event_id)
        if scheduled:
            return True
    return False
