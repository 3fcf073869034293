"""Small real workflows on the real dev server: units derived by hand, and the server's own meter beside them.

Every count below is derived from the vendor's rules; none comes from this program. `documented` is what the vendor's
documents bill, `upper` what open questions would add, and `unexplained` what the meter saw and no history can show.
For all that histories can show, ledger and meter must be equal kind by kind.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from bench import QUEUE, Bench, bench, until
from google.protobuf.field_mask_pb2 import FieldMask
from step_workflow import COLOUR, SIZE, Attempts, Steps
from temporalio.api.common.v1 import WorkflowExecution, WorkflowType
from temporalio.api.enums.v1 import IndexedValueType, PendingActivityState, WorkflowIdConflictPolicy
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, CreateNexusEndpointRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import OnConflictOptions, VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import (
    PauseActivityRequest,
    StartWorkflowExecutionRequest,
    UpdateWorkflowExecutionOptionsRequest,
)
from temporalio.client import WithStartWorkflowOperation, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy

from durameter.engines.base import RunningServer
from durameter.reconcile import Line, against_meter, state_of
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.history import RunLink
from durameter_collectors.temporal.meter import read_stable_meter
from durameter_collectors.temporal.runs import CountedRun, count_runs
from durameter_collectors.units import Gap, TaskLabel, Unit

pytestmark = pytest.mark.servers

AT_ONCE = 6
LABEL = TaskLabel("tests/scenarios", "default", "task 1")
BACKING_OFF = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
RUNNING = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
PAUSED = PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED


@dataclass(frozen=True)
class Scenario:
    """What is done, and what it costs. Numbers are Actions by Cloud's name of the kind."""

    drive: Callable[[Bench], Awaitable[None]]
    documented: Mapping[str, int]
    upper: Mapping[str, int] = field(default_factory=dict)
    unexplained: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[str, str] = field(default_factory=dict)
    """Kind → the one cause that all its units have, where a scenario is about that."""
    gaps: int = 0
    roots: tuple[str, ...] = ("root",)


@dataclass(frozen=True)
class Outcome:
    runs: list[CountedRun]
    again: list[CountedRun]
    """The same, asked for by every run id and twice by the root."""
    gaps: list[Gap]
    lines: tuple[Line, ...]
    on_server: set[str]
    """Ids of all runs in the namespace."""

    @property
    def units(self) -> list[Unit]:
        return [unit for run in self.runs for unit in run.count.units]


def steps(*names: str) -> Callable[[Bench], Awaitable[None]]:
    async def drive(on: Bench) -> None:
        await on.run(*names)

    return drive


async def condition_met(on: Bench) -> None:
    root = await on.start("condition_poked")
    await on.seen(root, "TIMER_STARTED")  # a signal that came before the wait would make no timer
    await root.signal(Steps.poke)
    await root.result()


async def search_attributes(on: Bench) -> None:
    keyword, number = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, IndexedValueType.INDEXED_VALUE_TYPE_INT
    await on.client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=on.client.namespace, search_attributes={COLOUR.name: keyword, SIZE.name: number}
        )
    )
    await on.run("attributes")


async def refused_child(on: Bench) -> None:
    other = await on.start("hold", workflow="other")
    await on.run("child_refused")
    await other.signal(Steps.finish)
    await other.result()


async def abandoned_child(on: Bench) -> None:
    await on.run("child_left_alive")
    child = on.handle("child")
    await child.signal(Steps.finish)
    await child.result()


async def signals(on: Bench) -> None:
    root = await on.start("wait", "wait", "hold")
    for signal in (Steps.poke, Steps.poke, Steps.finish):
        await root.signal(signal)
    await root.result()


async def signal_starts(on: Bench) -> None:
    root = await on.start("hold", start_signal="poke")
    await root.signal(Steps.finish)
    await root.result()


async def signal_with_start_finds_it_running(on: Bench) -> None:
    root = await on.start("wait")
    await on.start("wait", start_signal="poke")
    await root.result()


async def delayed_start_then_signal(on: Bench) -> None:
    root = await on.start("wait", start_delay=timedelta(seconds=2))
    await root.signal(Steps.poke)
    await root.result()


