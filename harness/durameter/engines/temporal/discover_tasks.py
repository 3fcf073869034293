"""Which tasks there are on a Temporal server: root workflows, schedules, standalone activities and operations."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from temporalio.api.common.v1 import Link
from temporalio.api.enums.v1 import EventType, PendingActivityState, PendingWorkflowTaskState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus, WorkflowHistoryEventFilterType
from temporalio.service import RPCError

from durameter.engines.discovery import Found, WatchOptions
from durameter.engines.task_key import Root, RootGroup, TaskKey, group_of, group_roots
from durameter.engines.temporal.watch_session import WatchSession
from durameter.errors import UsageError
from durameter.results.model import TaskState
from durameter_collectors.temporal.links import SCHEDULED_BY, RunLink
from durameter_collectors.temporal.wire.rows import WireAction

__all__ = ["Finder", "list_query"]

_AT_ONCE = 8
_STARTS = frozenset({"start", "update_with_start", "signal_with_start"})
_STATES: dict[WorkflowExecutionStatus, TaskState] = {
    WorkflowExecutionStatus.RUNNING: "interrupted",
    WorkflowExecutionStatus.COMPLETED: "completed",
    WorkflowExecutionStatus.CONTINUED_AS_NEW: "completed",  # its successor decides, which is listed later
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.CANCELED: "failed",
    WorkflowExecutionStatus.TERMINATED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "timed_out",
}
_GRAVEST: tuple[TaskState, ...] = ("interrupted", "failed", "timed_out")


class _Root(NamedTuple):
    kind: Literal["workflow", "schedule", "activity", "nexus"]
    id: str


@dataclass
class _Tree:
    """All that descends from one root."""

    root: _Root
    roots: list[WorkflowExecution] = field(default_factory=list)
    """Its own runs, oldest first."""
    below: list[WorkflowExecution] = field(default_factory=list)
    calls: list[WireAction] = field(default_factory=list)
    """Of a schedule or a standalone activity."""

    @property
    def started(self) -> datetime:
        return min([e.start_time for e in self.roots] + [call.time for call in self.calls] or [datetime.now(UTC)])

    @property
    def ended(self) -> datetime:
        ends = [e.close_time or datetime.now(UTC) for e in (*self.roots, *self.below)]
        return max(ends + [call.time for call in self.calls] or [datetime.now(UTC)])

    @property
    def type(self) -> str:
        if self.roots:
            return self.roots[0].workflow_type
        return next((call.cause for call in self.calls if call.cause), self.root.kind)

    @property
    def running(self) -> list[WorkflowExecution]:
        return [e for e in (*self.roots, *self.below) if _state(e) == "interrupted"]


def list_query(since: datetime | None, until: datetime | None, query: str) -> str:
    """A list query for what began in a window, and fits the user's own query."""
    parts = [f"StartTime >= '{since.astimezone(UTC).isoformat()}'"] if since else []
    parts += [f"StartTime <= '{until.astimezone(UTC).isoformat()}'"] if until else []
    parts += [f"({query})" if parts else query] if query else []
    return " AND ".join(parts)


def _state(each: WorkflowExecution) -> TaskState:
    return _STATES.get(each.status, "interrupted") if each.status is not None else "interrupted"


