"""Workflows of the server's own in a namespace: schedules, batch jobs, worker deployments.

They run inside the server, so no client's wire shows them, and they belong to no task. The open-source meter counts
what they do all the same; their histories say how much that is.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal

from temporalio.api.enums.v1 import BatchOperationType
from temporalio.api.workflowservice.v1 import DescribeBatchOperationRequest, ListBatchOperationsRequest
from temporalio.client import Client, WorkflowExecution

from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.history import count_history
from durameter_collectors.units import TaskLabel

__all__ = [
    "DIVISION",
    "batch_operations",
    "server_traffic",
]

# Batch jobs: the server signals and resets workflows by itself, and no client's wire shows that.

_RULES = {
    BatchOperationType.BATCH_OPERATION_TYPE_SIGNAL: "signal",
    BatchOperationType.BATCH_OPERATION_TYPE_SIGNAL_WORKFLOW: "signal",
    BatchOperationType.BATCH_OPERATION_TYPE_RESET: "reset",
    BatchOperationType.BATCH_OPERATION_TYPE_RESET_WORKFLOW: "reset",
    BatchOperationType.BATCH_OPERATION_TYPE_UPDATE_EXECUTION_OPTIONS: "options_updated",
    BatchOperationType.BATCH_OPERATION_TYPE_UPDATE_WORKFLOW_EXECUTION_OPTIONS: "options_updated",
}
"""The rules that bill what a job does. Terminating, cancelling and deleting are free."""


async def batch_operations(client: Client, since: datetime | None = None) -> dict[str, Decimal]:
    """What batch jobs did that is billed.

    Args:
        client: connected to the namespace. Listing and describing are free.
        since: leave out jobs that began before.

    Returns:
        Id of the rule → how often it applies.
    """
    counts: dict[str, Decimal] = defaultdict(Decimal)
    page = b""
    while True:
        asked = ListBatchOperationsRequest(namespace=client.namespace, next_page_token=page)
        listed = await client.workflow_service.list_batch_operations(asked)
        for job in listed.operation_info:
            if since is None or job.start_time.ToDatetime(tzinfo=UTC) >= since:
                about = await client.workflow_service.describe_batch_operation(
                    DescribeBatchOperationRequest(namespace=client.namespace, job_id=job.job_id)
                )
                rule = _RULES.get(about.operation_type)
                if rule is not None:
                    counts[rule] += about.complete_operation_count
        page = listed.next_page_token
        if not page:
            return {rule: count for rule, count in counts.items() if count}


DIVISION = "TemporalNamespaceDivision"
"""The search attribute that every system workflow carries, with the name of the part of the server that it is of."""

_BY_THE_SERVER = frozenset({"start", "signal", "signal_with_start"})
"""The server starts and signals its workflows from within: no call of a client, so the meter does not count it."""


async def server_traffic(client: Client, since: datetime | None = None) -> dict[str, dict[str, Decimal]]:
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