async def delayed_start_with_signal(on: Bench) -> None:
    await (await on.start("wait", start_delay=timedelta(seconds=1), start_signal="poke")).result()


async def signal_from_a_workflow(on: Bench) -> None:
    other = await on.start("hold", workflow="other")
    await on.run("signal_other")
    await other.result()


async def start_of_a_running_one(on: Bench) -> None:
    root = await on.start("hold")
    use, options = WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, {"attach_request_id": True}
    for on_conflict in (None, OnConflictOptions(**options)):
        answer = await on.client.workflow_service.start_workflow_execution(
            StartWorkflowExecutionRequest(
                namespace=on.client.namespace,
                workflow_id="root",
                workflow_type=WorkflowType(name="Steps"),
                task_queue=TaskQueue(name=QUEUE),
                request_id=f"again {on_conflict}",
                workflow_id_conflict_policy=use,
                on_conflict_options=on_conflict,
            )
        )
        assert not answer.started
    await root.signal(Steps.finish)
    await root.result()


async def options_changed(on: Bench) -> None:
    root = await on.start("hold")
    await on.client.workflow_service.update_workflow_execution_options(
        UpdateWorkflowExecutionOptionsRequest(
            namespace=on.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id="root"),
            workflow_execution_options=WorkflowExecutionOptions(
                versioning_override=VersioningOverride(auto_upgrade=True)
            ),
            update_mask=FieldMask(paths=["versioning_override"]),
        )
    )
    await root.signal(Steps.finish)
    await root.result()


async def updates(on: Bench) -> None:
    root = await on.start("hold")
    for name in ("one", "one", "two"):  # the second "one" is the first one again
        assert await root.execute_update(Steps.ask, "good", id=name) == "answer"
    await root.signal(Steps.finish)
    await root.result()


async def update_starts(on: Bench) -> None:
    for _ in range(2):
        start = WithStartWorkflowOperation(
            Steps.run, ["hold"], id="root", task_queue=QUEUE, id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
        )
        await on.client.execute_update_with_start_workflow(Steps.ask, "good", start_workflow_operation=start)
    await on.handle().signal(Steps.finish)
    await on.handle().result()


async def workflow_retries(on: Bench) -> None:
    policy = RetryPolicy(initial_interval=timedelta(milliseconds=50), backoff_coefficient=1)
    await on.client.execute_workflow(Attempts.run, 3, id="root", task_queue=QUEUE, retry_policy=policy)


async def cron(on: Bench) -> None:
    """One run of the schedule, and the next one, stopped while it still waits for its time."""
    root = await on.start("timer", cron_schedule="@every 2s")

    async def second_run() -> bool:
        return len([each async for each in on.client.list_workflows("WorkflowId = 'root'")]) == 2

    await until(second_run, "the next run of the cron schedule")
    await on.handle(root.id).terminate()


async def reset_in_the_middle(on: Bench) -> None:
    """Between two activities; the poke came after the reset point and is applied again, and so is the update."""
    root = await on.start("activity", "wait", "activity", "hold")
    await on.seen(root, "WORKFLOW_TASK_COMPLETED", 2)
    await root.execute_update(Steps.ask, "good")
    await root.signal(Steps.poke)
    await on.seen(root, "ACTIVITY_TASK_COMPLETED", 2)
    await on.idle(root)
    second = (await on.events(root, "WORKFLOW_TASK_COMPLETED"))[1]
    root = await on.reset(root, second)
    await on.seen(root, "ACTIVITY_TASK_COMPLETED", 2)
    await root.signal(Steps.finish)
    await root.result()


async def reset_of_one_run_twice(on: Bench) -> None:
    """The first reset's run is named by neither the old run nor the last one."""
    root = await on.start("activity", "hold")
    await on.seen(root, "ACTIVITY_TASK_COMPLETED")
    await on.idle(root)
    old = on.handle(root.id, (await root.describe()).run_id)
    first = (await on.events(old, "WORKFLOW_TASK_COMPLETED"))[0]
    between = await on.reset(old, first)
    await on.seen(between, "ACTIVITY_TASK_COMPLETED")
    last = await on.reset(old, first)
    await on.seen(last, "ACTIVITY_TASK_COMPLETED")
    await last.signal(Steps.finish)
    await last.result()