class Finder:
    """Looks for tasks on a reached server."""

    def __init__(self, session: WatchSession, options: WatchOptions, query: str | None) -> None:
        self._session = session
        self._client = session.client
        self._options = options
        self._query = query
        self._callers: dict[str, str] = {}
        """Run id → workflow that began it by a Nexus operation, or nothing."""
        self.fitting = 0
        """Tasks that the key found something in."""
        self.untouched = 0
        """Tasks that the command had nothing to do with."""
        session.links = {}

    async def state(self) -> object:
        """Something that changes as long as anything happens."""
        calls = len(await self._session.actions())
        return calls, {each.run_id: each.status for each in await self._executions()}

    async def tasks(self, *, final: bool) -> list[Found]:
        """All tasks; with `final` the session gets to know their runs, and what still runs is looked at."""
        calls = await self._session.actions()
        trees = await self._trees(await self._executions(), calls)
        if self._query is not None and self._options.command and not self._options.query:
            touched = {action.owner for action in calls}
            mine = [tree for tree in trees if tree.calls or touched & {e.id for e in (*tree.roots, *tree.below)}]
            self.untouched, trees = len(trees) - len(mine), mine
        trees.sort(key=lambda tree: (tree.started, tree.root.id))
        self._session.links = defaultdict(list)
        for tree in trees:
            self._session.links[tree.root.id] += [RunLink(e.id, e.run_id) for e in tree.roots]
        values = [self._value(tree) for tree in trees]
        self.fitting = sum(value is not None for value in values)
        roots = [
            Root(
                tree,
                name=tree.root.id,
                full_name=f"id:{tree.root.id}",
                keys=() if value is None else (value,),
                shared=(tree.root.id,) if value is None else (),  # a workflow and a schedule of one id, say
            )
            for tree, value in zip(trees, values, strict=True)
        ]
        return [await self._found(group, final=final) for group in group_roots(roots)]

    async def _executions(self) -> list[WorkflowExecution]:
        """What is listed, and what was started through the tap and is not listed (yet)."""
        try:
            listed = {each.run_id: each async for each in self._client.list_workflows(self._query or None)}
        except ValueError as error:
            raise UsageError(
                f"The server lists a workflow that the Temporal SDK cannot read: {error}. Status 8 is a paused one: "
                "unpause or end it, or leave it out on a server that runs already: "
                "--query \"ExecutionStatus != 'Paused'\"."
            ) from error
        if self._options.query:
            return list(listed.values())
        for action in await self._session.actions():
            if action.rule in _STARTS and action.run and action.run not in listed:
                try:
                    described = await self._client.get_workflow_handle(action.owner, run_id=action.run).describe()
                except RPCError:  # it was deleted: its calls belong to no task, and that is said
                    continue
                listed[described.run_id] = described
        return list(listed.values())

    async def _trees(self, executions: Sequence[WorkflowExecution], calls: Iterable[WireAction]) -> list[_Tree]:
        known = {each.run_id: each for each in executions}
        slots = asyncio.Semaphore(_AT_ONCE)

        async def resolve(each: WorkflowExecution) -> tuple[_Root, WorkflowExecution]:
            async with slots:
                return await self._root(each, known), each

        trees: dict[_Root, _Tree] = {}
        for root, each in await asyncio.gather(*(resolve(each) for each in executions)):
            tree = trees.setdefault(root, _Tree(root))
            (tree.below if each.parent_id or self._callers.get(each.run_id) else tree.roots).append(each)
        for tree in trees.values():
            tree.roots.sort(key=lambda e: e.start_time)
            if not tree.roots and tree.root.kind == "workflow":  # the query matches a child, and not its root
                tree.roots += [e for e in known.values() if e.id == tree.root.id and not e.parent_id]
        for call in calls:
            if call.subject != "workflow" and call.owner:
                trees.setdefault(_Root(call.subject, call.owner), _Tree(_Root(call.subject, call.owner))).calls.append(
                    call
                )
        return list(trees.values())

    async def _root(self, each: WorkflowExecution, known: dict[str, WorkflowExecution]) -> _Root:
        """What a run descends from: by parents, Nexus callers, schedules."""
        seen: set[str] = set()
        while each.run_id not in seen:
            seen.add(each.run_id)
            above, run = each.root_id or each.parent_id, each.root_run_id or each.parent_run_id
            if not each.parent_id:
                if by := each.search_attributes.get(SCHEDULED_BY):
                    return _Root("schedule", str(by[0]))
                above, run = await self._caller(each), ""
            if not above:
                return _Root("workflow", each.id)
            upper = known.get(run or "")
            if upper is None:
                try:
                    upper = await self._client.get_workflow_handle(above, run_id=run or None).describe()
                except RPCError:
                    return _Root("workflow", above)
                known.setdefault(upper.run_id, upper)
            each = upper
        return _Root("workflow", each.id)

    async def _caller(self, each: WorkflowExecution) -> str:
        """The workflow of this namespace whose Nexus operation began a run; else empty."""
        if each.run_id not in self._callers:
            self._callers[each.run_id] = ""
            events = self._client.get_workflow_handle(each.id, run_id=each.run_id).fetch_history_events(page_size=1)
            first = await anext(events, None)
            for link in _links(first) if first else ():
                by = link.workflow_event
                scheduled = by.event_ref.event_type == EventType.EVENT_TYPE_NEXUS_OPERATION_SCHEDULED
                if scheduled and by.namespace in {"", self._client.namespace}:
                    self._callers[each.run_id] = by.workflow_id
        return self._callers[each.run_id]

    def _value(self, tree: _Tree) -> str | None:
        """What the key finds in a task; None where it finds nothing, or there is no key."""
        key = self._options.key
        if key is None:
            return None
        if key.kind == "id":
            return group_of(key.value, tree.root.id)
        return next((value for e in tree.roots if (value := _attribute(e, key))), None)

    async def _found(self, group: RootGroup[_Tree], *, final: bool) -> Found:
        trees = group.roots
        running = [e for tree in trees for e in tree.running]
        last = [tree.roots[-1] for tree in trees if tree.roots and tree.root.kind == "workflow"]
        fired = [e for tree in trees if tree.root.kind != "workflow" for e in tree.roots]
        states = {_state(e): e for e in (*last, *fired, *running)}
        state: TaskState = next((each for each in _GRAVEST if each in states), "completed")
        error = ""
        if final and state != "completed":
            error = await (self._why_running(running) if running else self._why_failed(states[state]))
        shape = {"task_key": group.name} if group.keys else {}
        return Found(
            id=group.id,
            type=trees[0].type,
            roots=tuple(dict.fromkeys(tree.root.id for tree in trees)),
            shape=dict(shape),
            state=state,
            error=error,
            started=min(tree.started for tree in trees),
            ended=max(tree.ended for tree in trees),
            running=bool(running),
        )

    async def _why_running(self, running: Sequence[WorkflowExecution]) -> str:
        """What a workflow that did not end was waiting for."""
        each = running[0]
        still = f"workflow {each.id} still ran when the watch ended"
        described = await self._client.get_workflow_handle(each.id, run_id=each.run_id).describe()
        raw = described.raw_description
        waiting = raw.pending_workflow_task
        if waiting.attempt > 1:
            return f"{still}: its workflow task fails again and again (attempt {waiting.attempt}). See the worker's log"
        if (
            waiting.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
            and described.history_length <= 2
        ):
            return (
                f"{still}: no worker ever took it from the task queue {each.task_queue!r}. Start one in the same "
                "command: durameter watch -- sh -c 'python worker.py & python start.py'"
            )
        for activity in raw.pending_activities:
            what = f"activity {activity.activity_type.name} (attempt {activity.attempt})"
            if activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED:
                return f"{still}: {what} waits for a worker or for its next attempt"
            return f"{still}: {what} was being worked on"
        return still

    async def _why_failed(self, each: WorkflowExecution) -> str:
        """The end of a workflow in words."""
        if each.status is not None and each.status != WorkflowExecutionStatus.FAILED:
            return f"workflow {each.id} was {each.status.name.lower().replace('_', ' ')}"
        handle = self._client.get_workflow_handle(each.id, run_id=each.run_id)
        kept = WorkflowHistoryEventFilterType.CLOSE_EVENT
        async for event in handle.fetch_history_events(event_filter_type=kept):
            failure = event.workflow_execution_failed_event_attributes.failure
            while failure.HasField("cause"):
                failure = failure.cause
            return f"workflow {each.id} failed: {failure.message}"
        return f"workflow {each.id} failed"


def _links(first: HistoryEvent) -> list[Link]:
    """Where a run came from; a Nexus operation is told where it is to be told of the end (measured on 1.32)."""
    callbacks = first.workflow_execution_started_event_attributes.completion_callbacks
    return [*first.links, *(link for callback in callbacks for link in callback.links)]


def _attribute(each: WorkflowExecution, key: TaskKey) -> str | None:
    if key.kind == "search-attribute":
        values = each.search_attributes.get(key.value)
        return None if not values else ",".join(map(str, values))
    payload = each.raw_info.memo.fields.get(key.value)
    if payload is None:
        return None
    text = payload.data.decode(errors="replace")
    try:
        value = json.loads(text)  # SDKs write a letter such as é in one of two ways
    except ValueError:
        return text
    return value if isinstance(value, str) else text
