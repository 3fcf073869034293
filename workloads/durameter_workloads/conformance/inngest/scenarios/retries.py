"""Both forms of retry: of a step, and of the function. Each function here has three attempts."""

from datetime import timedelta

import inngest

from durameter_workloads.conformance.inngest.scenario import Scenario, one
from durameter_workloads.conformance.inngest.work import FOR_GOOD, broken, good, hopeless, limited

__all__ = ["SCENARIOS"]


async def _broken_twice(ctx: inngest.Context) -> None:
    await ctx.step.run("first", good)
    await ctx.step.run("second", broken, ctx, 2)


async def _broken_for_good(ctx: inngest.Context) -> None:
    await ctx.step.run("doomed", broken, ctx, FOR_GOOD)


async def _caught(ctx: inngest.Context) -> None:
    try:
        await ctx.step.run("doomed", broken, ctx, FOR_GOOD)
    except inngest.StepError:
        await ctx.step.run("rescue", good)


async def _limited_twice(ctx: inngest.Context) -> None:
    await ctx.step.run("first", good)
    await ctx.step.run("second", limited, ctx, 2)


async def _limited_for_good(ctx: inngest.Context) -> None:
    await ctx.step.run("first", good)
    await ctx.step.run("doomed", limited, ctx, FOR_GOOD)


async def _all_kinds(ctx: inngest.Context) -> None:
    await ctx.step.run("a", limited, ctx, 1)
    await ctx.step.run("b", broken, ctx, 1)
    await ctx.step.run("c", limited, ctx, 2)


async def _function_twice(ctx: inngest.Context) -> None:
    await ctx.step.run("first", good)
    if ctx.attempt < 2:
        raise RuntimeError("not yet")


async def _function_limited(ctx: inngest.Context) -> None:
    if ctx.attempt < 2:
        raise inngest.RetryAfterError("not yet", timedelta(milliseconds=500), quiet=True)


async def _function_for_good(_ctx: inngest.Context) -> None:
    raise RuntimeError("never")


async def _function_before_a_step(ctx: inngest.Context) -> None:
    if ctx.attempt < 1:
        raise RuntimeError("not yet")
    await ctx.step.run("after", good)


async def _gives_up_in_a_step(ctx: inngest.Context) -> None:
    await ctx.step.run("first", good)
    await ctx.step.run("doomed", hopeless)


async def _gives_up_outside(ctx: inngest.Context) -> None:
    await ctx.step.run("first", good)
    raise inngest.NonRetriableError("no use", quiet=True)


async def _nested_steps(ctx: inngest.Context) -> None:
    async def outer() -> None:
        await ctx.step.run("inner", good)

    await ctx.step.run("outer", outer)


SCENARIOS = (
    # 1 + 3 attempts + the end. Exposure: 2.
    Scenario(
        name="step fails twice",
        drive=one(_broken_twice),
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 2},
        requests=1 + 3 + 1,
    ),
    # Three attempts; one request more tells the function of the error, by which it fails.
    Scenario(
        name="step fails for good",
        drive=one(_broken_for_good, status="FAILED"),
        documented={"function_run": 1, "step.run": 1},
        upper={"step_retry": 2},
        requests=3 + 1,
    ),
    # That request does the next step, and another one finds the end.
    Scenario(
        name="step fails for good, caught",
        drive=one(_caught),
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 2},
        requests=3 + 1 + 1,
    ),
    Scenario(
        name="step without retries fails",
        drive=one(_broken_for_good, status="FAILED", retries=0),
        documented={"function_run": 1, "step.run": 1},
        requests=1 + 1,
    ),
    # What a 429 becomes: the function's error, whose attempts are the step's once it succeeds.
    Scenario(
        name="step is limited twice",
        drive=one(_limited_twice),
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 2},
        requests=1 + 3 + 1,
    ),
    # All its attempts were the function's errors: the doomed step has no id anywhere, and is in no source.
    Scenario(
        name="step is limited for good",
        drive=one(_limited_for_good, status="FAILED"),
        documented={"function_run": 1, "step.run": 1},
        free=("function_retry",),
        requests=1 + 3,
    ),
    Scenario(
        name="limited and failing steps in a row",
        drive=one(_all_kinds),
        documented={"function_run": 1, "step.run": 3},
        upper={"step_retry": 1 + 1 + 2},
        requests=2 + 2 + 3 + 1,
    ),
    # The function after its step: retried twice, and the run stays one.
    Scenario(
        name="function fails twice",
        drive=one(_function_twice),
        documented={"function_run": 1, "step.run": 1},
        free=("function_retry",),
        requests=1 + 3,
    ),
    Scenario(
        name="function is limited twice",
        drive=one(_function_limited),
        documented={"function_run": 1},
        free=("function_retry",),
        requests=3,
    ),
    Scenario(
        name="function fails for good",
        drive=one(_function_for_good, status="FAILED"),
        documented={"function_run": 1},
        free=("function_retry",),
        requests=3,
    ),
    # An empty function that fails at once.
    Scenario(
        name="function without retries fails",
        drive=one(_function_for_good, status="FAILED", retries=0),
        documented={"function_run": 1},
        requests=1,
    ),
    # The server has one number for both: the step that the second attempt of the function does is its second one too.
    # After the step the function fails once more, and then ends: its own retries are none.
    Scenario(
        name="function fails before its step",
        drive=one(_function_before_a_step),
        documented={"function_run": 1, "step.run": 1},
        upper={"step_retry": 1},
        requests=2 + 2,
    ),
    # No attempt more, and no id of the step.
    Scenario(
        name="step gives up",
        drive=one(_gives_up_in_a_step, status="FAILED"),
        documented={"function_run": 1, "step.run": 1},
        requests=1 + 1,
    ),
    Scenario(
        name="function gives up",
        drive=one(_gives_up_outside, status="FAILED"),
        documented={"function_run": 1, "step.run": 1},
        requests=1 + 1,
    ),
    # The SDK refuses it, as an error of the outer step that cannot be retried; the inner one never runs.
    Scenario(
        name="step in a step",
        drive=one(_nested_steps, status="FAILED"),
        documented={"function_run": 1, "step.run": 1},
        requests=1 + 1,
    ),
)
