"""One function that invokes another: a step here, and a run with steps of its own there."""

from datetime import timedelta
from typing import Any

import inngest

from durameter_workloads.conformance.inngest.bench import Bench, expect
from durameter_workloads.conformance.inngest.scenario import Drive, Scenario
from durameter_workloads.conformance.inngest.work import good

__all__ = ["SCENARIOS"]


async def _child(ctx: inngest.Context) -> str:
    return await ctx.step.run("work", good)


async def _fails(_ctx: inngest.Context) -> None:
    raise RuntimeError("no child")


async def _sleeps(ctx: inngest.Context) -> None:
    await ctx.step.sleep("nap", timedelta(seconds=60))


async def _plain(on: Bench) -> None:
    child = on.function(_child, fn_id="child")

    async def main(ctx: inngest.Context) -> None:
        expect(await ctx.step.invoke("call", function=child, data={}), "good")

    await on.serve(on.function(main), child)
    await on.whole_life()


async def _by_id(on: Bench) -> None:
    async def main(ctx: inngest.Context) -> None:
        await ctx.step.invoke_by_id("call", function_id="child", data={"a": 1})

    await on.serve(on.function(main), on.function(_child, fn_id="child"))
    await on.whole_life()


async def _other_app(on: Bench) -> None:
    other = on.session.client(f"{on.prefix}-other")
    child: inngest.Function[Any] = other.create_function(fn_id="child", trigger=on.on("child"))(_child)
    await on.enter(on.session.serve(other, [child]))

    async def main(ctx: inngest.Context) -> None:
        await ctx.step.invoke_by_id("call", app_id=other.app_id, function_id="child")

    await on.serve(on.function(main))
    await on.whole_life()


async def _grandchild(on: Bench) -> None:
    leaf = on.function(_child, fn_id="leaf")

    async def branch(ctx: inngest.Context) -> None:
        await ctx.step.invoke("call", function=leaf)

    child = on.function(branch, fn_id="child")

    async def main(ctx: inngest.Context) -> None:
        await ctx.step.invoke("call", function=child)

    await on.serve(on.function(main), child, leaf)
    await on.whole_life()


async def _twice_at_once(on: Bench) -> None:
    child = on.function(_child, fn_id="child")

    async def main(ctx: inngest.Context) -> None:
        await ctx.group.parallel(
            (lambda: ctx.step.invoke("left", function=child), lambda: ctx.step.invoke("right", function=child))
        )

    await on.serve(on.function(main), child)
    await on.whole_life()


def _calls(child_id: str, **options: Any) -> Drive:
    """Invoke something that does not come to a good end; the caller fails by it."""

    async def drive(on: Bench) -> None:
        async def main(ctx: inngest.Context) -> None:
            await ctx.step.invoke_by_id("call", function_id=child_id, **options)

        fails, sleeps = on.function(_fails, fn_id="fails", retries=0), on.function(_sleeps, fn_id="sleeps")
        await on.serve(on.function(main), fails, sleeps)
        [caller] = await _ended(on)
        expect(caller.status, "FAILED")
        for step in await on.steps(caller.id):
            if child_id == "sleeps" and step.invoked_run:
                await on.until_step(step.invoked_run, "SLEEP")
                await on.session.api.cancel(step.invoked_run)  # nobody waits for it any more

    return drive


async def _ended(on: Bench) -> list[Any]:
    await on.send("main")
    return list(await on.until_ended())


async def _failure_caught(on: Bench) -> None:
    child = on.function(_fails, fn_id="child", retries=0)

    async def main(ctx: inngest.Context) -> None:
        try:
            await ctx.step.invoke("call", function=child)
        except inngest.StepError:
            await ctx.step.run("rescue", good)

    await on.serve(on.function(main), child)
    await on.whole_life()


async def _retried_child(on: Bench) -> None:
    async def hard(ctx: inngest.Context) -> None:
        if ctx.attempt < 1:
            raise RuntimeError("not yet")

    child = on.function(hard, fn_id="child")

    async def main(ctx: inngest.Context) -> None:
        await ctx.step.invoke("call", function=child)

    await on.serve(on.function(main), child)
    await on.whole_life()


SCENARIOS = (
    # 1 + 1 here, 1 + 1 there. Two requests each.
    Scenario(
        name="invoke",
        drive=_plain,
        documented={"function_run": 2, "step.invoke": 1, "step.run": 1},
        by={"function_run": {"run": 1, "invoked_run": 1}},
        requests=2 + 2,
    ),
    Scenario(
        name="invoke by id",
        drive=_by_id,
        documented={"function_run": 2, "step.invoke": 1, "step.run": 1},
        by={"function_run": {"run": 1, "invoked_run": 1}},
        requests=2 + 2,
    ),
    Scenario(
        name="invoke a function of another app",
        drive=_other_app,
        documented={"function_run": 2, "step.invoke": 1, "step.run": 1},
        by={"function_run": {"run": 1, "invoked_run": 1}},
        requests=2 + 2,
    ),
    Scenario(
        name="invoke what invokes",
        drive=_grandchild,
        documented={"function_run": 3, "step.invoke": 2, "step.run": 1},
        by={"function_run": {"run": 1, "invoked_run": 2}},
        requests=2 + 2 + 2,
    ),
    # Invocations are reported at once, not planned: one request for both, and one when both have come back.
    Scenario(
        name="invoke twice in parallel",
        drive=_twice_at_once,
        documented={"function_run": 3, "step.invoke": 2, "step.run": 2},
        by={"function_run": {"run": 1, "invoked_run": 2}},
        requests=2 + 2 * 2,
    ),
    # The child runs and fails, without a step; the caller is told once and fails.
    Scenario(
        name="invoke what fails",
        drive=_calls("fails"),
        documented={"function_run": 2, "step.invoke": 1},
        by={"function_run": {"run": 1, "invoked_run": 1}},
        requests=2 + 1,
    ),
    # The step was there, the child was not.
    Scenario(
        name="invoke what is not there",
        drive=_calls("nothing"),
        documented={"function_run": 1, "step.invoke": 1},
        requests=2,
    ),
    # The child's run and its sleep are there, and are cancelled afterwards.
    Scenario(
        name="invoke what takes too long",
        drive=_calls("sleeps", timeout=timedelta(seconds=1)),
        documented={"function_run": 2, "step.invoke": 1, "step.sleep": 1},
        by={"function_run": {"run": 1, "cancelled_run": 1}},
        requests=2 + 1,
    ),
    # The error is told to the function, which goes on with another step in the same request.
    Scenario(
        name="invoke what fails, caught",
        drive=_failure_caught,
        documented={"function_run": 2, "step.invoke": 1, "step.run": 1},
        by={"function_run": {"run": 1, "invoked_run": 1}},
        requests=3 + 1,
    ),
    # The child's function is tried again; no step is.
    Scenario(
        name="invoke what fails once",
        drive=_retried_child,
        documented={"function_run": 2, "step.invoke": 1},
        free=("function_retry",),
        by={"function_run": {"run": 1, "invoked_run": 1}},
        requests=2 + 2,
    ),
)
