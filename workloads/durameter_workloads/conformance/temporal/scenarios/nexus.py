"""Nexus operations: one Action on the caller's side; handling is free, what a handler starts is its namespace's."""

from datetime import timedelta

from durameter_workloads.conformance.temporal.bench import Bench
from durameter_workloads.conformance.temporal.meter import NEXUS, NEXUS_CANCEL, STARTED
from durameter_workloads.conformance.temporal.needs import NEXUS_ENDPOINT, STANDALONE_NEXUS
from durameter_workloads.conformance.temporal.scenario import Scenario, run_of
from durameter_workloads.conformance.temporal.workflows import Desk, endpoint_of

__all__ = ["SCENARIOS"]


async def _cancelled(on: Bench) -> None:
    await on.run("nexus_cancelled")
    await on.seen(on.handle("root-handled"), "WORKFLOW_EXECUTION_CANCELED")


async def _standalone(on: Bench) -> None:
    desk = on.client.create_nexus_client(service=Desk, endpoint=endpoint_of(on.task_queue))
    operation = await desk.start_operation(
        Desk.answer, on.id("answer"), id=on.id("root"), schedule_to_close_timeout=timedelta(minutes=2)
    )
    await operation.result()


SCENARIOS = (
    Scenario(
        "Nexus operation answered at once",
        run_of("nexus_answer"),
        {"start_workflow": 1, "schedule_nexus_operation": 1},
        {STARTED: 1, NEXUS: 1},
        needs=(NEXUS_ENDPOINT,),
        causes={"schedule_nexus_operation": "Desk.answer"},
    ),
    # The server's retries of an operation are free.
    Scenario(
        "Nexus operation with two retries",
        run_of("nexus_third_time"),
        {"start_workflow": 1, "schedule_nexus_operation": 1},
        {STARTED: 1, NEXUS: 1},
        needs=(NEXUS_ENDPOINT,),
    ),
    # The workflow that the handler started is an ordinary start, in the same namespace here.
    Scenario(
        "Nexus operation by a workflow",
        run_of("nexus_workflow"),
        {"start_workflow": 2, "schedule_nexus_operation": 1},
        {STARTED: 2, NEXUS: 1},
        needs=(NEXUS_ENDPOINT,),
    ),
    # The request to cancel is one; that it cancels the handler's workflow is free.
    Scenario(
        "Nexus operation cancelled",
        _cancelled,
        {"start_workflow": 2, "schedule_nexus_operation": 1, "request_nexus_operation_cancellation": 1},
        {STARTED: 2, NEXUS: 1, NEXUS_CANCEL: 1},
        needs=(NEXUS_ENDPOINT,),
        free=("free_operations",),
    ),
    # Started by a client, without a workflow; the open-source meter counts none.
    Scenario(
        "Nexus operation without a workflow",
        _standalone,
        {"standalone_nexus_operation": 1},
        {},
        differences={"standalone_nexus": -1},
        needs=(NEXUS_ENDPOINT, STANDALONE_NEXUS),
    ),
)
