"""What happens after a failure, and results that are none."""

import inngest

from durameter_workloads.conformance.inngest.bench import Bench, Handler
from durameter_workloads.conformance.inngest.scenario import Drive, Scenario, one
from durameter_workloads.conformance.inngest.work import FOR_GOOD, broken, good, hopeless

__all__ = ["SCENARIOS"]


async def _clean_up(ctx: inngest.Context) -> None:
    await ctx.step.run("clean up", good)


async def _no_clean_up(_ctx: inngest.Context) -> None:
    raise RuntimeError("worse")


async def _fails_in_a_step(ctx: inngest.Context) -> None:
    await ctx.step.run("doomed", broken, ctx, FOR_GOOD)


async def _fails_outside(_ctx: inngest.Context) -> None:
    raise RuntimeError("never")


async def _gives_up(ctx: inngest.Context) -> None:
    await ctx.step.run("doomed", hopeless)


def _with_handler(main: Handler, handler: Handler) -> Drive:
    """A function without retries that fails, and its failure handler."""
    return one(main, status="FAILED", retries=0, on_failure=handler)


async def _another_listens(on: Bench) -> None:
    """A function of its own that is triggered by the server's own event about the failure."""
    trigger = inngest.TriggerEvent(
        event="inngest/function.failed", expression=f"event.data.function_id == '{on.prefix}-main'"
    )
    await on.serve(on.function(_fails_outside, retries=0), on.function(_clean_up, fn_id="listens", trigger=trigger))
    await on.whole_life(status="FAILED")


async def _not_json(_ctx: inngest.Context) -> object:
    return {1, 2, 3}


async def _step_not_json(ctx: inngest.Context) -> None:
    async def odd() -> object:
        return {1, 2, 3}

    await ctx.step.run("odd", odd)


SCENARIOS = (
    # Each its own run with one step. The failing step is one attempt, and one request tells the function.
    Scenario(
        name="failure handler",
        drive=_with_handler(_fails_in_a_step, _clean_up),
        documented={"function_run": 1 + 1, "step.run": 1 + 1},
        by={"function_run": {"run": 1, "failure_handler": 1}},
        requests=2 + 2,
    ),
    Scenario(
        name="failure handler after an error outside of steps",
        drive=_with_handler(_fails_outside, _clean_up),
        documented={"function_run": 1 + 1, "step.run": 1},
        by={"function_run": {"run": 1, "failure_handler": 1}},
        requests=1 + 2,
    ),
    # The step that gave up has no id.
    Scenario(
        name="failure handler after a step gave up",
        drive=_with_handler(_gives_up, _clean_up),
        documented={"function_run": 1 + 1, "step.run": 1},
        by={"function_run": {"run": 1, "failure_handler": 1}},
        requests=1 + 2,
    ),
    # A handler has no retries and no handler.
    Scenario(
        name="failure handler that fails",
        drive=_with_handler(_fails_outside, _no_clean_up),
        documented={"function_run": 1 + 1},
        by={"function_run": {"run": 1, "failure_handler": 1}},
        requests=1 + 1,
    ),
    Scenario(
        name="another function listens to the failure",
        drive=_another_listens,
        documented={"function_run": 1 + 1, "step.run": 1},
        by={"function_run": {"run": 1, "failure_handler": 1}},
        requests=1 + 2,
    ),
    # The SDK cannot write it down: an error of the function, tried three times.
    Scenario(
        name="function returns what is no JSON",
        drive=one(_not_json, status="FAILED"),
        documented={"function_run": 1},
        free=("function_retry",),
        requests=3,
    ),
    # The SDK finds out when it writes its reply: likewise, and the step has no id anywhere.
    Scenario(
        name="step returns what is no JSON",
        drive=one(_step_not_json, status="FAILED"),
        documented={"function_run": 1},
        free=("function_retry",),
        requests=3,
    ),
)
