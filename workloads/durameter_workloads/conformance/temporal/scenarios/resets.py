"""Resets: one Action each; what was before the reset point stays on the old run and is not billed again."""

from durameter_workloads.conformance.temporal.bench import BACKING_OFF, Bench
from durameter_workloads.conformance.temporal.meter import (
    ACCEPTED,
    ACTIVITY,
    CHILD,
    CHILD_EXTRA,
    RESET,
    RETRY,
    SIGNAL,
    STARTED,
)
from durameter_workloads.conformance.temporal.scenario import Scenario
from durameter_workloads.conformance.temporal.workflows import Steps

__all__ = ["SCENARIOS"]


async def _in_the_middle(on: Bench) -> None:
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
    await on.finish(root)


async def _one_run_twice(on: Bench) -> None:
    """The first reset's run is named by neither the old run nor the last one."""
    root = await on.start("activity", "hold")
    await on.seen(root, "ACTIVITY_TASK_COMPLETED")
    await on.idle(root)
    old = on.handle(run=(await root.describe()).run_id)
    first = (await on.events(old, "WORKFLOW_TASK_COMPLETED"))[0]
    between = await on.reset(old, first)
    await on.seen(between, "ACTIVITY_TASK_COMPLETED")
    last = await on.reset(old, first)
    await on.seen(last, "ACTIVITY_TASK_COMPLETED")
    await on.finish(last)


async def _reset_run_again(on: Bench) -> None:
    """The second reset copies the first one."""
    root = await on.start("activity", "wait", "activity", "hold")
    await on.seen(root, "WORKFLOW_TASK_COMPLETED", 2)
    for _ in range(2):
        await on.idle(root)
        root = await on.reset(root, (await on.events(root, "WORKFLOW_TASK_COMPLETED"))[-1])
        await on.seen(root, "WORKFLOW_TASK_COMPLETED", 2)
    await root.signal(Steps.poke)
    await on.seen(root, "ACTIVITY_TASK_COMPLETED", 2)
    await on.finish(root)


async def _child(on: Bench) -> None:
    root = await on.start("child_waiting")
    await on.seen(root, "CHILD_WORKFLOW_EXECUTION_STARTED")
    child = on.handle("root-child")
    await on.seen(child, "ACTIVITY_TASK_COMPLETED")
    await on.idle(child)
    child = await on.reset(child, (await on.events(child, "WORKFLOW_TASK_COMPLETED"))[0])
    await on.seen(child, "ACTIVITY_TASK_COMPLETED")
    await child.signal(Steps.finish)
    await root.result()


async def _with_a_retrying_activity(on: Bench) -> None:
    """The activity is a copy in the new run, its attempts begin anew."""
    root = await on.start("activity_left_behind", "wait", "hold")
    await on.at_attempt(root, 4, BACKING_OFF)
    await root.signal(Steps.poke)
    await on.seen(root, "WORKFLOW_TASK_COMPLETED", 2)
    await on.idle(root)
    root = await on.reset(root, (await on.events(root, "WORKFLOW_TASK_COMPLETED"))[1])
    await on.at_attempt(root, 3, BACKING_OFF)
    await on.finish(root)


SCENARIOS = (
    # Old run: start, 2 activities, poke, update. Reset. New run: the second activity again, the update accepted
    # again, the finish. The poke was sent once, and applying it again is free.
    Scenario(
        "reset in the middle",
        _in_the_middle,
        {
            "start_workflow": 1,
            "schedule_activity": 3,
            "signal_workflow": 2,
            "accept_workflow_update": 2,
            "reset_workflow": 1,
        },
        {STARTED: 1, ACTIVITY: 3, SIGNAL: 2, ACCEPTED: 2, RESET: 1},
        causes={"accept_workflow_update": "ask"},
    ),
    # Three runs with an activity each.
    Scenario(
        "one run reset twice",
        _one_run_twice,
        {"start_workflow": 1, "schedule_activity": 3, "reset_workflow": 2, "signal_workflow": 1},
        {STARTED: 1, ACTIVITY: 3, RESET: 2, SIGNAL: 1},
    ),
    # The first activity is in the first run only, the second in the last only.
    Scenario(
        "reset run reset again",
        _reset_run_again,
        {"start_workflow": 1, "schedule_activity": 2, "reset_workflow": 2, "signal_workflow": 2},
        {STARTED: 1, ACTIVITY: 2, RESET: 2, SIGNAL: 2},
    ),
    # The parent knows the child's first run only.
    Scenario(
        "child reset",
        _child,
        {
            "start_workflow": 1,
            "start_child_workflow": 2,
            "schedule_activity": 2,
            "reset_workflow": 1,
            "signal_workflow": 1,
        },
        {STARTED: 1, CHILD: 1, CHILD_EXTRA: 1, ACTIVITY: 2, RESET: 1, SIGNAL: 1},
    ),
    # Scheduled once. Attempts 2 and 3 in the old run, attempt 2 in the new one.
    Scenario(
        "reset with an activity in back-off",
        _with_a_retrying_activity,
        {"start_workflow": 1, "schedule_activity": 1, "retry_activity": 3, "reset_workflow": 1, "signal_workflow": 2},
        {STARTED: 1, ACTIVITY: 1, RETRY: 3, RESET: 1, SIGNAL: 2},
    ),
)
