"""Tasks out of a graph of runs: which roots make one task, and how it went."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from durameter.engines.discovery import Found
from durameter.engines.task_key import Root, RootGroup, group_roots
from durameter.results.model import TaskState
from durameter_collectors.inngest.api.graphql import ENDED, Run
from durameter_collectors.inngest.descendants import RunGraph

__all__ = ["parentless", "tasks_of"]


def tasks_of(
    graph: RunGraph, groups: Mapping[str, str], more: Mapping[str, Sequence[str]], *, rest: timedelta = timedelta(0)
) -> list[Found]:
    """Root runs, put together by the events that they share and by the task key.

    Args:
        graph: the runs.
        groups: event → value of the task key; empty without a key.
        more: value of the task key → events that started no run and have it too: they are the task's.
        rest: how long a task whose runs have all ended may still be led to further ones, and is said to go on.
    """
    roots = [
        Root(
            run,
            name=(run.trigger_ids or [run.id])[0],
            full_name=f"run:{run.id}",
            keys=tuple(groups[event] for event in run.trigger_ids if event in groups),
            shared=tuple(run.trigger_ids),
        )
        for run in graph.roots()
    ]
    found = [_task(graph, group, more) for group in group_roots(roots)]
    now = datetime.now(UTC)
    found = [replace(task, running=task.running or now - task.ended < rest) for task in found]
    return sorted(found, key=lambda task: (task.started, task.id))


def _task(graph: RunGraph, group: RootGroup[Run], more: Mapping[str, Sequence[str]]) -> Found:
    roots = group.roots
    events = list(dict.fromkeys(event for run in roots for event in run.trigger_ids))
    beside = [event for value in group.keys for event in more.get(value, ()) if event not in events]
    runs = [each.run for each in graph.descendants(roots).values()]
    open_runs = [run for run in runs if run.status not in ENDED]
    state, error = _state(roots, open_runs)
    times = [moment for run in runs for moment in (run.queued_at, run.started_at, run.ended_at) if moment]
    now = datetime.now(UTC)
    first = roots[0]
    shape: dict[str, JsonValue] = {
        "id": group.name,
        "event": first.event_name or "",
        "functions": [*sorted({run.function.slug for run in roots})],
    }
    return Found(
        id=group.id,
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


async def parentless(graph: RunGraph, task: Found, has_origin: Callable[[Run], Awaitable[bool]]) -> list[str]:
    """Say which roots of a task are none: what led to them is not in the graph's window.

    Args:
        graph: the runs of the window.
        task: one of its tasks.
        has_origin: whether another run led to one, be it in the window or not.
    """
    return [
        f"run {run.id} of {run.function.slug} was led to by a run that is not in this window: it is a task of "
        "its own here. Look further back with --since"
        for run in graph.roots()
        if set(run.trigger_ids) & set(task.roots) and await has_origin(run)
    ]
