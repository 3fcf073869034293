"""What starts runs: events that match, several triggers, a clock, a call."""

import asyncio
import time

import inngest

from durameter_workloads.conformance.inngest.bench import Bench, expect
from durameter_workloads.conformance.inngest.scenario import Scenario
from durameter_workloads.conformance.inngest.work import good

__all__ = ["SCENARIOS"]


async def _look(ctx: inngest.Context) -> None:
    await ctx.step.run("look", good)


async def _filtered(on: Bench) -> None:
    await on.serve(on.function(_look, trigger=on.on("main", expression="event.data.size > 10")))
    for size in (5, 15, 20):
        await on.send("main", data={"size": size})
    await on.until_ended(2)
    await asyncio.sleep(1)  # no third one comes
    expect(len(await on.runs()), 2)


async def _several(on: Bench) -> None:
    await on.serve(on.function(_look, trigger=[on.on("one"), on.on("two")]))
    await on.send("one", "two")
    await on.until_ended(2)


async def _two_functions(on: Bench) -> None:
    await on.serve(on.function(_look), on.function(_look, fn_id="other", trigger=on.on("main")))
    await on.send("main")
    await on.until_ended(2)


async def _wildcard(on: Bench) -> None:
    await on.serve(on.function(_look, trigger=on.on("orders.*")))
    await on.send("orders.made", "orders.paid")
    await on.until_ended(2)


async def _nobody(on: Bench) -> None:
    await on.serve(on.function(_look))
    await on.send("unheard")
    await asyncio.sleep(1)
    expect(await on.runs(), [])


async def _clock(on: Bench) -> None:
    """By the clock; then the app is taken from the server, or it would go on."""
    await on.serve(on.function(_look, trigger=inngest.TriggerCron(cron="* * * * *")))
    await on.adopt("main")
    await on.session.api.ask("mutation($n: String!){deleteAppByName(name: $n)}", n=on.prefix)
    await on.until_ended()


async def _called(on: Bench) -> None:
    """As the dev server's own button does it."""
    await on.serve(on.function(_look))
    await on.session.api.ask(
        "mutation($slug: String!){invokeFunction(functionSlug: $slug, data: {a: 1})}", slug=f"{on.prefix}-main"
    )
    await on.adopt("main")
    await on.until_ended()


async def _later(on: Bench) -> None:
    """An event whose time is to come: its run waits for it."""
    await on.serve(on.function(_look))
    soon = int((time.time() + 2) * 1000)
    on.roots += await on.client.send(inngest.Event(name=on.event("main"), ts=soon))
    await on.until_ended()


SCENARIOS = (
    # Once a minute is the most that a schedule can say.
    Scenario(name="cron", drive=_clock, documented={"function_run": 1, "step.run": 1}, requests=2),
    # Two of three match.
    Scenario(
        name="trigger with a filter",
        drive=_filtered,
        documented={"function_run": 2, "step.run": 2},
        free=("skipped_run",),
        requests=2 * 2,
        differences={"runs/events": {"filtered": 1}},
    ),
    Scenario(name="several triggers", drive=_several, documented={"function_run": 2, "step.run": 2}, requests=2 * 2),
    Scenario(
        name="one event, two functions",
        drive=_two_functions,
        documented={"function_run": 2, "step.run": 2},
        requests=2 * 2,
    ),
    Scenario(
        name="trigger with a wildcard",
        drive=_wildcard,
        documented={"function_run": 2, "step.run": 2},
        requests=2 * 2,
    ),
    # No function, no run: nothing.
    Scenario(name="event that nobody listens to", drive=_nobody, documented={}, requests=0, free=("event",), gaps=1),
    Scenario(name="called over the API", drive=_called, documented={"function_run": 1, "step.run": 1}, requests=2),
    Scenario(name="event of the future", drive=_later, documented={"function_run": 1, "step.run": 1}, requests=2),
)
