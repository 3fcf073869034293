"""Signals, queries and updates."""

import uuid

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest
from temporalio.client import RPCError, WorkflowQueryFailedError, WorkflowUpdateFailedError, WorkflowUpdateStage

from durameter_workloads.conformance.temporal.bench import Bench, SurpriseError, expect
from durameter_workloads.conformance.temporal.meter import ACCEPTED, EXTERNAL_SIGNAL, QUERY, REJECTED, SIGNAL, STARTED
from durameter_workloads.conformance.temporal.scenario import Drive, Scenario
from durameter_workloads.conformance.temporal.workflows import Steps

__all__ = ["SCENARIOS"]

_HELD = {"start_workflow": 1, "signal_workflow": 1}
"""A workflow that holds until it is told to finish."""
_HELD_METERED = {STARTED: 1, SIGNAL: 1}
_TWO_STARTS = {"start_workflow": 2}


async def _signals(on: Bench) -> None:
    root = await on.start("wait", "wait", "hold")
    for signal in (Steps.poke, Steps.poke, Steps.finish):
        await root.signal(signal)
    await root.result()


async def _same_signal_twice(on: Bench) -> None:
    """As a client does that lost the answer."""
    root = await on.start("wait", "hold")
    request = SignalWorkflowExecutionRequest(
        namespace=on.client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=root.id),
        signal_name="poke",
        request_id=uuid.uuid4().hex,
    )
    for _ in range(2):
        await on.client.workflow_service.signal_workflow_execution(request)
    await on.finish(root)


async def _signal_to_nobody(on: Bench) -> None:
    await on.run()
    try:
        await on.handle().signal(Steps.poke)
    except RPCError:
        return
    raise SurpriseError("a closed workflow took a signal")


async def _signal_from_a_workflow(on: Bench) -> None:
    other = await on.start("hold", workflow="root-other")
    await on.run("signal_other")
    await other.result()


async def _cancel_from_a_workflow(on: Bench) -> None:
    other = await on.start("hold", workflow="root-other")
    await on.run("cancel_other")
    await on.seen(other, "WORKFLOW_EXECUTION_CANCELED")


async def _queries(on: Bench) -> None:
    root = await on.start("hold")
    expect(await root.query(Steps.pokes), 0)
    expect(await root.query(Steps.pokes), 0)
    await on.finish(root)


async def _query_of_a_closed_workflow(on: Bench) -> None:
    await on.run()
    expect(await on.handle().query(Steps.pokes), 0)


def _query_in_vain(name: str) -> Drive:
    async def drive(on: Bench) -> None:
        root = await on.start("hold")
        try:
            await root.query(name)
        except WorkflowQueryFailedError:
            await on.finish(root)
            return
        raise SurpriseError("the query was answered")

    return drive


def _query_answered(name: str) -> Drive:
    async def drive(on: Bench) -> None:
        root = await on.start("hold")
        expect(bool(await root.query(name)), True)
        await on.finish(root)

    return drive


async def _updates(on: Bench) -> None:
    root = await on.start("hold")
    for name in ("one", "one", "two"):  # the second "one" is the first one again
        expect(await root.execute_update(Steps.ask, "good", id=name), "answer")
    await on.finish(root)


async def _long_update(on: Bench) -> None:
    root = await on.start("hold")
    update = await root.start_update(Steps.wait_with_me, "good", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    await root.signal(Steps.finish)
    expect(await update.result(), "answer")
    await root.result()


async def _rejected(on: Bench, root_steps: tuple[str, ...], questions: tuple[str, ...]) -> None:
    root = await on.start(*root_steps)
    for question in questions:
        try:
            await root.execute_update(Steps.ask, question)
        except WorkflowUpdateFailedError:
            if question == "bad":
                continue
            raise
        expect(question, "good")
    await on.finish(root)


async def _rejected_updates(on: Bench) -> None:
    await _rejected(on, ("hold",), ("bad", "good", "bad"))


async def _rejected_with_commands(on: Bench) -> None:
    """The workflow has an activity by then, and rejections leave no trace in its history."""
    await _rejected(on, ("activity", "hold"), ("bad",))


SCENARIOS = (
    Scenario(
        "signals",
        _signals,
        {"start_workflow": 1, "signal_workflow": 3},
        {STARTED: 1, SIGNAL: 3},
    ),
    # The poke is taken once, and its meter counts both calls (measured).
    Scenario(
        "same signal request twice",
        _same_signal_twice,
        {"start_workflow": 1, "signal_workflow": 2},
        {STARTED: 1, SIGNAL: 3},
        differences={"deduplicated_request": 1},
        free=("deduplicated_request",),
    ),
    # A call that fails costs nothing.
    Scenario(
        "signal to a closed workflow",
        _signal_to_nobody,
        {"start_workflow": 1},
        {STARTED: 1},
        free=("free_operations",),
    ),
    # Billed where it was commanded, not again where it arrives.
    Scenario(
        "signal from a workflow",
        _signal_from_a_workflow,
        _TWO_STARTS | {"signal_external_workflow": 1},
        {STARTED: 2, EXTERNAL_SIGNAL: 1},
        roots=("root", "root-other"),
    ),
    Scenario(
        "cancel from a workflow",
        _cancel_from_a_workflow,
        _TWO_STARTS,
        {STARTED: 2},
        free=("free_operations",),
        roots=("root", "root-other"),
    ),
    Scenario(
        "queries",
        _queries,
        _HELD | {"query_workflow": 2},
        _HELD_METERED | {QUERY: 2},
        causes={"query_workflow": "pokes"},
    ),
    Scenario(
        "query of a closed workflow",
        _query_of_a_closed_workflow,
        {"start_workflow": 1, "query_workflow": 1},
        {STARTED: 1, QUERY: 1},
    ),
    # The handler raises, the call fails, the meter counts none: an open question on Cloud.
    Scenario("failing query", _query_in_vain("broken"), _HELD, _HELD_METERED, {"query_workflow": 1}),
    Scenario("unknown query", _query_in_vain("nobody knows"), _HELD, _HELD_METERED, {"query_workflow": 1}),
    # The one that the vendor's UI asks for its Call Stack tab.
    Scenario(
        "stack-trace query",
        _query_answered("__stack_trace"),
        _HELD | {"query_workflow": 1},
        _HELD_METERED | {QUERY: 1},
    ),
    Scenario(
        "metadata query",
        _query_answered("__temporal_workflow_metadata"),
        _HELD,
        _HELD_METERED,
        free=("query_metadata",),
    ),
    Scenario(
        "updates",
        _updates,
        _HELD | {"accept_workflow_update": 2},
        _HELD_METERED | {ACCEPTED: 2},
        causes={"accept_workflow_update": "ask"},
        free=("deduplicated_update",),
    ),
    # One, however long its handler takes and however often the client polls for the answer.
    Scenario(
        "update that takes its time",
        _long_update,
        _HELD | {"accept_workflow_update": 1},
        _HELD_METERED | {ACCEPTED: 1},
        free=("deduplicated_update",),
    ),
    Scenario(
        "rejected updates",
        _rejected_updates,
        _HELD | {"accept_workflow_update": 1, "reject_workflow_update": 2},
        _HELD_METERED | {ACCEPTED: 1, REJECTED: 2},
        causes={"reject_workflow_update": "ask"},
    ),
    Scenario(
        "rejected update of a workflow with activities",
        _rejected_with_commands,
        _HELD | {"schedule_activity": 1, "reject_workflow_update": 1},
        _HELD_METERED | {"command_ScheduleActivityTask": 1, REJECTED: 1},
    ),
)
