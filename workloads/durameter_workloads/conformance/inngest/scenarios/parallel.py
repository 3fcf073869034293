"""Groups of steps side by side: planning and discovery cost nothing."""

from datetime import timedelta
from functools import partial

import inngest

from durameter_workloads.conformance.inngest.scenario import Scenario, one
from durameter_workloads.conformance.inngest.work import FOR_GOOD, broken, good, hopeless, limited, slow

__all__ = ["SCENARIOS"]


async def _two_and_one(ctx: inngest.Context) -> None:
    await ctx.group.parallel((lambda: ctx.step.run("left", good), lambda: ctx.step.run("right", good)))
    await ctx.step.run("after", good)


async def _nine(ctx: inngest.Context) -> None:
    await ctx.group.parallel(tuple(partial(ctx.step.run, f"step {number}", good) for number in range(9)))


async def _group_of_one(ctx: inngest.Context) -> None:
    await ctx.group.parallel((lambda: ctx.step.run("alone", good),))


async def _groups_in_a_row(ctx: inngest.Context) -> None:
    await ctx.group.parallel((lambda: ctx.step.run("a", good), lambda: ctx.step.run("b", good)))
    await ctx.group.parallel((lambda: ctx.step.run("c", good), lambda: ctx.step.run("d", good)))


async def _race(ctx: inngest.Context) -> None:
    await ctx.group.parallel(
        (lambda: ctx.step.run("quick", good), lambda: ctx.step.run("slow", slow, 1.0)),
        parallel_mode=inngest.ParallelMode.RACE,
    )
    await ctx.step.run("after", good)


async def _nested(ctx: inngest.Context) -> None:
    async def two() -> None:
        await ctx.step.run("first", good)
        await ctx.step.run("second", good)

    async def inner() -> None:
        await ctx.group.parallel((lambda: ctx.step.run("c", good), lambda: ctx.step.run("d", good)))

    await ctx.group.parallel((two, inner))


async def _mixed(ctx: inngest.Context) -> None:
    await ctx.group.parallel(
        (
            lambda: ctx.step.run("work", good),
            lambda: ctx.step.sleep("nap", timedelta(milliseconds=300)),
            lambda: ctx.step.wait_for_event("wait", event="nobody/sends", timeout=timedelta(seconds=1)),
        )
    )


async def _both_fail(ctx: inngest.Context) -> None:
    await ctx.group.parallel(
        (lambda: ctx.step.run("left", limited, ctx, 2), lambda: ctx.step.run("right", broken, ctx, 1))
    )


async def _limited_for_good(ctx: inngest.Context) -> None:
    await ctx.group.parallel(
        (lambda: ctx.step.run("left", limited, ctx, FOR_GOOD), lambda: ctx.step.run("right", good))
    )


async def _broken_for_good(ctx: inngest.Context) -> None:
    await ctx.group.parallel((lambda: ctx.step.run("left", broken, ctx, FOR_GOOD), lambda: ctx.step.run("right", good)))


async def _gives_up(ctx: inngest.Context) -> None:
    async def late() -> str:
        await slow(1.0)
        return await hopeless()

    await ctx.group.parallel((lambda: ctx.step.run("left", late), lambda: ctx.step.run("right", good)))


async def _first_ends_all(ctx: inngest.Context) -> None:
    await ctx.group.parallel((lambda: ctx.step.run("left", hopeless), lambda: ctx.step.run("right", hopeless)))


def _repaired(name: str, units: int) -> dict[str, dict[str, int]]:
    """What wire and store have beside the trace, and the ledger with them."""
    return {"trace/wire": {name: units}, "trace/store": {name: units}, "ledger/trace": {name: -units}}


SCENARIOS = (
    # Requests: the plan, one per step, one that finds and does the step after the group, the end.
    Scenario(
        name="parallel, then one",
        drive=one(_two_and_one),
        documented={"function_run": 1, "step.run": 2 + 1},
        free=("sdk_request",),
        requests=1 + 2 + 1 + 1,
    ),
    Scenario(
        name="nine in parallel",
        drive=one(_nine),
        documented={"function_run": 1, "step.run": 9},
        free=("sdk_request",),
        requests=1 + 9 + 1,
    ),
    # The SDK plans it all the same.
    Scenario(
        name="parallel group of one",
        drive=one(_group_of_one),
        documented={"function_run": 1, "step.run": 1},
        requests=1 + 1 + 1,
    ),
    # The second plan is made by the request that finds the end of the first group.
    Scenario(
        name="two groups in a row",
        drive=one(_groups_in_a_row),
        documented={"function_run": 1, "step.run": 4},
        requests=1 + 2 + 1 + 2 + 1,
    ),
    # A race goes on with the winner, and the loser is done all the same: 3 steps. When the loser ends, the server asks
    # what is next once more, or not if the run has ended: requests depend on that.
    Scenario(name="race", drive=one(_race), documented={"function_run": 1, "step.run": 2 + 1}),
    # Two steps in a row beside a group of two: a plan of three, the three, a plan of the last, itself, the end.
    Scenario(
        name="nested groups",
        drive=one(_nested),
        documented={"function_run": 1, "step.run": 2 + 2},
        requests=1 + 3 + 1 + 1 + 1,
    ),
    # Only the step is asked for; the rest is in the plan, and passed at the end.
    Scenario(
        name="steps of three kinds in parallel",
        drive=one(_mixed),
        documented={"function_run": 1, "step.run": 1, "step.sleep": 1, "step.wait_for_event": 1},
        requests=1 + 1 + 1,
    ),
    # Retry exposure: 2 of the one, 1 of the other. The plan, 3 + 2 attempts, the end.
    Scenario(
        name="parallel, both fail and recover",
        drive=one(_both_fail),
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 2 + 1},
        requests=1 + 3 + 2 + 1,
    ),
    # The planned step has an id by its plan, so that its attempts are known: 3. No request after them: the run fails.
    Scenario(
        name="parallel, one is limited for good",
        drive=one(_limited_for_good, status="FAILED"),
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 2},
        requests=1 + 3 + 1,
        # The server's trace has the first attempt only.
        differences=_repaired("retries_untold", 2),
    ),
    # The last failure is told to the function, which fails: one request more.
    Scenario(
        name="parallel, one fails for good",
        drive=one(_broken_for_good, status="FAILED"),
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 2},
        requests=1 + 3 + 1 + 1,
    ),
    # Both were begun: right ends long before left gives up, and that ends the run.
    Scenario(
        name="parallel, one gives up",
        drive=one(_gives_up, status="FAILED"),
        documented={"function_run": 1, "step.run": 2},
        requests=1 + 2,
    ),
    # One at a time: whichever comes first ends the run, and the other is never begun.
    Scenario(
        name="parallel, one at a time, the first ends all",
        drive=one(_first_ends_all, status="FAILED", concurrency=[inngest.Concurrency(limit=1)]),
        documented={"function_run": 1, "step.run": 1},
        free=("planned_never_begun",),
        requests=1 + 1,
        # The server's trace lists what was planned.
        differences=_repaired("planned_never_begun", -1),
    ),
)
