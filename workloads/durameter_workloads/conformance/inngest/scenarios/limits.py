"""The server's own limits, and what a run costs that meets one."""

from functools import partial

import inngest

from durameter_workloads.conformance.inngest.bench import Bench
from durameter_workloads.conformance.inngest.scenario import Scenario, one
from durameter_workloads.conformance.inngest.work import good

__all__ = ["SCENARIOS"]

_MEGABYTE = 2**20


async def _large(size: int) -> str:
    return "x" * size


async def _large_step(ctx: inngest.Context) -> None:
    await ctx.step.run("large", _large, 3 * _MEGABYTE)
    await ctx.step.run("after", good)


async def _too_large_step(ctx: inngest.Context) -> None:
    await ctx.step.run("before", good)
    await ctx.step.run("large", _large, 5 * _MEGABYTE)


async def _far_too_large_step(ctx: inngest.Context) -> None:
    await ctx.step.run("large", _large, 9 * _MEGABYTE)


async def _too_large_result(_ctx: inngest.Context) -> str:
    return await _large(9 * _MEGABYTE)


async def _large_together(ctx: inngest.Context) -> None:
    for number in range(12):
        await ctx.step.run(f"large {number}", _large, 3 * _MEGABYTE)


async def _too_many(ctx: inngest.Context) -> None:
    await ctx.group.parallel(tuple(partial(ctx.step.run, f"step {number}", good) for number in range(1001)))


async def _until_it_ends(on: Bench) -> None:
    """The server refuses the plan. It may call such a run completed or failed (seen both on 1.44.0)."""
    await on.serve(on.function(_too_many))
    await on.send("main")
    await on.until_ended()


SCENARIOS = (
    # 3 MiB of the 4 MiB that a step may return.
    Scenario(name="large step", drive=one(_large_step), documented={"function_run": 1, "step.run": 2}, requests=3),
    # More than 4 MiB: the server takes none of the three replies, and the step has no id.
    Scenario(
        name="step over the size limit",
        drive=one(_too_large_step, status="FAILED"),
        documented={"function_run": 1, "step.run": 1},
        requests=1 + 3,
    ),
    # More than 8 MiB: it does not even read them to their end.
    Scenario(
        name="step far over the size limit",
        drive=one(_far_too_large_step, status="FAILED"),
        documented={"function_run": 1},
        requests=3,
    ),
    Scenario(
        name="result over the size limit",
        drive=one(_too_large_result, status="FAILED"),
        documented={"function_run": 1},
        requests=3,
    ),
    # 32 MiB is what a run may hold: ten steps of 3 MiB fit, the eleventh is taken and ends the run.
    Scenario(
        name="steps over the limit of a run's state",
        drive=one(_large_together, status="FAILED"),
        documented={"function_run": 1, "step.run": 11},
        requests=11,
    ),
    # 1000 is what a run may have: of a plan with more, none is begun.
    Scenario(name="1001 steps in one plan", drive=_until_it_ends, documented={"function_run": 1}, requests=1),
)
