"""All runs of a task, with their traces and what passed of them on the wire."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from durameter_collectors.inngest.api.graphql import ENDED, InngestApi, InngestApiError, RunTrace
from durameter_collectors.inngest.descendants import (
    AskSent,
    Descendant,
    Rest,
    RunGraph,
    descendants_at_rest,
    find_descendants,
    settled_descendants,
)
from durameter_collectors.inngest.merge_sources import RunCount, count_run
from durameter_collectors.inngest.trace import steps_of
from durameter_collectors.inngest.wire.runs import RunOnWire
from durameter_collectors.units import Gap, TaskLabel

__all__ = ["CountedRun", "TaskRuns", "cancel_runs", "count_runs"]

_TRACE_SECONDS = 3.0
"""What a trace is given at least to settle, when the runs have used up the time."""
_CANCEL_ROUNDS = 20
_CANCEL_SECONDS = 0.25


@dataclass(frozen=True)
class CountedRun:
    """One run with its raw record and what it and the wire say."""

    record: RunTrace
    member: Descendant
    count: RunCount


@dataclass(frozen=True)
class TaskRuns:
    """All runs of one task."""

    runs: list[CountedRun]
    """Each counted once, parents before children."""
    gaps: list[Gap]
    """One for each run or event that could not be read or did not settle."""
    events: Collection[str]
    """Ids of the events that are known to be the task's."""


async def count_runs(
    api: InngestApi,
    events: Collection[str],
    *,
    label: TaskLabel,
    patience: float,
    sent: AskSent | None = None,
    seen: Callable[[str], RunOnWire | None] = lambda _run: None,
    foreign: Callable[[str], bool] = lambda _run: False,
    rest: Rest | None = None,
) -> TaskRuns:
    """Fetch and count every run of a task: those that its events started, and all that descend from them.

    Args:
        api: the server's API.
        events: ids of the events that were sent for the task.
        label: whose units these are.
        patience: seconds to wait for all runs to end and for their traces to settle.
        sent: which events steps sent, from the wire.
        seen: what passed of a run, asked once its trace has settled.
        foreign: whether a run is another task's already: a batch has events of several.
        rest: what is known of the runs where the whole server rests: these need not be waited for.
    """
    gaps: list[Gap] = []

    def gap(run: str, what: str) -> None:
        gaps.append(Gap(engine="inngest", task=label.task, run=run, what=what))

    deadline = time.monotonic() + patience
    graph, traces = await _settled(api, events, rest, sent=sent, patience=patience)
    for problem in graph.problems:
        gap("", f"{problem.what}; units of runs that this would lead to are missing here")
    if not graph.whole and all(run.status in ENDED for run in graph.runs.values()):
        gap("", f"the task's runs had not come to rest after {patience:.0f} s: any that began later are missing here")
    members = {run_id: member for run_id, member in graph.descendants().items() if not foreign(run_id)}
    records = {run_id: traces[run_id] for run_id in members if run_id in traces}

    async def one(run_id: str) -> None:
        left = max(_TRACE_SECONDS, deadline - time.monotonic())
        try:
            record, settled = await api.settled_trace(run_id, patience=left)
        except InngestApiError as error:
            gap(run_id, f"the run cannot be read, its units are missing here: {error}")
            return
        if not settled:
            gap(run_id, _unsettled(record.status, patience))
        records[run_id] = record

    await asyncio.gather(*(one(run_id) for run_id in members if run_id not in records))
    if sent is not None:
        await sent()  # what passed until now
    names = {(run, step.id): step.name for run, record in records.items() for step in steps_of(record)}
    runs: list[CountedRun] = []
    for run_id, member in members.items():
        # No await from here on: another task may ask for the same run meanwhile.
        if run_id in records and not foreign(run_id):
            led = names.get((member.parent, member.step), "")
            count = count_run(records[run_id], seen(run_id), label=label, way=member.way, led=led)
            runs.append(CountedRun(records[run_id], member, count))
            gaps.extend(count.gaps)
    return TaskRuns(runs, gaps, graph.events)


async def _settled(
    api: InngestApi, events: Collection[str], rest: Rest | None, *, sent: AskSent | None, patience: float
) -> tuple[RunGraph, Mapping[str, RunTrace]]:
    """The descendants, and those of their traces that have settled."""
    if rest is not None and (graph := await descendants_at_rest(api, events, rest, sent=sent)) is not None:
        return graph, rest.traces
    graph = await settled_descendants(api, events, sent=sent, patience=patience)
    traces = {run_id: api.settled(run_id) for run_id in graph.runs}  # the last look has just read them
    return graph, {run_id: trace for run_id, trace in traces.items() if trace is not None}


def _unsettled(status: str, patience: float) -> str:
    if status in ENDED:
        return f"the trace did not settle within {patience:.0f} s: a count so far"
    return (
        f"the run had not ended {patience:.0f} s after its task (status {status}): a count so far. A server that was "
        "started anew has lost its queue, and such a run never ends: measure this task again"
    )


async def cancel_runs(api: InngestApi, events: Collection[str], *, sent: AskSent | None = None) -> None:
    """Cancel all that the events started, and what descends from it, as far as it still goes on. Free of charge.

    Raises:
        InngestApiError: the server does not answer, or does not cancel a run.
        TapError: `sent` cannot tell.
    """
    for _ in range(_CANCEL_ROUNDS):
        graph = await find_descendants(api, events, sent=sent)
        going = [run_id for run_id, run in graph.runs.items() if run.status not in ENDED]
        if not going:
            return
        for run_id in going:
            await api.cancel(run_id)
        await asyncio.sleep(_CANCEL_SECONDS)  # the server sets the status by itself
