"""Sleeping, and waiting for an event."""

from datetime import UTC, datetime, timedelta

import inngest

from durameter_workloads.conformance.inngest.bench import Bench, expect
from durameter_workloads.conformance.inngest.scenario import Scenario, one
from durameter_workloads.conformance.inngest.work import good

__all__ = ["SCENARIOS"]


async def _sleep_between(ctx: inngest.Context) -> None:
    await ctx.step.run("before", good)
    await ctx.step.sleep("nap", timedelta(milliseconds=300))
    await ctx.step.run("after", good)


async def _sleep_until(ctx: inngest.Context) -> None:
    await ctx.step.sleep_until("nap", datetime.now(UTC) + timedelta(milliseconds=500))


async def _sleep_until_past(ctx: inngest.Context) -> None:
    await ctx.step.sleep_until("nap", datetime(2026, 1, 1, tzinfo=UTC))


async def _two_sleeps(ctx: inngest.Context) -> None:
    for _ in range(2):
        await ctx.step.sleep("nap", timedelta(milliseconds=200))


async def _never(ctx: inngest.Context) -> None:
    found = await ctx.step.wait_for_event("wait", event="nobody/sends", timeout=timedelta(seconds=1))
    expect(found, None)


async def _met(on: Bench) -> None:
    async def main(ctx: inngest.Context) -> str:
        found = await ctx.step.wait_for_event("wait", event=on.event("answer"), timeout=timedelta(seconds=60))
        return "met" if found else "alone"

    await on.serve(on.function(main))
    await on.send("main")
    [run] = await on.until_runs(1)
    await on.until_step(run.id, "WAIT_FOR_EVENT")  # one that is sent before is lost
    await on.send("answer", root=False)
    await on.until_ended()


async def _met_by_expression(on: Bench) -> None:
    async def main(ctx: inngest.Context) -> None:
        await ctx.step.run("before", good)
        await ctx.step.wait_for_event(
            "wait", event=on.event("answer"), if_exp="async.data.good == true", timeout=timedelta(seconds=60)
        )
        await ctx.step.run("after", good)

    await on.serve(on.function(main))
    await on.send("main")
    [run] = await on.until_runs(1)
    await on.until_step(run.id, "WAIT_FOR_EVENT")
    await on.send("answer", root=False, data={"good": False})  # not the one
    await on.send("answer", root=False, data={"good": True})
    await on.until_ended()


async def _two_waits(on: Bench) -> None:
    """Two runs that wait for the same event, which also starts a function of its own."""

    async def main(ctx: inngest.Context) -> None:
        await ctx.step.wait_for_event("wait", event=on.event("answer"), timeout=timedelta(seconds=60))

    async def listens(ctx: inngest.Context) -> None:
        await ctx.step.run("look", good)

    await on.serve(on.function(main), on.function(listens, fn_id="listens", trigger=on.on("answer")))
    await on.send("main", "main")
    for run in await on.until_runs(2):
        await on.until_step(run.id, "WAIT_FOR_EVENT")
    await on.send("answer")
    await on.until_ended(3)


SCENARIOS = (
    # Three steps; a sleep is reported by one request and passed by the next.
    Scenario(
        name="sleep between steps",
        drive=one(_sleep_between),
        documented={"function_run": 1, "step.run": 2, "step.sleep": 1},
        requests=4,
    ),
    Scenario(name="sleep until", drive=one(_sleep_until), documented={"function_run": 1, "step.sleep": 1}, requests=2),
    # It does not sleep, and is a step.
    Scenario(
        name="sleep until a moment that has passed",
        drive=one(_sleep_until_past),
        documented={"function_run": 1, "step.sleep": 1},
        requests=2,
    ),
    Scenario(
        name="two sleeps of one id", drive=one(_two_sleeps), documented={"function_run": 1, "step.sleep": 2}, requests=3
    ),
    Scenario(
        name="wait for an event that never comes",
        drive=one(_never),
        documented={"function_run": 1, "step.wait_for_event": 1},
        requests=2,
    ),
    Scenario(
        name="wait for an event that comes",
        drive=_met,
        documented={"function_run": 1, "step.wait_for_event": 1},
        requests=2,
    ),
    # Before, the wait, after, the end. An event that does not match does nothing.
    Scenario(
        name="wait for an event that matches",
        drive=_met_by_expression,
        documented={"function_run": 1, "step.run": 2, "step.wait_for_event": 1},
        requests=4,
    ),
    # Two runs with one wait each; and the run of the event itself, with one step.
    Scenario(
        name="an event that two wait for and one listens to",
        drive=_two_waits,
        documented={"function_run": 3, "step.wait_for_event": 2, "step.run": 1},
        requests=2 + 2 + 2,
    ),
)
