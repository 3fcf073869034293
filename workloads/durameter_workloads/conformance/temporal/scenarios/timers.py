"""Timers: one Action each, also when a time-out of something else makes them."""

from durameter_workloads.conformance.temporal.bench import Bench
from durameter_workloads.conformance.temporal.meter import ACTIVITY, SIGNAL, STARTED, TIMER
from durameter_workloads.conformance.temporal.scenario import Scenario, run_of
from durameter_workloads.conformance.temporal.workflows import Steps

__all__ = ["SCENARIOS"]

_ONE = {"start_workflow": 1, "start_timer": 1}
_ONE_METERED = {STARTED: 1, TIMER: 1}


async def _condition_met(on: Bench) -> None:
    root = await on.start("condition_poked")
    await on.seen(root, "TIMER_STARTED")  # a signal that came before the wait would make no timer
    await root.signal(Steps.poke)
    await root.result()


SCENARIOS = (
    Scenario("timer", run_of("timer"), _ONE, _ONE_METERED),
    Scenario("condition already true", run_of("condition_true"), {"start_workflow": 1}, {STARTED: 1}),
    Scenario("condition met in time", _condition_met, _ONE | {"signal_workflow": 1}, _ONE_METERED | {SIGNAL: 1}),
    Scenario("condition timed out", run_of("condition_late"), _ONE, _ONE_METERED),
    # Cancelling is free, and what was never commanded is not billed.
    Scenario(
        "timer cancelled",
        run_of("timer_cancelled"),
        _ONE | {"schedule_activity": 1},
        _ONE_METERED | {ACTIVITY: 1},
        free=("free_operations",),
    ),
    Scenario(
        "timer cancelled in the same task",
        run_of("timer_cancelled_at_once"),
        {"start_workflow": 1},
        {STARTED: 1},
        free=("free_operations",),
    ),
)
