"""Batch operations: what they do to each workflow is billed as if a client had done it."""

import uuid

from temporalio.api.batch.v1 import BatchOperationSignal, BatchOperationTermination
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import BatchOperationState
from temporalio.api.workflowservice.v1 import DescribeBatchOperationRequest, StartBatchOperationRequest

from durameter_workloads.conformance.temporal.bench import Bench, until
from durameter_workloads.conformance.temporal.meter import SIGNAL, STARTED
from durameter_workloads.conformance.temporal.needs import BATCH
from durameter_workloads.conformance.temporal.scenario import Scenario

__all__ = ["SCENARIOS"]

_BATCHER = "TemporalBatcher"
_ROOTS = ("one", "two", "three")


async def _batch(on: Bench, **operation: object) -> None:
    job = f"{on.id('job')}-{uuid.uuid4().hex}"
    request = StartBatchOperationRequest(
        namespace=on.client.namespace,
        job_id=job,
        reason="conformance",
        executions=[WorkflowExecution(workflow_id=on.id(root)) for root in _ROOTS],
        **operation,  # type: ignore[arg-type]  # generated classes name each operation's type
    )
    await on.client.workflow_service.start_batch_operation(request)

    async def done() -> bool:
        now = await on.client.workflow_service.describe_batch_operation(
            DescribeBatchOperationRequest(namespace=on.client.namespace, job_id=job)
        )
        return bool(now.state == BatchOperationState.BATCH_OPERATION_STATE_COMPLETED)

    await until(done, "the end of the batch operation")


async def _signal(on: Bench) -> None:
    handles = [await on.start("hold", workflow=root) for root in _ROOTS]
    await _batch(on, signal_operation=BatchOperationSignal(signal="finish", identity="suite"))
    for handle in handles:
        await handle.result()


async def _terminate(on: Bench) -> None:
    handles = [await on.start("hold", workflow=root) for root in _ROOTS]
    await _batch(on, termination_operation=BatchOperationTermination(identity="suite"))
    for handle in handles:
        await on.seen(handle, "WORKFLOW_EXECUTION_TERMINATED")


SCENARIOS = (
    # Three starts, three signals.
    Scenario(
        "batch of signals",
        _signal,
        {"start_workflow": 3, "signal_workflow": 3},
        {STARTED: 3, SIGNAL: 3},
        system=_BATCHER,
        roots=_ROOTS,
        needs=(BATCH,),
    ),
    # Terminating is free, by whatever means.
    Scenario(
        "batch of terminations",
        _terminate,
        {"start_workflow": 3},
        {STARTED: 3},
        system=_BATCHER,
        free=("free_operations",),
        roots=_ROOTS,
        needs=(BATCH,),
    ),
)
