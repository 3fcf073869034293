"""Workflows of the server's own in a namespace: schedules, batch jobs, worker deployments.

They run inside the server, so no client's wire shows them, and they belong to no task. The open-source meter counts
what they do all the same; their histories say how much that is.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal

from temporalio.client import Client, WorkflowExecution

from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.history import count_history
from durameter_collectors.units import TaskLabel

__all__ = ["DIVISION", "system_traffic"]

DIVISION = "TemporalNamespaceDivision"
"""The search attribute that every system workflow carries, with the name of the part of the server that it is of."""

_BY_THE_SERVER = frozenset({"start", "signal", "signal_with_start"})
"""The server starts and signals its workflows from within: no call of a client, so the meter does not count it."""


async def system_traffic(client: Client, since: datetime | None = None) -> dict[str, dict[str, Decimal]]:
    """What the meter counts for system workflows.

    Args:
        client: connected to the namespace. Listing and reading histories are free.
        since: leave out what was done before.

    Returns:
        Part of the server (`TemporalScheduler`, ...) → the meter's `action_type` → times.
    """
    rules = load_rulebook("temporal")
    label = TaskLabel("", "", "")
    traffic: dict[str, dict[str, Decimal]] = {}
    async for found in _system_runs(client):
        part = _division(found)
        events = (await client.get_workflow_handle(found.id, run_id=found.run_id).fetch_history()).events
        counts = traffic.setdefault(part, defaultdict(Decimal))
        for unit in count_history(events, workflow=found.id, run=found.run_id, label=label).units:
            metered = rules.rule(unit.rule).meter
            if metered and unit.rule not in _BY_THE_SERVER and (since is None or unit.time >= since):
                counts[metered[0]] += unit.quantity
    return {part: dict(counts) for part, counts in traffic.items()}


async def _system_runs(client: Client) -> AsyncIterator[WorkflowExecution]:
    async for each in client.list_workflows(f"{DIVISION} IS NOT NULL"):
        if each.workflow_type:  # else it is no workflow: standalone activities are listed so, under a number (measured)
            yield each


def _division(found: WorkflowExecution) -> str:
    values = found.search_attributes.get(DIVISION) or ()
    return str(values[0]) if values else "unnamed"
