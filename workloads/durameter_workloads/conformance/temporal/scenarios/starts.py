"""Starts: one Action each; failed and de-duplicated ones are free."""

import asyncio
import uuid
from datetime import timedelta

from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import Payloads, WorkflowExecution, WorkflowType
from temporalio.api.enums.v1 import WorkflowIdConflictPolicy as RawConflictPolicy
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import OnConflictOptions, VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import StartWorkflowExecutionRequest, UpdateWorkflowExecutionOptionsRequest
from temporalio.client import WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from durameter_workloads.conformance.temporal.bench import Bench, SurpriseError, expect, until
from durameter_workloads.conformance.temporal.meter import (
    ACCEPTED,
    OPTIONS,
    OPTIONS_BY_START,
    REJECTED,
    SIGNAL,
    SIGNAL_WITH_START,
    STARTED,
    STARTED_BY_MULTI_OPERATION,
    TIMER,
)
from durameter_workloads.conformance.temporal.needs import EAGER_START
from durameter_workloads.conformance.temporal.scenario import Scenario, run_of
from durameter_workloads.conformance.temporal.workflows import Attempts, Steps, Troubled

__all__ = ["SCENARIOS"]

_EMPTY = {"start_workflow": 1}
_EMPTY_METERED = {STARTED: 1}
_HELD = {"start_workflow": 1, "signal_workflow": 1}
"""A workflow that holds until it is told to finish."""
_HELD_METERED = {STARTED: 1, SIGNAL: 1}
_BY_UPDATE = {"start_workflow_multi_operation": 1, "signal_workflow": 1}
_BY_UPDATE_METERED = {STARTED_BY_MULTI_OPERATION: 1, SIGNAL: 1}
_SOON = RetryPolicy(initial_interval=timedelta(milliseconds=50), backoff_coefficient=1)


async def _looked_at(on: Bench) -> None:
    """All that a client may do for nothing."""
    root = await on.start("hold")
    await root.describe()
    await root.fetch_history()
    await on.client.count_workflows()
    await on.runs("ExecutionStatus IS NOT NULL")
    await root.cancel()
    await on.seen(root, "WORKFLOW_EXECUTION_CANCELED")


async def _eager(on: Bench) -> None:
    await on.run(request_eager_start=True)


async def _with_attributes(on: Bench) -> None:
    await on.run(memo={"note": "old"}, static_summary="with a memo")


async def _failing_starts(on: Bench) -> None:
    """Its id is taken by a running workflow, then by a closed one."""
    root = await on.start("hold")
    for policy in (WorkflowIDReusePolicy.ALLOW_DUPLICATE, WorkflowIDReusePolicy.REJECT_DUPLICATE):
        try:
            await on.start(id_reuse_policy=policy)
        except WorkflowAlreadyStartedError:
            if policy == WorkflowIDReusePolicy.ALLOW_DUPLICATE:
                await on.finish(root)
            continue
        raise SurpriseError("the id was free")


def _raw_start(on: Bench, request: str, on_conflict: OnConflictOptions | None = None) -> StartWorkflowExecutionRequest:
    payloads = on.client.data_converter.payload_converter.to_payloads([["hold"]])
    return StartWorkflowExecutionRequest(
        namespace=on.client.namespace,
        workflow_id=on.id("root"),
        workflow_type=WorkflowType(name="Steps"),
        task_queue=TaskQueue(name=on.task_queue),
        input=Payloads(payloads=payloads),
        request_id=request,
        workflow_id_conflict_policy=RawConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
        on_conflict_options=on_conflict,
    )


async def _starts_of_a_running_one(on: Bench) -> None:
    root = await on.start("hold")
    for on_conflict in (None, OnConflictOptions(attach_request_id=True)):
        request = _raw_start(on, uuid.uuid4().hex, on_conflict)
        answer = await on.client.workflow_service.start_workflow_execution(request)
        expect(answer.started, False)
    await on.finish(root)


async def _same_request_twice(on: Bench) -> None:
    """As a client does that lost the answer."""
    request = _raw_start(on, uuid.uuid4().hex)
    first = await on.client.workflow_service.start_workflow_execution(request)
    second = await on.client.workflow_service.start_workflow_execution(request)
    expect(first.run_id, second.run_id)
    await on.finish(on.handle())


async def _id_used_again(on: Bench) -> None:
    await on.run()
    await on.run("timer")