async def reset_of_a_reset_run(on: Bench) -> None:
    """The second reset copies the first one."""
    root = await on.start("activity", "wait", "activity", "hold")
    await on.seen(root, "WORKFLOW_TASK_COMPLETED", 2)
    for _ in range(2):
        await on.idle(root)
        root = await on.reset(root, (await on.events(root, "WORKFLOW_TASK_COMPLETED"))[-1])
        await on.seen(root, "WORKFLOW_TASK_COMPLETED", 2)
    await root.signal(Steps.poke)
    await on.seen(root, "ACTIVITY_TASK_COMPLETED", 2)
    await root.signal(Steps.finish)
    await root.result()


async def reset_of_a_child(on: Bench) -> None:
    root = await on.start("child_waiting")
    await on.seen(root, "CHILD_WORKFLOW_EXECUTION_STARTED")
    child = on.handle("child")
    await on.seen(child, "ACTIVITY_TASK_COMPLETED")
    await on.idle(child)
    child = await on.reset(child, (await on.events(child, "WORKFLOW_TASK_COMPLETED"))[0])
    await on.seen(child, "ACTIVITY_TASK_COMPLETED")
    await child.signal(Steps.finish)
    await root.result()


async def reset_with_a_retrying_activity(on: Bench) -> None:
    """The activity is a copy in the new run, its attempts begin anew."""
    root = await on.start("activity_left_behind", "wait", "hold")
    await on.at_attempt(root, 4, BACKING_OFF)
    await root.signal(Steps.poke)
    await on.seen(root, "WORKFLOW_TASK_COMPLETED", 2)
    root = await on.reset(root, (await on.events(root, "WORKFLOW_TASK_COMPLETED"))[1])
    await on.at_attempt(root, 3, BACKING_OFF)
    await root.signal(Steps.finish)
    await root.result()


def terminated(step: str, attempt: int, state: int) -> Callable[[Bench], Awaitable[None]]:
    async def drive(on: Bench) -> None:
        root = await on.start(step)
        await on.at_attempt(root, attempt, state)
        await root.terminate()

    return drive


async def cancelled_in_back_off(on: Bench) -> None:
    root = await on.start("activity_never")
    await on.at_attempt(root, 4, BACKING_OFF)
    await root.cancel()
    with pytest.raises(WorkflowFailureError):
        await root.result()


def paused(step: str, attempt: int, state: int) -> Callable[[Bench], Awaitable[None]]:
    async def drive(on: Bench) -> None:
        root = await on.start(step)
        await on.at_attempt(root, attempt, state)
        await on.client.workflow_service.pause_activity(
            PauseActivityRequest(
                namespace=on.client.namespace, execution=WorkflowExecution(workflow_id="root"), id="1", identity="test"
            )
        )

        async def is_paused() -> bool:
            return (await on.pending(root))[0].paused

        await until(is_paused, "the pause")
        await root.terminate()

    return drive


async def still_running(on: Bench) -> None:
    """Counted while it lives and its activity backs off."""
    root = await on.start("activity_never")
    await on.at_attempt(root, 4, BACKING_OFF)


async def nexus(on: Bench) -> None:
    await on.client.operator_service.create_nexus_endpoint(
        CreateNexusEndpointRequest(
            spec=EndpointSpec(
                name=f"desk-{on.client.namespace}",
                target=EndpointTarget(worker=EndpointTarget.Worker(namespace=on.client.namespace, task_queue=QUEUE)),
            )
        )
    )
    await on.run("nexus_answer", "nexus_workflow")


async def query(on: Bench) -> None:
    root = await on.start("hold")
    assert await root.query(Steps.pokes) == 0
    await root.signal(Steps.finish)
    await root.result()


async def rejected_update(on: Bench) -> None:
    root = await on.start("hold")
    with pytest.raises(WorkflowUpdateFailedError):
        await root.execute_update(Steps.ask, "bad")
    await root.signal(Steps.finish)
    await root.result()


