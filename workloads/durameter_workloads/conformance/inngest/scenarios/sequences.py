"""Steps one after the other."""

import inngest
from inngest.experimental.realtime import publish

from durameter_workloads.conformance.inngest.bench import Bench
from durameter_workloads.conformance.inngest.scenario import Scenario, one
from durameter_workloads.conformance.inngest.work import broken, good

__all__ = ["SCENARIOS"]


async def _nothing(_ctx: inngest.Context) -> str:
    return "done"


async def _three(ctx: inngest.Context) -> None:
    for number in range(3):
        await ctx.step.run(f"step {number}", good)


async def _same_id(ctx: inngest.Context) -> None:
    for _ in range(12):
        await ctx.step.run("same", good)


async def _many(ctx: inngest.Context) -> None:
    for number in range(101):
        await ctx.step.run(f"step {number}", good)


async def _finalization(ctx: inngest.Context) -> None:
    await ctx.step.run("Finalization", good)


async def _strange_names(ctx: inngest.Context) -> None:
    await ctx.step.run("Schritt „eins“ / 第一步", good)
    await ctx.step.run("step", good)


async def _branches(ctx: inngest.Context) -> None:
    if await ctx.step.run("look", good) == "good":
        await ctx.step.run("left", good)
    else:
        await ctx.step.run("right", good)


async def _publishes_in_a_step(on: Bench) -> None:
    async def said() -> None:
        await publish(on.client, on.prefix, "talk", {"said": "good"})

    async def main(ctx: inngest.Context) -> None:
        await ctx.step.run("publish", said)

    await on.serve(on.function(main))
    await on.whole_life()


async def _publishes_outside(on: Bench) -> None:
    async def main(ctx: inngest.Context) -> None:
        await ctx.step.run("look", good)
        await publish(on.client, on.prefix, "talk", {"said": "good"})

    await on.serve(on.function(main))
    await on.whole_life()


async def _in_a_thread(on: Bench) -> None:
    def main(ctx: inngest.ContextSync) -> None:
        ctx.step.run("first", lambda: "good")
        ctx.step.run("second", lambda: "good")

    function = on.client.create_function(fn_id="main", trigger=on.on("main"))(main)
    await on.serve(function)
    await on.whole_life()


async def _streamed(on: Bench) -> None:
    async def main(ctx: inngest.Context) -> None:
        await ctx.step.run("first", good)
        await ctx.step.run("second", broken, ctx, 1)

    await on.serve_streamed(on.function(main))
    await on.whole_life()


SCENARIOS = (
    # The run alone; one request finds that nothing is to do.
    Scenario(name="no steps", drive=one(_nothing), documented={"function_run": 1}, requests=1),
    # 1 + 3. Each request does one step and replies; the fourth finds the end.
    Scenario(name="three steps", drive=one(_three), documented={"function_run": 1, "step.run": 3}, requests=4),
    # The SDK numbers repeated ids: 12 steps.
    Scenario(
        name="same id twelve times", drive=one(_same_id), documented={"function_run": 1, "step.run": 12}, requests=13
    ),
    Scenario(name="101 steps", drive=one(_many), documented={"function_run": 1, "step.run": 101}, requests=102),
    # A user's step may be called like the server's own last span.
    Scenario(
        name="step named Finalization",
        drive=one(_finalization),
        documented={"function_run": 1, "step.run": 1},
        requests=2,
    ),
    # Not in ASCII; and the very word by which the server asks for no step in particular.
    Scenario(
        name="strange names", drive=one(_strange_names), documented={"function_run": 1, "step.run": 2}, requests=3
    ),
    # Only the branch that is taken: look, left.
    Scenario(name="branches", drive=one(_branches), documented={"function_run": 1, "step.run": 2}, requests=3),
    # Published as a step: that step.
    Scenario(
        name="publish in a step",
        drive=_publishes_in_a_step,
        documented={"function_run": 1, "step.run": 1},
        requests=2,
    ),
    # Published by the client outside of steps: a message, no execution.
    Scenario(
        name="publish outside of steps",
        drive=_publishes_outside,
        documented={"function_run": 1, "step.run": 1},
        requests=2,
    ),
    # A function without async: the same.
    Scenario(
        name="synchronous function", drive=_in_a_thread, documented={"function_run": 1, "step.run": 2}, requests=3
    ),
    # The replies have status and steps within: first, second twice, the end.
    Scenario(
        name="streamed replies",
        drive=_streamed,
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 1},
        requests=1 + 2 + 1,
    ),
)