async def _terminated_by_a_start(on: Bench) -> None:
    await on.start("hold")
    await on.run(id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING)


async def _options_changed(on: Bench) -> None:
    root = await on.start("hold")
    await on.client.workflow_service.update_workflow_execution_options(
        UpdateWorkflowExecutionOptionsRequest(
            namespace=on.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=root.id),
            workflow_execution_options=WorkflowExecutionOptions(
                versioning_override=VersioningOverride(auto_upgrade=True)
            ),
            update_mask=FieldMask(paths=["versioning_override"]),
        )
    )
    await on.finish(root)


async def _signal_starts(on: Bench) -> None:
    await on.finish(await on.start("hold", start_signal="poke"))


async def _signal_with_start_finds_it_running(on: Bench) -> None:
    root = await on.start("wait")
    await on.start("wait", start_signal="poke")
    await root.result()


async def _delayed_start(on: Bench) -> None:
    await on.run(start_delay=timedelta(seconds=1))


async def _delayed_start_then_signal(on: Bench) -> None:
    root = await on.start("wait", start_delay=timedelta(seconds=60))
    await root.signal(Steps.poke)  # which ends the delay
    await root.result()


async def _delayed_start_with_signal(on: Bench) -> None:
    await (await on.start("wait", start_delay=timedelta(seconds=1), start_signal="poke")).result()


