"""Batch jobs: the server signals and resets workflows by itself, and no client's wire shows that.

The histories of these workflows have it, and the meter counts it. How often it was done the job itself says.
"""

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

from temporalio.api.enums.v1 import BatchOperationType
from temporalio.api.workflowservice.v1 import DescribeBatchOperationRequest, ListBatchOperationsRequest
from temporalio.client import Client

__all__ = ["batch_operations"]

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