START = {"start_workflow": 1}
ONE_ACTIVITY = START | {"schedule_activity": 1}
ONE_TIMER = START | {"start_timer": 1}
ONE_MARKER = START | {"record_activity_markers": 1}
ONE_CHILD = START | {"start_child_workflow": 2}
"""A child is two Actions, the intent and the attempt, and its own start is none."""
TWO_RETRIES = ONE_ACTIVITY | {"retry_activity": 2}

SCENARIOS = {
    "empty workflow": Scenario(steps(), START),
    "three activities": Scenario(
        steps("activity", "activity", "activity"),
        START | {"schedule_activity": 3},
        causes={"schedule_activity": "work", "start_workflow": "Steps"},
    ),
    # Attempts 2 and 3 are one Action each.
    "activity failing twice, then ok": Scenario(steps("activity_third_time"), TWO_RETRIES),
    "activity that must not be retried": Scenario(steps("activity_refused"), ONE_ACTIVITY),
    "timer": Scenario(steps("timer"), ONE_TIMER),
    "condition already true": Scenario(steps("condition_true"), START),
    "condition met in time": Scenario(condition_met, ONE_TIMER | {"signal_workflow": 1}),
    "condition timed out": Scenario(steps("condition_late"), ONE_TIMER),
    # wait_for arms a timer around the activity.
    "activity with a time limit": Scenario(steps("activity_limited"), ONE_ACTIVITY | {"start_timer": 1}),
    # Cancelling is free, and what was never commanded is not billed.
    "timer cancelled": Scenario(steps("timer_cancelled"), ONE_ACTIVITY | {"start_timer": 1}),
    "timer cancelled in the same task": Scenario(steps("timer_cancelled_at_once"), START),
    # Their markers are in one workflow task: one Action for all three.
    "three local activities": Scenario(steps("three_locals"), ONE_MARKER, causes={"record_activity_markers": "work"}),
    # The timer ends the workflow task: two tasks with markers.
    "local activity, timer, local activity": Scenario(
        steps("local", "timer", "local"), START | {"record_activity_markers": 2, "start_timer": 1}
    ),
    # The marker and the search attribute that the SDK sets beside it: not in the documents, both on the meter.
    "patch": Scenario(steps("patch"), START, {"record_activity_markers": 1, "upsert_workflow_search_attributes": 1}),
    # One marker Action by the local activity, patch or not; the patch's search attribute stays open.
    "patch and local activity": Scenario(steps("patch", "local"), ONE_MARKER, {"upsert_workflow_search_attributes": 1}),
    # One command, two attributes.
    "search attributes": Scenario(search_attributes, START | {"upsert_workflow_search_attributes": 1}),
    "memo": Scenario(steps("memo"), START, {"modify_workflow_properties": 1}),
    "child": Scenario(steps("child"), ONE_CHILD),
    "child that fails": Scenario(steps("child_failing"), ONE_CHILD),
    # The attempt to start it is billed, also when its id is taken. The other workflow: its start, and the signal.
    "child whose id is taken": Scenario(
        refused_child, {"start_workflow": 2, "start_child_workflow": 2, "signal_workflow": 1}, roots=("root", "other")
    ),
    # The child's second run is the question of workflow retries, and no child start.
    "child that is retried": Scenario(steps("child_retried"), ONE_CHILD, {"start_workflow": 1}),
    # It outlives its parent: its signal and its timer belong to the task.
    "child left alive": Scenario(abandoned_child, ONE_CHILD | {"signal_workflow": 1, "start_timer": 1}),
    # The server never starts a child of a parent that has ended, but the command was given.
    "child never started": Scenario(steps("child_never_started"), ONE_CHILD),
    # An activity in the first run and a timer in the third.
    "continue-as-new twice": Scenario(
        steps("activity", "again", "again", "timer"), ONE_ACTIVITY | {"start_timer": 1, "continue_as_new_workflow": 2}
    ),
    "signals": Scenario(signals, START | {"signal_workflow": 3}),
    # One for both halves; the finish is a plain signal.
    "signal-with-start of a new workflow": Scenario(
        signal_starts, {"signal_workflow_with_start": 1, "signal_workflow": 1}
    ),
    # One Action, and the history has it; but it looks like a plain signal there. The wire will tell.
    "signal-with-start of a running workflow": Scenario(
        signal_with_start_finds_it_running,
        START | {"signal_workflow": 1},
        unexplained={"signal_workflow": -1, "signal_workflow_with_start": 1},
    ),
    "delayed start, then a signal": Scenario(delayed_start_then_signal, START | {"signal_workflow": 1}),
    "delayed signal-with-start": Scenario(delayed_start_with_signal, {"signal_workflow_with_start": 1}),
    # Billed where it was commanded, not again where it arrives.
    "signal from a workflow": Scenario(
        signal_from_a_workflow, {"start_workflow": 2, "signal_external_workflow": 1}, roots=("root", "other")
    ),
    # A start that finds the workflow running is free, unless it asks to be attached to it.
    "start of a running workflow": Scenario(
        start_of_a_running_one, START | {"update_workflow_options_via_start": 1, "signal_workflow": 1}
    ),
    "options changed": Scenario(options_changed, START | {"update_workflow_options": 1, "signal_workflow": 1}),
    "updates": Scenario(
        updates,
        START | {"accept_workflow_update": 2, "signal_workflow": 1},
        causes={"accept_workflow_update": "ask"},
    ),
    # The start part is one Action of its own name, which no history has; each update is one.
    "update-with-start, new and running": Scenario(
        update_starts,
        START | {"accept_workflow_update": 2, "signal_workflow": 1},
        unexplained={"start_workflow": -1, "start_workflow_multi_operation": 1},
    ),
    # Attempts 2 and 3 of a workflow: free on the meter, an open question on Cloud.
    "workflow retried twice": Scenario(workflow_retries, START, {"start_workflow": 2}),
    # The run that the schedule made after the first one: free on the meter, an open question on Cloud.
    "cron": Scenario(cron, ONE_TIMER, {"start_workflow": 1}),
    # Old run: start, 2 activities, poke, update. Reset. New run: the second activity again, the update accepted
    # again, the finish. The poke was sent once, and applying it again is free.
    "reset in the middle": Scenario(
        reset_in_the_middle,
        START | {"schedule_activity": 3, "signal_workflow": 2, "accept_workflow_update": 2, "reset_workflow": 1},
        causes={"accept_workflow_update": "ask"},
    ),
    # Three runs with an activity each.
    "one run reset twice": Scenario(
        reset_of_one_run_twice, START | {"schedule_activity": 3, "reset_workflow": 2, "signal_workflow": 1}
    ),
    # The first activity is in the first run only, the second in the last only.
    "reset run reset again": Scenario(
        reset_of_a_reset_run, START | {"schedule_activity": 2, "reset_workflow": 2, "signal_workflow": 2}
    ),
    # The parent knows the child's first run only.
    "child reset": Scenario(
        reset_of_a_child, ONE_CHILD | {"schedule_activity": 2, "reset_workflow": 1, "signal_workflow": 1}
    ),
    # Scheduled once. Attempts 2 and 3 in the old run, attempt 2 in the new one.
    "reset with an activity in back-off": Scenario(
        reset_with_a_retrying_activity,
        ONE_ACTIVITY | {"retry_activity": 3, "reset_workflow": 1, "signal_workflow": 2},
    ),
    # Attempt 4 is announced and nobody has it: attempts 2 and 3 were retries.
    "terminated with an activity in back-off": Scenario(
        terminated("activity_never", 4, BACKING_OFF), TWO_RETRIES, causes={"retry_activity": "work"}
    ),
    # Attempt 3 runs: attempts 2 and 3 were retries.
    "terminated with an activity running": Scenario(terminated("activity_sticking", 3, RUNNING), TWO_RETRIES),
    "terminated with an activity paused in back-off": Scenario(paused("activity_never", 4, BACKING_OFF), TWO_RETRIES),
    "terminated with an activity paused while running": Scenario(paused("activity_sticking", 3, RUNNING), TWO_RETRIES),
    # Two retries that no record keeps: said as a gap, and seen by the meter.
    "cancelled with an activity in back-off": Scenario(
        cancelled_in_back_off, ONE_ACTIVITY, unexplained={"retry_activity": 2}, gaps=1
    ),
    "still running with an activity in back-off": Scenario(still_running, TWO_RETRIES),
    # Two operations; the workflow that a handler started is an ordinary start, in the same namespace here.
    "Nexus operations": Scenario(nexus, {"start_workflow": 2, "schedule_nexus_operation": 2}),
    "query": Scenario(query, START | {"signal_workflow": 1}, unexplained={"query_workflow": 1}),
    "heartbeats": Scenario(steps("activity_beating"), ONE_ACTIVITY, unexplained={"record_activity_heartbeat": 1}),
    "rejected update": Scenario(
        rejected_update, START | {"signal_workflow": 1}, unexplained={"reject_workflow_update": 1}
    ),
}


