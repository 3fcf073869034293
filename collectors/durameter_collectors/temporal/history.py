"""Event history of one workflow run → units.

Blind spots, by construction of a history: queries, heartbeats, rejected updates, schedule operations, the retries of
an activity that has not closed (see `runs.count_pending`), whether a start came by update-with-start, and whether a
signal to a running workflow came by signal-with-start.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ContinueAsNewInitiator, EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent

from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.integrity import in_order, name_of
from durameter_collectors.temporal.links import SCHEDULED_BY, RunLink
from durameter_collectors.temporal.markers import (
    LOCAL_RETRY_CAP,
    PATCH_ATTRIBUTE,
    PATCH_MARKERS,
    marked,
    rule_of_markers,
    static_summary,
)
from durameter_collectors.units import Gap, TaskLabel, Unit, cause_of

__all__ = [
    "BLIND_SPOTS",
    "Activity",
    "HistoryCount",
    "count_history",
    "summary_of",
]

BLIND_SPOTS = (
    "queries",
    "activity heartbeats",
    "rejected updates",
    "schedule operations",
    "workflow-task heartbeats",
    "retries of an activity that never closed (describe shows those that still back off)",
    "whether a start came by update-with-start, or a signal to a running workflow by signal-with-start",
)

_MOST_ATTEMPTS = 100_000
"""A damaged history may say anything; a row is made for each retry."""

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
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
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
class Activity:
    """What an activity is called."""

    cause: str
    """Its type."""
    step: str
    """Its static summary, or an empty string."""


@dataclass
class HistoryCount:
    """What one run's history says: its units, the runs it leads to, and what was not understood."""

    units: list[Unit] = field(default_factory=list)
    links: list[RunLink] = field(default_factory=list)
    signalled: list[RunLink] = field(default_factory=list)
    """Other workflows that this run signalled; an empty run id means the run that was current then."""
    gaps: list[Gap] = field(default_factory=list)
    activities: dict[str, Activity] = field(default_factory=dict)
    """Every activity of the run, also one that a reset copied, by activity id."""
    retries: set[tuple[str, int]] = field(default_factory=set)
    """Activity id and attempt of every retry that is in `units`."""
    unstarted: dict[str, str] = field(default_factory=dict)
    """Activities that may be retried and whose attempts no event shows: activity id → evidence."""
    was_reset: bool = False
    """Whether a reset made this run."""


@dataclass(frozen=True)
class _Scheduled:
    """What later events need to know of an activity."""

    cause: str
    step: str
    activity_id: str = ""
    may_retry: bool = True


def count_history(events: Iterable[HistoryEvent], *, workflow: str, run: str, label: TaskLabel) -> HistoryCount:
    """Apply the rulebook to one run's event history.

    Args:
        events: the whole history.
        workflow: its workflow id.
        run: its run id; empty when unknown.
        label: whose units these are.

    Returns:
        Units with event ids as evidence, links to other runs, and a gap for each event type that no rule knows and for
        whatever is damaged. What a reset copied from the old run was billed there, and is not counted here.
    """
    counter = _Counter(workflow=workflow, run=run, label=label)
    ordered, damages = in_order(events)
    for damage in damages:
        counter.gap(damage.what, damage.evidence)
    if not ordered:
        counter.gap("the history is empty", "")
    for event in ordered:
        counter.flag_unknown(event)
    copies, own = _split_at_reset(ordered)
    if not copies and run and _first_run(ordered) not in {"", run}:
        counter.gap("a reset made this run, and the reset itself is missing: nothing of it is counted", "event 1")
        return counter.result
    counter.remember(copies)
    for event in own:
        counter.take(event)
    counter.close()
    return counter.result


def _split_at_reset(events: list[HistoryEvent]) -> tuple[list[HistoryEvent], list[HistoryEvent]]:
    """What a reset copied from the old run, and what is this run's own, from the last reset event on.

    The server applies signals and updates that came after the reset point again, in the transaction of the reset, which
    ends by scheduling a workflow task. Nobody sent these signals a second time, and the meter does not count them
    (measured); an update is counted when the worker accepts it again.
    """
    resets = [index for index, event in enumerate(events) if _is_reset(event)]
    if not resets:
        return [], events
    reset = resets[-1]
    after = range(reset + 1, len(events))
    scheduled = EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
    end = next((index for index in after if events[index].event_type == scheduled), len(events))
    return events[:reset] + events[reset + 1 : end], [events[reset], *events[end:]]


