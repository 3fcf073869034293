"""All runs that descend from a task's root workflows, with their histories."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.history import HistoryCount, count_history
from durameter_collectors.temporal.links import RunLink, schedule_of
from durameter_collectors.temporal.storage import RunStorage, storage_of
from durameter_collectors.units import Elsewhere, Gap, TaskLabel, Unit, nowhere

__all__ = [
    "CountedRun",
    "count_pending",
    "count_runs",
    "quoted",
]

# Retries of activities that have not closed: no history shows them, `describe` does.

_POLLED = frozenset(
    {
        PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
        PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED,
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED,
    }
)
"""States in which a worker has the attempt. One that only backs off, waits or is paused was polled by nobody."""


def count_pending(pending: Iterable[PendingActivityInfo], *, workflow: str, run: str, label: TaskLabel) -> list[Unit]:
    """Retries so far of each pending activity.

    A started attempt n has been retried n - 1 times. While it backs off, waits for a worker or is paused, `attempt` is
    already the next one, which no worker has polled and nobody bills: n - 2 (measured against the meter).
    """
    rules = load_rulebook("temporal")
    units: list[Unit] = []
    for activity in pending:
        latest = activity.attempt if activity.state in _POLLED else activity.attempt - 1
        # While an activity backs off, the server tells only when its last attempt ended.
        began = activity.HasField("last_started_time")
        moment = (activity.last_started_time if began else activity.last_attempt_complete_time).ToDatetime(tzinfo=UTC)
        for attempt in range(2, latest + 1):
            units += rules.units(
                "activity_retry",
                label,
                run=run,
                cause=activity.activity_type.name,
                attempt=attempt,
                time=moment,
                source="describe",
                evidence=f"{workflow} pending activity {activity.activity_id} at attempt {activity.attempt}",
            )
    return units


@dataclass(frozen=True)
class CountedRun:
    """One run with its raw record and what it says."""

    link: RunLink
    record: WorkflowHistory
    count: HistoryCount
    running: bool
    """Whether it had not ended when it was read: it may make more units."""
    given_up: dict[str, str]
    """Activities that ended while no worker had them: their retries, if any, are in no record but the wire and the
    meter. Activity id → evidence."""
    schedule: str
    """Id of the schedule that started it; else empty."""
    helper: bool
    """Whether only a signal leads to it: it may serve others too."""
    storage: RunStorage | None = None
    """What it takes of storage; None while it goes on."""


async def count_runs(
    client: Client,
    roots: Iterable[RunLink],
    *,
    label: TaskLabel,
    elsewhere: Elsewhere = nowhere,
) -> tuple[list[CountedRun], list[Gap]]:
    """Fetch and count every run of a task.

    By the links in histories: children, continued-as-new, retried, reset, what Nexus handlers started, and helpers that
    were signalled; from a run that was reset, by `describe` and, since a run may be reset more than once, by listing.

    Args:
        client: connected to the namespace of the measurement. Reading histories, describing and listing are free.
        roots: the workflows that the task started; an empty run id means the latest run.
        label: whose units these are.
        elsewhere: whether a workflow or run belongs to another task: a signal leads to it, and it stays there.

    Returns:
        The runs in order of discovery, each counted once, and a gap for each run that could not be read.
    """
    runs: dict[RunLink, CountedRun] = {}
    gaps: list[Gap] = []
    waiting = deque((root, False) for root in roots)
    seen: set[RunLink] = set()
    while waiting:
        asked, helper = waiting.popleft()
        if asked in seen:
            continue
        seen.add(asked)
        if asked.namespace not in {"", client.namespace}:
            what = f"workflow {asked.workflow} runs in the namespace {asked.namespace}: its units are missing here"
            gaps.append(Gap(engine="temporal", task=label.task, run=asked.run, what=what))
            continue
        try:
            description = await client.get_workflow_handle(asked.workflow, run_id=asked.run or None).describe()
            link = RunLink(asked.workflow, description.run_id)
            if link in runs:
                continue
            if helper and (elsewhere(link.workflow) or elsewhere(link.run) or _has_another_parent(description, runs)):
                seen.discard(asked)  # a link may lead there yet: it may be a child further down
                continue
            run = await _count(client, link, description, label, helper=helper)
            runs[link] = run
            waiting.extend((each, helper) for each in run.count.links)
            waiting.extend((each, helper) for each in await _reset_runs(client, description, run.count))
            waiting.extend((each, True) for each in run.count.signalled)
        except RPCError as error:
            gone = error.status == RPCStatusCode.NOT_FOUND
            reason = "is not on the server (deleted, or past its retention)" if gone else f"cannot be read: {error}"
            what = f"workflow {asked.workflow} {reason}: its units are missing here"
            gaps.append(Gap(engine="temporal", task=label.task, run=asked.run, what=what))
    return list(runs.values()), [gap for run in runs.values() for gap in run.count.gaps] + gaps


def _has_another_parent(description: WorkflowExecutionDescription, runs: Iterable[RunLink]) -> bool:
    """Whether it has a parent, which is not of this task: then it is of its parent's."""
    parent = description.raw_description.workflow_execution_info.parent_execution
    return bool(parent.workflow_id) and not any(run.workflow == parent.workflow_id for run in runs)


async def _count(
    client: Client, link: RunLink, description: WorkflowExecutionDescription, label: TaskLabel, *, helper: bool
) -> CountedRun:
    """The units of one run.

    Its description is older than its history: an activity that closed in between is counted from the history only.
    """
    record = await client.get_workflow_handle(link.workflow, run_id=link.run).fetch_history()
    count = count_history(record.events, workflow=link.workflow, run=link.run, label=label)
    described = {activity.activity_id: activity for activity in description.raw_description.pending_activities}
    pending = [activity for name, activity in described.items() if name in count.unstarted]
    for activity in pending:
        retries = count_pending([activity], workflow=link.workflow, run=link.run, label=label)
        count.units.extend(retries)
        count.retries.update((activity.activity_id, unit.attempt) for unit in retries)
    running = description.status == WorkflowExecutionStatus.RUNNING
    return CountedRun(
        link=link,
        record=record,
        count=count,
        running=running,
        given_up={name: at for name, at in count.unstarted.items() if name not in described and not running},
        schedule=schedule_of(record.events[0]) if record.events else "",
        helper=helper,
        storage=storage_of(description),
    )


def quoted(value: str) -> str:
    """A value of a list filter (a visibility query), in quotes that nothing in it can end."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


async def _reset_runs(client: Client, description: WorkflowExecutionDescription, count: HistoryCount) -> list[RunLink]:
    """Runs that resets made of the same start.

    The old run names only the latest of them, and a reset run only its base.
    """
    raw = description.raw_description
    if not count.was_reset and not raw.workflow_extended_info.reset_run_id:
        return []
    found = [RunLink(description.id, raw.workflow_extended_info.reset_run_id)]
    async for each in client.list_workflows(f"WorkflowId = {quoted(description.id)}"):
        other = await client.get_workflow_handle(each.id, run_id=each.run_id).describe()
        if other.raw_description.workflow_execution_info.first_run_id == raw.workflow_execution_info.first_run_id:
            found.append(RunLink(each.id, each.run_id))
    return [link for link in found if link.run]