async def perform(scenario: Scenario, server: RunningServer, http: httpx.AsyncClient) -> Outcome:
    async with bench(server.info.address) as on:
        await scenario.drive(on)
        roots = [RunLink(root, "") for root in scenario.roots]
        runs, gaps = await count_runs(on.client, roots, label=LABEL)
        asked = [*(run.link for run in reversed(runs)), *roots, *roots]
        again, _ = await count_runs(on.client, asked, label=LABEL)
        on_server = {each.run_id async for each in on.client.list_workflows()}
        namespace = on.client.namespace
    meter = await read_stable_meter(http, server.settings["DURAMETER_TEMPORAL_METRICS_URL"], namespace)
    units = [unit for run in runs for unit in run.count.units]
    return Outcome(runs, again, gaps, against_meter(units, meter, load_rulebook("temporal")), on_server)


@pytest.fixture(scope="session")
async def outcomes(
    temporal_server: RunningServer, request: pytest.FixtureRequest
) -> AsyncIterator[dict[str, asyncio.Task[Outcome]]]:
    """All scenarios that were asked for, a few at once: the meter tells their namespaces apart."""
    wanted = " ".join(item.name for item in request.session.items)
    turns = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=30) as http:

        async def in_turn(scenario: Scenario) -> Outcome:
            async with turns:
                return await asyncio.wait_for(perform(scenario, temporal_server, http), 120)

        tasks = {name: asyncio.create_task(in_turn(SCENARIOS[name])) for name in SCENARIOS if name in wanted}
        yield tasks
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def by_kind(units: Iterable[Unit], reading: str) -> dict[str, int]:
    return dict(Counter(unit.kind for unit in units if unit.reading == reading))


