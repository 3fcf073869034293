"""Event history of one workflow run → units.

Blind spots, by construction of a history: queries, heartbeats, rejected updates, schedule operations, the retries of an
activity that has not closed (see `pending`), and whether a start came by update-with-start.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent

from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.steps import cause_of
from durameter_collectors.units import Gap, TaskLabel, Unit

__all__ = ["BLIND_SPOTS", "HistoryCount", "RunLink", "count_history", "summary_of"]

BLIND_SPOTS = (
    "queries",
    "activity heartbeats",
    "rejected updates",
    "schedule operations",
    "workflow-task heartbeats",
    "retries of an activity that never closed (describe shows those that still back off)",
)

_PATCH_MARKERS = frozenset({"core_patch", "Version"})
_PATCH_ATTRIBUTE = "TemporalChangeVersion"
_LOCAL_RETRY_CAP = 100
"""Local-activity attempts after the first that are billed per workflow task, at most."""

_FREE = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
        EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
        EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
        EventType.EVENT_TYPE_TIMER_FIRED,
        EventType.EVENT_TYPE_TIMER_CANCELED,
        EventType.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
        EventType.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
        EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
        EventType.EVENT_TYPE_NEXUS_OPERATION_STARTED,
        EventType.EVENT_TYPE_NEXUS_OPERATION_COMPLETED,
        EventType.EVENT_TYPE_NEXUS_OPERATION_FAILED,
        EventType.EVENT_TYPE_NEXUS_OPERATION_CANCELED,
        EventType.EVENT_TYPE_NEXUS_OPERATION_TIMED_OUT,
        EventType.EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUEST_COMPLETED,
        EventType.EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUEST_FAILED,
    }
)
"""Events that cost nothing and lead nowhere. An event type that is neither here nor handled below is flagged."""


@dataclass(frozen=True)
class RunLink:
    """Another run that the same task made or came from."""

    workflow: str
    run: str


@dataclass
class HistoryCount:
    """What one run's history says: its units, the runs it leads to, and what was not understood."""

    units: list[Unit] = field(default_factory=list)
    links: list[RunLink] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


@dataclass(frozen=True)
class _Scheduled:
    """What later events need to know of an activity."""

    cause: str
    step: str


def count_history(events: Iterable[HistoryEvent], *, workflow: str, run: str, label: TaskLabel) -> HistoryCount:
    """Apply the rulebook to one run's event history.

    Args:
        events: the whole history, in order.
        workflow: its workflow id.
        run: its run id.
        label: whose units these are.

    Returns:
        Units with event ids as evidence, links to other runs, and a gap for each event type that no rule knows.
        Events before the last reset are copies of what the old run was billed for, and are not counted.
    """
    ordered = list(events)
    counter = _Counter(workflow=workflow, run=run, label=label)
    start = _after_last_reset(ordered)
    counter.remember(ordered[:start])
    for event in ordered[start:]:
        counter.take(event)
    counter.close()
    if not ordered:
        counter.gap("the history is empty", "")
    return counter.result


def _after_last_reset(events: list[HistoryEvent]) -> int:
    """Index of the reset event that made this run, or 0."""
    for index in range(len(events) - 1, -1, -1):
        failed = events[index].workflow_task_failed_event_attributes
        if (
            events[index].event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
            and failed.cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
        ):
            return index
    return 0


def summary_of(event: HistoryEvent) -> str:
    """The static summary that the workload gave this event, or an empty string (also when it is encrypted)."""
    payload: Payload = event.user_metadata.summary
    if payload.metadata.get("encoding") != b"json/plain":
        return ""
    try:
        text = json.loads(payload.data)
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""


