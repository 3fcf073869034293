"""Child workflows: two Actions each, the intent and the attempt; their own starts are none. And continue-as-new."""

from durameter_workloads.conformance.temporal.bench import Bench
from durameter_workloads.conformance.temporal.meter import (
    ACTIVITY,
    CHILD,
    CHILD_EXTRA,
    CONTINUED,
    EXTERNAL_SIGNAL,
    SIGNAL,
    STARTED,
    TIMER,
)
from durameter_workloads.conformance.temporal.scenario import Scenario, run_of

__all__ = ["SCENARIOS"]

_ONE = {"start_workflow": 1, "start_child_workflow": 2}
_ONE_METERED = {STARTED: 1, CHILD: 1, CHILD_EXTRA: 1}


async def _refused(on: Bench) -> None:
    other = await on.start("hold", workflow="root-other")
    await on.run("child_refused")
    await on.finish(other)


async def _abandoned(on: Bench) -> None:
    await on.run("child_left_alive")
    await on.finish(on.handle("root-child"))


SCENARIOS = (
    Scenario("child", run_of("child"), _ONE, _ONE_METERED),
    # Two children, one of which has a child: three; and an activity.
    Scenario(
        "child tree",
        run_of("child_tree"),
        {"start_workflow": 1, "start_child_workflow": 6, "schedule_activity": 1},
        {STARTED: 1, CHILD: 3, CHILD_EXTRA: 3, ACTIVITY: 1},
    ),
    Scenario("child that fails", run_of("child_failing"), _ONE, _ONE_METERED),
    # The attempt to start it is billed, also when its id is taken. The other workflow: its start, and the signal.
    Scenario(
        "child whose id is taken",
        _refused,
        {"start_workflow": 2, "start_child_workflow": 2, "signal_workflow": 1},
        {STARTED: 2, CHILD: 1, CHILD_EXTRA: 1, SIGNAL: 1},
        roots=("root", "root-other"),
    ),
    # The child's second run is the question of workflow retries, and no child start.
    Scenario("child that is retried", run_of("child_retried"), _ONE, _ONE_METERED, {"start_workflow": 1}),
    # An activity in its first run, a timer in its second.
    Scenario(
        "child that continues as new",
        run_of("child_continuing"),
        _ONE | {"schedule_activity": 1, "continue_as_new_workflow": 1, "start_timer": 1},
        _ONE_METERED | {ACTIVITY: 1, CONTINUED: 1, TIMER: 1},
    ),
    # A parent's signal is one from a workflow.
    Scenario(
        "child signalled by its parent",
        run_of("child_signalled"),
        _ONE | {"signal_external_workflow": 1},
        _ONE_METERED | {EXTERNAL_SIGNAL: 1},
    ),
    # It outlives its parent: its signal and its timer belong to the task.
    Scenario(
        "child left alive",
        _abandoned,
        _ONE | {"signal_workflow": 1, "start_timer": 1},
        _ONE_METERED | {SIGNAL: 1, TIMER: 1},
    ),
    # The server never starts a child of a parent that has ended, but the command was given.
    Scenario("child never started", run_of("child_never_started"), _ONE, _ONE_METERED),
    # An activity in the first run and a timer in the third.
    Scenario(
        "continue-as-new twice",
        run_of("activity", "again", "again", "timer"),
        {"start_workflow": 1, "schedule_activity": 1, "start_timer": 1, "continue_as_new_workflow": 2},
        {STARTED: 1, ACTIVITY: 1, TIMER: 1, CONTINUED: 2},
    ),
)