@pytest.mark.parametrize("name", SCENARIOS)
async def test_units_are_those_derived_by_hand_and_the_meter_agrees(
    name: str, outcomes: dict[str, asyncio.Task[Outcome]]
) -> None:
    scenario, outcome = SCENARIOS[name], await outcomes[name]
    assert by_kind(outcome.units, "documented") == scenario.documented
    assert by_kind(outcome.units, "upper") == scenario.upper
    assert all(unit.quantity == 1 and unit.evidence and unit.cause for unit in outcome.units)
    for kind, cause in scenario.causes.items():
        assert {unit.cause for unit in outcome.units if unit.kind == kind} == {cause}

    assert {line.kind: line.unexplained for line in outcome.lines if line.unexplained} == scenario.unexplained
    assert state_of(outcome.lines, ()) == ("differs" if scenario.unexplained else "agrees")
    assert len(outcome.gaps) == scenario.gaps, outcome.gaps

    # Whatever the namespace holds descends from the roots, and no run is taken twice.
    assert Counter(run.link.run for run in outcome.runs) == Counter(outcome.on_server)
    assert sorted(evidence(outcome.again)) == sorted(evidence(outcome.runs))


def evidence(runs: Iterable[CountedRun]) -> list[tuple[str, str, str, int]]:
    return [(unit.run, unit.rule, unit.evidence, unit.attempt) for run in runs for unit in run.count.units]


@pytest.mark.parametrize("name", ["terminated with an activity in back-off"])
async def test_retries_are_dated_by_the_server(name: str, outcomes: dict[str, asyncio.Task[Outcome]]) -> None:
    """While an activity backs off, `describe` does not say when its last attempt began, only when it ended."""
    units = (await outcomes[name]).units
    started = next(unit.time for unit in units if unit.rule == "activity")
    retried = [unit.time for unit in units if unit.rule == "activity_retry"]
    assert all(timedelta() < time - started < timedelta(minutes=2) for time in retried)
