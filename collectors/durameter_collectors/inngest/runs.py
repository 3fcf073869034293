"""All runs that descend from a task's events, with their traces."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from durameter_collectors.inngest.graphql import ENDED, InngestApi, InngestApiError, RunTrace
from durameter_collectors.inngest.trace import TraceCount, count_trace, steps_of
from durameter_collectors.units import Gap, TaskLabel

__all__ = ["CountedRun", "cancel_runs", "count_runs"]


@dataclass(frozen=True)
class CountedRun:
    """One run with its raw record and what it says."""

    record: RunTrace
    count: TraceCount


async def count_runs(
    api: InngestApi, events: Iterable[str], *, label: TaskLabel, patience: float
) -> tuple[list[CountedRun], list[Gap]]:
    """Fetch and count every run of a task: those that its events started, and those that they invoked.

    Args:
        api: the server's API.
        events: ids of the events that were sent for the task.
        label: whose units these are.
        patience: seconds to wait for a run to end and its trace to settle.

    Returns:
        The runs, each counted once, and a gap for each run or event that could not be read or did not settle.
    """
    counted: dict[str, CountedRun] = {}
    gaps: list[Gap] = []

    def gap(run: str, what: str) -> None:
        gaps.append(Gap(engine="inngest", task=label.task, run=run, what=what))

    async def one(run_id: str) -> None:
        try:
            record, settled = await api.settled_trace(run_id, patience=patience)
        except InngestApiError as error:
            gap(run_id, f"the run cannot be read, its units are missing here: {error}")
            return
        if not settled:
            gap(run_id, f"the trace did not settle within {patience:.0f} s (status {record.status}): a count so far")
        counted[run_id] = CountedRun(record, count_trace(record, label=label))

    waiting = await _runs_of(api, events, gap)
    while waiting:
        await asyncio.gather(*(one(run_id) for run_id in waiting))
        found = [counted[run_id] for run_id in waiting if run_id in counted]
        waiting = [r for run in found for r in await _invoked(api, run.record) if r not in counted]
    for run in counted.values():
        gaps.extend(run.count.gaps)
    return list(counted.values()), gaps


async def cancel_runs(api: InngestApi, events: Iterable[str]) -> None:
    """Cancel all that the events started and invoked and that still goes on. Free of charge."""
    waiting = await _runs_of(api, events, lambda _run, _what: None)
    seen: set[str] = set()
    while waiting:
        run_id = waiting.pop()
        seen.add(run_id)
        record = await api.trace(run_id)
        if record.status not in ENDED:
            await api.cancel(run_id)
        waiting += [run for run in await _invoked(api, record) if run not in seen]


async def _runs_of(api: InngestApi, events: Iterable[str], gap: Callable[[str, str], None]) -> list[str]:
    runs: list[str] = []
    for event in events:
        try:
            started = await api.runs_of_event(event)
        except InngestApiError as error:
            gap("", f"the runs of event {event} cannot be read, their units are missing here: {error}")
            continue
        runs += [run.id for run in started]
    return list(dict.fromkeys(runs))


async def _invoked(api: InngestApi, record: RunTrace) -> list[str]:
    """Runs that this one invoked: by the run id of the step, or, before the server knows it, by the event."""
    found: list[str] = []
    for step in steps_of(record):
        if step.invoked_run:
            found.append(step.invoked_run)
        elif step.invoke_event:
            found += [run.id for run in await api.runs_of_event(step.invoke_event)]
    return found
