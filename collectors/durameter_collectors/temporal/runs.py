"""All runs that descend from a task's root workflows, with their histories."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from durameter_collectors.temporal.history import HistoryCount, RunLink, count_history
from durameter_collectors.temporal.pending import count_pending
from durameter_collectors.units import Gap, TaskLabel

__all__ = ["CountedRun", "count_runs"]


@dataclass(frozen=True)
class CountedRun:
    """One run with its raw record and what it says."""

    link: RunLink
    record: WorkflowHistory
    count: HistoryCount


async def count_runs(
    client: Client, roots: Iterable[RunLink], *, label: TaskLabel
) -> tuple[list[CountedRun], list[Gap]]:
    """Fetch and count every run of a task, by the links in histories: children, continued-as-new, retried, reset.

    Args:
        client: connected to the namespace of the measurement. Reading histories and describing are free.
        roots: the workflows that the task started; an empty run id means the latest run.
        label: whose units these are.

    Returns:
        The runs in order of discovery, each counted once, and a gap for each run that could not be read.
    """
    runs: list[CountedRun] = []
    gaps: list[Gap] = []
    waiting = deque(roots)
    seen: set[RunLink] = set()
    while waiting:
        link = waiting.popleft()
        if link in seen:
            continue
        seen.add(link)
        handle = client.get_workflow_handle(link.workflow, run_id=link.run or None)
        try:
            description = await handle.describe()
            link = RunLink(link.workflow, description.run_id)
            if link in seen and any(run.link == link for run in runs):
                continue
            seen.add(link)
            record = await client.get_workflow_handle(link.workflow, run_id=link.run).fetch_history()
        except RPCError as error:
            gone = error.status == RPCStatusCode.NOT_FOUND
            reason = "is not on the server (deleted, or past its retention)" if gone else f"cannot be read: {error}"
            gaps.append(
                Gap(
                    engine="temporal",
                    task=label.task,
                    run=link.run,
                    what=f"workflow {link.workflow} {reason}: its units are missing here",
                )
            )
            continue
        count = count_history(record.events, workflow=link.workflow, run=link.run, label=label)
        pending = description.raw_description.pending_activities
        count.units.extend(count_pending(pending, workflow=link.workflow, run=link.run, label=label))
        runs.append(CountedRun(link=link, record=record, count=count))
        gaps.extend(count.gaps)
        waiting.extend(count.links)
    return runs, gaps