class _Counter:
    """State while one history is read from front to back."""

    def __init__(self, *, workflow: str, run: str, label: TaskLabel) -> None:
        self.result = HistoryCount()
        self._workflow = workflow
        self._run = run
        self._label = label
        self._activities: dict[int, _Scheduled] = {}
        self._rules = load_rulebook("temporal")
        self._markers: list[HistoryEvent] = []
        self._markers_of: int | None = None
        self._delayed_start = False
        self._handlers: Mapping[int, Callable[[HistoryEvent], None]] = {
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: self._started,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: self._next_run,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: self._next_run,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: self._next_run,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: self._continued,
            EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED: self._task_completed,
            EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED: self._task_failed,
            EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: self._activity_scheduled,
            EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED: self._activity_started,
            EventType.EVENT_TYPE_TIMER_STARTED: self._timer,
            EventType.EVENT_TYPE_MARKER_RECORDED: self._marker,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: self._signaled,
            EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: self._signal_external,
            EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: self._child_initiated,
            EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: self._child_started,
            EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: self._upsert,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: self._update_accepted,
            EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED: self._memo,
            EventType.EVENT_TYPE_NEXUS_OPERATION_SCHEDULED: self._nexus,
            EventType.EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUESTED: self._nexus_cancel,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED: self._options_updated,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED: self._paused,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UNPAUSED: self._paused,
        }

    def remember(self, events: Iterable[HistoryEvent]) -> None:
        """Learn what was scheduled before a reset; those events are not counted here."""
        for event in events:
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                self._remember_activity(event)

    def take(self, event: HistoryEvent) -> None:
        """Count one event."""
        handler = self._handlers.get(event.event_type)
        if handler is not None:
            handler(event)
        elif event.event_type not in _FREE:
            known = event.event_type in EventType.values()
            name = EventType.Name(event.event_type) if known else f"number {event.event_type}"
            self.gap(f"no rule knows the event type {name}", f"event {event.event_id}")

    def close(self) -> None:
        """Count what is only known at the end: the markers of the last workflow task."""
        self._flush_markers()

    def gap(self, what: str, evidence: str) -> None:
        """Note something that could not be counted."""
        self.result.gaps.append(
            Gap(engine="temporal", task=self._label.task, run=self._run, what=what, evidence=evidence)
        )

    def _add(
        self,
        rule_id: str,
        event: HistoryEvent,
        *,
        cause: str,
        step: str = "",
        attempt: int = 1,
        times: int = 1,
    ) -> None:
        rule = self._rules.rule(rule_id)
        for _ in range(times):
            self.result.units.append(
                Unit(
                    engine="temporal",
                    workload=self._label.workload,
                    variant=self._label.variant,
                    task=self._label.task,
                    run=self._run,
                    kind=rule.kind,
                    cause=cause,
                    step=step,
                    attempt=attempt,
                    quantity=Decimal(1),
                    reading=rule.reading,
                    rule=rule.id,
                    time=_time(event),
                    source="history",
                    evidence=f"{self._workflow} event {event.event_id}",
                )
            )

    def _started(self, event: HistoryEvent) -> None:
        started = event.workflow_execution_started_event_attributes
        cause = started.workflow_type.name
        self._delayed_start = started.first_workflow_task_backoff.ToTimedelta().total_seconds() > 0
        if started.continued_execution_run_id:
            self.result.links.append(RunLink(self._workflow, started.continued_execution_run_id))
        if started.HasField("parent_workflow_execution"):
            return  # billed where the parent started it
        if started.continued_execution_run_id:
            if started.attempt > 1 or started.cron_schedule:
                self._add("retried_run", event, cause=cause)
            return  # a continue-as-new is billed where it was commanded
        if any(key == "TemporalScheduledById" for key in started.search_attributes.indexed_fields):
            self._add("scheduled", event, cause=cause, times=2)
        self._add("start", event, cause=cause)

    def _next_run(self, event: HistoryEvent) -> None:
        """A run that a retry policy or a cron schedule starts after this one."""
        for name in ("completed", "failed", "timed_out"):
            attributes = getattr(event, f"workflow_execution_{name}_event_attributes")
            if attributes.new_execution_run_id:
                self.result.links.append(RunLink(self._workflow, attributes.new_execution_run_id))

    def _continued(self, event: HistoryEvent) -> None:
        continued = event.workflow_execution_continued_as_new_event_attributes
        self.result.links.append(RunLink(self._workflow, continued.new_execution_run_id))
        self._add("continue_as_new", event, cause=continued.workflow_type.name)

    def _task_completed(self, event: HistoryEvent) -> None:
        metering = event.workflow_task_completed_event_attributes.metering_metadata
        times = min(metering.nonfirst_local_activity_execution_attempts, _LOCAL_RETRY_CAP)
        if times:
            self._add("local_activity_retry", event, cause="local activity", attempt=2, times=times)

    def _task_failed(self, event: HistoryEvent) -> None:
        failed = event.workflow_task_failed_event_attributes
        if failed.cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW:
            self.result.links.append(RunLink(self._workflow, failed.base_run_id))
            self._add("reset", event, cause="reset")

    def _remember_activity(self, event: HistoryEvent) -> _Scheduled:
        known = _Scheduled(
            cause=event.activity_task_scheduled_event_attributes.activity_type.name, step=summary_of(event)
        )
        self._activities[event.event_id] = known
        return known

    def _activity_scheduled(self, event: HistoryEvent) -> None:
        known = self._remember_activity(event)
        self._add("activity", event, cause=known.cause, step=known.step)

    def _activity_started(self, event: HistoryEvent) -> None:
        started = event.activity_task_started_event_attributes
        known = self._activities.get(started.scheduled_event_id)
        if known is None:
            self.gap("an activity started that was never scheduled", f"event {event.event_id}")
            known = _Scheduled(cause="unknown activity", step="")
        for attempt in range(2, started.attempt + 1):
            self._add("activity_retry", event, cause=known.cause, step=known.step, attempt=attempt)

    def _timer(self, event: HistoryEvent) -> None:
        step = summary_of(event)
        self._add("timer", event, cause=cause_of(step) if step else "timer", step=step)

    def _marker(self, event: HistoryEvent) -> None:
        task = event.marker_recorded_event_attributes.workflow_task_completed_event_id
        if task != self._markers_of:
            self._flush_markers()
            self._markers_of = task
        self._markers.append(event)

    def _flush_markers(self) -> None:
        """All markers of one workflow task are one Action, unless all of them only mark patches."""
        names = {e.marker_recorded_event_attributes.marker_name: e for e in self._markers}
        billed = [name for name in names if name not in _PATCH_MARKERS]
        if billed:
            self._add("markers", names[billed[0]], cause=billed[0])
        elif names:
            name = next(iter(names))
            self._add("markers_of_patches", names[name], cause=name)
        self._markers = []

    def _signaled(self, event: HistoryEvent) -> None:
        signaled = event.workflow_execution_signaled_event_attributes
        if signaled.HasField("external_workflow_execution"):
            return  # billed where the sender commanded it
        if event.event_id != 2:
            self._add("signal", event, cause=signaled.signal_name, step=summary_of(event))
            return
        if self._delayed_start:
            # Nothing tells a later signal from a signal-with-start here: both kinds of start wait.
            self.gap(
                "a signal as event 2 of a delayed start: counted as its own Action, "
                "one too many if it came by signal-with-start",
                f"event {event.event_id}",
            )
            self._add("signal", event, cause=signaled.signal_name)
            return
        # Event 2 of an undelayed start is the signal half of one signal-with-start: one Action in all.
        self.result.units = [unit for unit in self.result.units if unit.rule != "start"]
        self._add("signal_with_start", event, cause=signaled.signal_name)

    def _signal_external(self, event: HistoryEvent) -> None:
        initiated = event.signal_external_workflow_execution_initiated_event_attributes
        self._add("signal_external", event, cause=initiated.signal_name, step=summary_of(event))

    def _child_initiated(self, event: HistoryEvent) -> None:
        child = event.start_child_workflow_execution_initiated_event_attributes.workflow_type.name
        self._add("child_intent", event, cause=child, step=summary_of(event))
        self._add("child_start", event, cause=child, step=summary_of(event))

    def _child_started(self, event: HistoryEvent) -> None:
        child: WorkflowExecution = event.child_workflow_execution_started_event_attributes.workflow_execution
        self.result.links.append(RunLink(child.workflow_id, child.run_id))

    def _upsert(self, event: HistoryEvent) -> None:
        fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
        only_patch = set(fields) == {_PATCH_ATTRIBUTE}
        rule = "upsert_by_patch" if only_patch else "upsert_search_attributes"
        self._add(rule, event, cause=", ".join(sorted(fields)))

    def _update_accepted(self, event: HistoryEvent) -> None:
        request = event.workflow_execution_update_accepted_event_attributes.accepted_request
        self._add("update_accepted", event, cause=request.input.name or "update", step=summary_of(event))

    def _memo(self, event: HistoryEvent) -> None:
        self._add("memo_upsert", event, cause="memo")

    def _nexus(self, event: HistoryEvent) -> None:
        scheduled = event.nexus_operation_scheduled_event_attributes
        self._add("nexus_operation", event, cause=f"{scheduled.service}.{scheduled.operation}", step=summary_of(event))

    def _nexus_cancel(self, event: HistoryEvent) -> None:
        self._add("nexus_cancel", event, cause="nexus cancellation")

    def _options_updated(self, event: HistoryEvent) -> None:
        self._add("options_updated", event, cause="options")

    def _paused(self, event: HistoryEvent) -> None:
        self._add("pause", event, cause="pause")


def _time(event: HistoryEvent) -> datetime:
    """The server's time of the event, in UTC, to the microsecond."""
    return event.event_time.ToDatetime(tzinfo=UTC)
