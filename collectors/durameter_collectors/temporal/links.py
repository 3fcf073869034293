"""What a run's start and its resets say of other runs: which it came from, and which tree and schedule it is of.

What it leads to (children, continued runs, what Nexus handlers started, workflows that it signalled) is counted by
`temporal.history` together with its units, from the events that bill them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic_core import from_json
from temporalio.api.history.v1 import HistoryEvent

__all__ = ["SCHEDULED_BY", "Lineage", "RunLink", "lineage_of", "schedule_of"]

SCHEDULED_BY = "TemporalScheduledById"
"""The search attribute that the server gives to each run that a schedule starts."""


@dataclass(frozen=True)
class RunLink:
    """Another run that the same task made or came from."""

    workflow: str
    run: str
    namespace: str = ""
    """Empty for the namespace of the run that leads here."""


@dataclass(frozen=True)
class Lineage:
    """Where a run came from."""

    chain: str
    """Id of the first run of its chain (continued as new, retried, by cron, reset); empty where that is not told."""
    parent: RunLink | None
    """The run that started it as its child."""
    root: str
    """Run id of the workflow at the top of the tree; empty where that is not told."""
    came_from: frozenset[str]
    """Ids of the runs that it continues, or that it is a reset of."""


def lineage_of(start: HistoryEvent, events: Iterable[HistoryEvent]) -> Lineage:
    """Read it from the first event of a history, and from the resets among all of its events.

    Every reset of a chain is in the history of the last one.
    """
    started = start.workflow_execution_started_event_attributes
    parent = started.parent_workflow_execution
    bases = {event.workflow_task_failed_event_attributes.base_run_id for event in events}
    return Lineage(
        chain=started.first_execution_run_id,
        parent=RunLink(parent.workflow_id, parent.run_id) if parent.run_id else None,
        root=started.root_workflow_execution.run_id,
        came_from=frozenset({started.continued_execution_run_id, *bases} - {""}),
    )


def schedule_of(start: HistoryEvent) -> str:
    """Id of the schedule that started a run, by its first event; empty when none did, or it is encrypted."""
    started = start.workflow_execution_started_event_attributes
    payload = started.search_attributes.indexed_fields.get(SCHEDULED_BY)
    try:
        return str(from_json(payload.data)) if payload is not None else ""
    except ValueError:
        return ""
