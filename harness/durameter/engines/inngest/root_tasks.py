"""Which runs of a server are roots, what descends from them, and which roots make one task."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from durameter.engines.discovery import Found, safe_id
from durameter.results.model import TaskState
from durameter_collectors.inngest.api.graphql import (
    ENDED,
    InngestApi,
    InngestApiError,
    Run,
    promised,
)
from durameter_collectors.inngest.api.links import Links
from durameter_collectors.inngest.descendants import AskSent
from durameter_collectors.inngest.trace import steps_of

__all__ = ["Descent", "find_descent", "payloads", "tasks_of"]

_AT_ONCE = 8


@dataclass
class Descent:
    """Runs of a window, and which of them led to which."""

    runs: dict[str, Run] = field(default_factory=dict)
    """By id, the oldest first; without those that were skipped, which are free."""
    children: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Run → runs that it led to."""
    skipped: int = 0
    problems: list[str] = field(default_factory=list)

    def roots(self) -> list[Run]:
        """Runs that no other one led to."""
        led = {child for children in self.children.values() for child in children}
        return [run for run_id, run in self.runs.items() if run_id not in led]

    def family(self, roots: Iterable[Run]) -> list[Run]:
        """These runs and all that descend from them."""
        waiting = deque(run.id for run in roots)
        found: dict[str, Run] = {}
        while waiting:
            run_id = waiting.popleft()
            if run_id in self.runs and run_id not in found:
                found[run_id] = self.runs[run_id]
                waiting.extend(self.children.get(run_id, ()))
        return list(found.values())


async def find_descent(api: InngestApi, runs: AsyncIterator[Run], sent: AskSent | None, links: Links) -> Descent:
    """Sort the runs of a window.

    A run is led to by another one when a step of that invoked it or sent an event that started it, when that put it
    off until its end, or when it began for the server's own event about the end of that (failure handlers).

    Args:
        api: the server's API.
        runs: all runs of the window.
        sent: which events steps sent, from the wire; where it does not tell, outputs of steps do.
        links: of the same server.

    Raises:
        InngestApiError: the server does not list its runs.
    """
    found = Descent()
    async for run in runs:
        if run.status == "SKIPPED":
            found.skipped += 1
        else:
            found.runs[run.id] = run
    by_event: dict[str, set[str]] = defaultdict(set)
    for run in found.runs.values():
        for event in run.trigger_ids:
            by_event[event].add(run.id)
    passed = await sent() if sent else {}
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(run: Run) -> None:
        async with turns:
            try:
                runs, events = await _led_by(run.id, api, links, passed.get(run.id))
            except InngestApiError as error:
                found.problems.append(f"what run {run.id} led to cannot be read: {error}")
                return
        found.children[run.id] |= runs.union(*(by_event.get(event, set()) for event in events))

    await asyncio.gather(*(one(run) for run in found.runs.values()))
    await _ends(found, links)
    for run_id, children in found.children.items():
        children.discard(run_id)
    return found


async def _led_by(
    run: str, api: InngestApi, links: Links, sent: Mapping[str, Iterable[str]] | None
) -> tuple[set[str], set[str]]:
    """Runs and events that a run's steps made."""
    runs, events = set(await links.deferred(run)), set[str]()
    for step in steps_of(await api.trace(run)):
        runs |= {step.invoked_run} if step.invoked_run else set()
        events |= {step.invoke_event} if step.invoke_event else set()
    for ids in (await links.sent(run) if sent is None else sent).values():
        events.update(ids)
    return runs, events


async def _ends(found: Descent, links: Links) -> None:
    """Failure handlers and what else began for the end of a run."""
    first = min((run.queued_at for run in found.runs.values() if run.queued_at), default=None)
    if first is None:
        return
    try:
        for event in await links.internal_events(await links.heard(), first):
            if event.about in found.runs:
                found.children[event.about].update(event.runs)
    except InngestApiError as error:
        found.problems.append(f"the events about ended runs cannot be read: {error}")


async def payloads(api: InngestApi, events: Iterable[str]) -> dict[str, dict[str, object]]:
    """What events say, by id; an event that the server does not have is not named.

    Raises:
        InngestApiError: the server does not answer.
    """
    turns = asyncio.Semaphore(_AT_ONCE)
    found: dict[str, dict[str, object]] = {}

    async def one(event: str) -> None:
        async with turns:
            try:
                data = await api.ask("query($id: ULID!){eventV2(id: $id){name raw}}", id=event)
            except InngestApiError as error:
                if "not found" in str(error):
                    return
                raise
        with promised():
            raw = json.loads((data.get("eventV2") or {}).get("raw") or "{}")
            if isinstance(raw, dict):
                found[event] = raw

    await asyncio.gather(*(one(event) for event in set(events)))
    return found


def tasks_of(
    descent: Descent, groups: Mapping[str, str], more: Mapping[str, Sequence[str]], *, rest: timedelta = timedelta(0)
) -> list[Found]:
    """Root runs, put together by the events that they share and by the task key.

    Args:
        descent: the runs.
        groups: event → value of the task key; empty without a key.
        more: value of the task key → events that started no run and have it too: they are the task's.
        rest: how long a task whose runs have all ended may still be led to further ones, and is said to go on.
    """
    roots = descent.roots()
    parent: dict[str, str] = {}

    def top(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for root in roots:
        for event in root.trigger_ids:
            parent[top(f"event {event}")] = top(f"run {root.id}")
            if event in groups:
                parent[top(f"key {groups[event]}")] = top(f"run {root.id}")
    members: dict[str, list[Run]] = defaultdict(list)
    for root in roots:
        members[top(f"run {root.id}")].append(root)
    found = [_task(descent, runs, groups, more) for runs in members.values()]
    now = datetime.now(UTC)
    found = [replace(task, running=task.running or now - task.ended < rest) for task in found]
    return sorted(found, key=lambda task: (task.started, task.id))


def _task(
    descent: Descent, roots: Sequence[Run], groups: Mapping[str, str], more: Mapping[str, Sequence[str]]
) -> Found:
    events = list(dict.fromkeys(event for run in roots for event in run.trigger_ids))
    values = sorted({groups[event] for event in events if event in groups})
    beside = [event for value in values for event in more.get(value, ()) if event not in events]
    name = values[0] if values else (events[0] if events else roots[0].id)
    family = descent.family(roots)
    open_runs = [run for run in family if run.status not in ENDED]
    state, error = _state(roots, open_runs)
    times = [moment for run in family for moment in (run.queued_at, run.started_at, run.ended_at) if moment]
    now = datetime.now(UTC)
    first = roots[0]
    shape: dict[str, JsonValue] = {
        "id": name,
        "event": first.event_name or "",
        "functions": [*sorted({run.function.slug for run in roots})],
    }
    return Found(
        id=safe_id(name),
        type=first.function.slug,
        roots=(*events, *beside),
        shape=shape,
        state=state,
        error=error,
        started=min(times, default=now),
        ended=now if open_runs else max(times, default=now),
        running=bool(open_runs),
        gaps=() if events else (f"run {first.id} names no event: it cannot be counted",),
    )


def _state(roots: Sequence[Run], open_runs: Sequence[Run]) -> tuple[TaskState, str]:
    if open_runs:
        names = ", ".join(sorted({run.function.slug for run in open_runs}))
        return "interrupted", f"{len(open_runs)} of its runs ({names}) had not ended when the watch did"
    for run in roots:
        if run.status != "COMPLETED":
            return "failed", f"run {run.id} of {run.function.slug} ended as {run.status}"
    return "completed", ""