def _is_reset(event: HistoryEvent) -> bool:
    failed = event.workflow_task_failed_event_attributes
    return (
        event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        and failed.cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
    )


def _first_run(events: list[HistoryEvent]) -> str:
    """The run for which the start event was written. A reset copies that event into another run."""
    return events[0].workflow_execution_started_event_attributes.original_execution_run_id if events else ""


def summary_of(event: HistoryEvent) -> str:
    """The static summary that the workload gave this event, or an empty string."""
    return static_summary(event.user_metadata)


class _Counter:
    """State while one history is read from front to back."""

    def __init__(self, *, workflow: str, run: str, label: TaskLabel) -> None:
        self.result = HistoryCount()
        self._workflow = workflow
        self._run = run
        self._label = label
        self._activities: dict[int, _Scheduled] = {}
        self._attempted: set[int] = set()
        self._admitted: dict[int, str] = {}
        self._rules = load_rulebook("temporal")
        self._markers: dict[int, list[HistoryEvent]] = {}
        self._client_start: HistoryEvent | None = None
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
            EventType.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED: self._signalled_external,
            EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: self._child_initiated,
            EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: self._child_started,
            EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: self._upsert,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED: self._update_admitted,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: self._update_accepted,
            EventType.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED: self._memo,
            EventType.EVENT_TYPE_NEXUS_OPERATION_SCHEDULED: self._nexus,
            EventType.EVENT_TYPE_NEXUS_OPERATION_STARTED: self._nexus_started,
            EventType.EVENT_TYPE_NEXUS_OPERATION_CANCEL_REQUESTED: self._nexus_cancel,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED: self._options_updated,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED: self._paused,
            EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UNPAUSED: self._paused,
        }

    def remember(self, events: Iterable[HistoryEvent]) -> None:
        """Learn what a reset copied, for the events that refer to it; it is not counted here."""
        for event in events:
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                self._remember_activity(event)
            elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                self._attempted.add(event.activity_task_started_event_attributes.scheduled_event_id)
            elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED:
                self._update_admitted(event)

    def take(self, event: HistoryEvent) -> None:
        """Count one event."""
        handler = self._handlers.get(event.event_type)
        if handler is not None:
            handler(event)

    def flag_unknown(self, event: HistoryEvent) -> None:
        """Name an event type that no rule knows."""
        if event.event_type not in self._handlers and event.event_type not in _FREE:
            self.gap(f"no rule knows the event type {name_of(event)}", f"event {event.event_id}")

    def close(self) -> None:
        """Count what is only known at the end: markers by workflow task, and activities without an attempt."""
        for markers in self._markers.values():
            self._count_markers(markers)
        self.result.unstarted = {
            known.activity_id: f"event {number}"
            for number, known in self._activities.items()
            if known.may_retry and number not in self._attempted
        }

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
        self.result.units += self._rules.units(
            rule_id,
            self._label,
            run=self._run,
            cause=cause or "unnamed",
            step=step,
            attempt=attempt,
            times=times,
            time=_time(event),
            source="history",
            evidence=f"{self._workflow} event {event.event_id}",
        )

    def _link(self, workflow: str, run: str, event: HistoryEvent, *, namespace: str = "") -> None:
        if workflow and run:
            self.result.links.append(RunLink(workflow, run, namespace))
        else:
            self.gap("an event leads to another run and does not say which", f"event {event.event_id}")

    def _started(self, event: HistoryEvent) -> None:
        started = event.workflow_execution_started_event_attributes
        cause = started.workflow_type.name
        if started.continued_execution_run_id:
            self._link(self._workflow, started.continued_execution_run_id, event)
            if started.initiator != ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_WORKFLOW:
                self._add("retried_run", event, cause=cause)
            return  # a continue-as-new is billed where it was commanded
        if started.HasField("parent_workflow_execution"):
            return  # billed where the parent started it
        self._client_start = event
        if any(key == SCHEDULED_BY for key in started.search_attributes.indexed_fields):
            self._add("scheduled", event, cause=cause)
        self._add("start", event, cause=cause)

    def _next_run(self, event: HistoryEvent) -> None:
        """A run that a retry policy or a cron schedule starts after this one."""
        for name in ("completed", "failed", "timed_out"):
            attributes = getattr(event, f"workflow_execution_{name}_event_attributes")
            if attributes.new_execution_run_id:
                self._link(self._workflow, attributes.new_execution_run_id, event)

    def _continued(self, event: HistoryEvent) -> None:
        continued = event.workflow_execution_continued_as_new_event_attributes
        self._link(self._workflow, continued.new_execution_run_id, event)
        self._add("continue_as_new", event, cause=continued.workflow_type.name)

    def _task_completed(self, event: HistoryEvent) -> None:
        metering = event.workflow_task_completed_event_attributes.metering_metadata
        times = min(metering.nonfirst_local_activity_execution_attempts, LOCAL_RETRY_CAP)
        if times:
            self._add("local_activity_retry", event, cause="local activity", attempt=2, times=times)

    def _task_failed(self, event: HistoryEvent) -> None:
        if _is_reset(event):
            self.result.was_reset = True
            self._link(self._workflow, event.workflow_task_failed_event_attributes.base_run_id, event)
            self._add("reset", event, cause="reset")

    def _remember_activity(self, event: HistoryEvent) -> _Scheduled:
        scheduled = event.activity_task_scheduled_event_attributes
        known = _Scheduled(
            cause=scheduled.activity_type.name,
            step=summary_of(event),
            activity_id=scheduled.activity_id,
            may_retry=scheduled.retry_policy.maximum_attempts != 1,
        )
        self._activities[event.event_id] = known
        self.result.activities[known.activity_id] = Activity(known.cause, known.step)
        return known

    def _activity_scheduled(self, event: HistoryEvent) -> None:
        known = self._remember_activity(event)
        self._add("activity", event, cause=known.cause, step=known.step)

    def _activity_started(self, event: HistoryEvent) -> None:
        started = event.activity_task_started_event_attributes
        self._attempted.add(started.scheduled_event_id)
        known = self._activities.get(started.scheduled_event_id)
        if known is None:
            self.gap("an activity started that was never scheduled", f"event {event.event_id}")
            known = _Scheduled(cause="unknown activity", step="")
        if started.attempt > _MOST_ATTEMPTS:
            what = f"implausible attempt number {started.attempt} of an activity; its retries are not counted"
            self.gap(what, f"event {event.event_id}")
            return
        for attempt in range(2, started.attempt + 1):
            self._add("activity_retry", event, cause=known.cause, step=known.step, attempt=attempt)
            self.result.retries.add((known.activity_id, attempt))

    def _timer(self, event: HistoryEvent) -> None:
        step = summary_of(event)
        self._add("timer", event, cause=cause_of(step) if step else "timer", step=step)

    def _marker(self, event: HistoryEvent) -> None:
        task = event.marker_recorded_event_attributes.workflow_task_completed_event_id
        self._markers.setdefault(task, []).append(event)

    def _count_markers(self, markers: list[HistoryEvent]) -> None:
        """All markers of one workflow task are one Action; which rule says so depends on what they mark."""
        named = {e.event_id: e.marker_recorded_event_attributes.marker_name for e in markers}
        shown = [e for e in markers if named[e.event_id] not in PATCH_MARKERS] or markers
        causes = ", ".join(dict.fromkeys(_marked(event) for event in shown))
        self._add(rule_of_markers(named.values()), shown[0], cause=causes, step=summary_of(shown[0]))

    def _signaled(self, event: HistoryEvent) -> None:
        signaled = event.workflow_execution_signaled_event_attributes
        if signaled.HasField("external_workflow_execution"):
            return  # billed where the sender commanded it
        if self._came_with_start(event):
            # The two halves of one signal-with-start: one Action in all.
            self.result.units = [unit for unit in self.result.units if unit.rule != "start"]
            self._add("signal_with_start", event, cause=signaled.signal_name)
        else:
            self._add("signal", event, cause=signaled.signal_name, step=summary_of(event))

    def _came_with_start(self, event: HistoryEvent) -> bool:
        """Whether this signal and the start of the workflow were one call.

        An undelayed start schedules its first workflow task as event 2; a signal in that place came with the start.
        In a delayed start a later signal may have that place too. A server numbers its tasks, and events of one
        transaction have successive numbers (measured), while a start and a later signal have the delay's timer
        between them.
        """
        if event.event_id != 2 or self._client_start is None:
            return False  # also a child or a continued run: no client started it
        backoff = self._client_start.workflow_execution_started_event_attributes.first_workflow_task_backoff
        if not backoff.seconds and not backoff.nanos:
            return True
        if not event.task_id or not self._client_start.task_id:
            self.gap(
                "a signal as event 2 of a delayed start: counted as its own Action, "
                "one too many if it came by signal-with-start",
                f"event {event.event_id}",
            )
            return False
        return event.task_id == self._client_start.task_id + 1

    def _signal_external(self, event: HistoryEvent) -> None:
        initiated = event.signal_external_workflow_execution_initiated_event_attributes
        self._add("signal_external", event, cause=initiated.signal_name, step=summary_of(event))

    def _signalled_external(self, event: HistoryEvent) -> None:
        """Free; the workflow that was signalled may be a helper of this task."""
        signalled = event.external_workflow_execution_signaled_event_attributes
        target: WorkflowExecution = signalled.workflow_execution
        if target.workflow_id:
            self.result.signalled.append(RunLink(target.workflow_id, target.run_id, signalled.namespace))

    def _child_initiated(self, event: HistoryEvent) -> None:
        child = event.start_child_workflow_execution_initiated_event_attributes.workflow_type.name
        self._add("child_intent", event, cause=child, step=summary_of(event))
        self._add("child_start", event, cause=child, step=summary_of(event))

    def _child_started(self, event: HistoryEvent) -> None:
        started = event.child_workflow_execution_started_event_attributes
        child: WorkflowExecution = started.workflow_execution
        self._link(child.workflow_id, child.run_id, event, namespace=started.namespace)

    def _upsert(self, event: HistoryEvent) -> None:
        fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
        only_patch = set(fields) == {PATCH_ATTRIBUTE}
        rule = "upsert_by_patch" if only_patch else "upsert_search_attributes"
        self._add(rule, event, cause=", ".join(sorted(fields)) or "search attributes")

    def _update_accepted(self, event: HistoryEvent) -> None:
        accepted = event.workflow_execution_update_accepted_event_attributes
        admitted = self._admitted.get(accepted.accepted_request_sequencing_event_id, "update")
        name = accepted.accepted_request.input.name or admitted
        self._add("update_accepted", event, cause=name, step=summary_of(event))

    def _update_admitted(self, event: HistoryEvent) -> None:
        """Free; the acceptance of an update that was admitted first, as after a reset, does not repeat its name."""
        name = event.workflow_execution_update_admitted_event_attributes.request.input.name
        self._admitted[event.event_id] = name or "update"

    def _memo(self, event: HistoryEvent) -> None:
        self._add("memo_upsert", event, cause="memo")

    def _nexus(self, event: HistoryEvent) -> None:
        scheduled = event.nexus_operation_scheduled_event_attributes
        self._add("nexus_operation", event, cause=f"{scheduled.service}.{scheduled.operation}", step=summary_of(event))

    def _nexus_started(self, event: HistoryEvent) -> None:
        """Free; the workflow that the handler started, if one, belongs to the task."""
        for link in event.links:
            target = link.workflow_event
            if target.event_ref.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                self._link(target.workflow_id, target.run_id, event, namespace=target.namespace)

    def _nexus_cancel(self, event: HistoryEvent) -> None:
        self._add("nexus_cancel", event, cause="nexus cancellation")

    def _options_updated(self, event: HistoryEvent) -> None:
        # A start that found the workflow running attaches its request to it; a call of its own attaches nothing.
        attached = event.workflow_execution_options_updated_event_attributes.attached_request_id
        self._add("start_updates_options" if attached else "options_updated", event, cause="options")

    def _paused(self, event: HistoryEvent) -> None:
        self._add("pause", event, cause="pause")


def _marked(event: HistoryEvent) -> str:
    marker = event.marker_recorded_event_attributes
    return marked(marker.marker_name, marker.details)


def _time(event: HistoryEvent) -> datetime:
    """The server's time of the event, in UTC, to the microsecond."""
    return event.event_time.ToDatetime(tzinfo=UTC)