async def _update_with_start(on: Bench, question: str) -> None:
    start = WithStartWorkflowOperation(
        Steps.run,
        ["hold"],
        id=on.id("root"),
        task_queue=on.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    await on.client.execute_update_with_start_workflow(Steps.ask, question, start_workflow_operation=start)


async def _update_with_start_that_fails(on: Bench) -> None:
    """The workflow is terminated before any worker has taken the update."""
    start = WithStartWorkflowOperation(
        Steps.run,
        ["hold"],
        id=on.id("root"),
        task_queue=f"{on.task_queue}-of-nobody",
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    asked = asyncio.create_task(
        on.client.execute_update_with_start_workflow(Steps.ask, "good", start_workflow_operation=start)
    )

    async def started() -> bool:
        try:
            await on.handle().describe()
        except RPCError:
            return False
        return True

    await until(started, "the workflow")
    await on.handle().terminate()
    [answer] = await asyncio.gather(asked, return_exceptions=True)
    expect(isinstance(answer, Exception), True)


async def _update_starts(on: Bench) -> None:
    await _update_with_start(on, "good")
    await on.finish(on.handle())


async def _update_starts_and_finds_it_running(on: Bench) -> None:
    await _update_with_start(on, "good")
    await _update_with_start(on, "good")
    await on.finish(on.handle())


async def _update_with_start_finds_it_running(on: Bench) -> None:
    root = await on.start("hold")
    await _update_with_start(on, "good")
    await on.finish(root)


async def _rejected_update_starts(on: Bench) -> None:
    try:
        await _update_with_start(on, "bad")
    except WorkflowUpdateFailedError:
        await on.finish(on.handle())
        return
    raise SurpriseError("the update was accepted")


async def _workflow_retries(on: Bench) -> None:
    await on.client.execute_workflow(Attempts.run, 3, id=on.id("root"), task_queue=on.task_queue, retry_policy=_SOON)


async def _cron(on: Bench) -> None:
    """One run of the cron schedule, and the next one, stopped while it still waits for its time."""
    await on.start("timer", cron_schedule="@every 2s")

    async def second_run() -> bool:
        return len(await on.runs("ExecutionStatus IS NOT NULL")) == 2

    await until(second_run, "the next run of the cron schedule")
    await on.handle().terminate()


async def _troubled(on: Bench) -> None:
    await on.client.execute_workflow(Troubled.run, 2, id=on.id("root"), task_queue=on.task_queue)


SCENARIOS = (
    Scenario("empty workflow", run_of(), _EMPTY, _EMPTY_METERED),
    Scenario("looked at, listed, cancelled", _looked_at, _EMPTY, _EMPTY_METERED, free=("free_operations",)),
    # Just the normal one.
    Scenario("eager start", _eager, _EMPTY, _EMPTY_METERED, free=("free_operations",), needs=(EAGER_START,)),
    # What comes with the start is part of it.
    Scenario("start with a memo", _with_attributes, _EMPTY, _EMPTY_METERED),
    Scenario("failing starts", _failing_starts, _HELD, _HELD_METERED, free=("deduplicated_request",)),
    # A start that finds the workflow running is free, unless it asks to be attached to it.
    Scenario(
        "starts of a running workflow",
        _starts_of_a_running_one,
        _HELD | {"update_workflow_options_via_start": 1},
        _HELD_METERED | {OPTIONS_BY_START: 1},
        free=("deduplicated_request",),
    ),
    # The server answers "started" both times, and its meter counts both (measured).
    Scenario(
        "same start request twice",
        _same_request_twice,
        _HELD,
        {STARTED: 2, SIGNAL: 1},
        differences={"deduplicated_request": 1},
        free=("deduplicated_request",),
    ),
    Scenario("id used again", _id_used_again, {"start_workflow": 2, "start_timer": 1}, {STARTED: 2, TIMER: 1}),
    # The termination is free, both starts are billed.
    Scenario(
        "start that terminates a running workflow",
        _terminated_by_a_start,
        {"start_workflow": 2},
        {STARTED: 2},
        free=("free_operations",),
    ),
    Scenario(
        "options changed",
        _options_changed,
        _HELD | {"update_workflow_options": 1},
        _HELD_METERED | {OPTIONS: 1},
    ),
    # One for both halves; the finish is a plain signal.
    Scenario(
        "signal-with-start of a new workflow",
        _signal_starts,
        {"signal_workflow_with_start": 1, "signal_workflow": 1},
        {SIGNAL_WITH_START: 1, SIGNAL: 1},
    ),
    # One Action; in the history it looks like a plain signal.
    Scenario(
        "signal-with-start of a running workflow",
        _signal_with_start_finds_it_running,
        {"start_workflow": 1, "signal_workflow_with_start": 1},
        {STARTED: 1, SIGNAL_WITH_START: 1},
    ),
    Scenario("delayed start", _delayed_start, _EMPTY, _EMPTY_METERED),
    # The signal is event 2, as in a signal-with-start, and yet one of its own.
    Scenario("delayed start, then a signal", _delayed_start_then_signal, _HELD, _HELD_METERED),
    Scenario(
        "delayed signal-with-start",
        _delayed_start_with_signal,
        {"signal_workflow_with_start": 1},
        {SIGNAL_WITH_START: 1},
    ),
    # The start part is one Action, the update another.
    Scenario(
        "update-with-start of a new workflow",
        _update_starts,
        _BY_UPDATE | {"accept_workflow_update": 1},
        _BY_UPDATE_METERED | {ACCEPTED: 1},
    ),
    # The start part is free where it starts nothing.
    Scenario(
        "update-with-start of a running workflow",
        _update_with_start_finds_it_running,
        _HELD | {"accept_workflow_update": 1},
        _HELD_METERED | {ACCEPTED: 1},
        free=("deduplicated_request",),
    ),
    Scenario(
        "update-with-start, new and running",
        _update_starts_and_finds_it_running,
        _BY_UPDATE | {"accept_workflow_update": 2},
        _BY_UPDATE_METERED | {ACCEPTED: 2},
        free=("deduplicated_request",),
    ),
    # The workflow runs all the same.
    Scenario(
        "update-with-start of a new workflow, rejected",
        _rejected_update_starts,
        _BY_UPDATE | {"reject_workflow_update": 1},
        _BY_UPDATE_METERED | {REJECTED: 1},
    ),
    # The start part was done; the meter counts only calls that succeed (measured).
    Scenario(
        "update-with-start that fails",
        _update_with_start_that_fails,
        {"start_workflow_multi_operation": 1},
        {},
        differences={"start_untold": -1},
        free=("multi_operation_unstarted",),
    ),
    # Attempts 2 and 3 of a workflow: free on the meter, an open question on Cloud.
    Scenario("workflow retried twice", _workflow_retries, _EMPTY, _EMPTY_METERED, {"start_workflow": 2}),
    # The run that the schedule made after the first one: free on the meter, an open question on Cloud.
    Scenario(
        "cron",
        _cron,
        {"start_workflow": 1, "start_timer": 1},
        {STARTED: 1, TIMER: 1},
        {"start_workflow": 1},
    ),
    # Failures of workflow tasks are free.
    Scenario("workflow task failing twice", _troubled, _EMPTY, _EMPTY_METERED, free=("free_operations",)),
)
