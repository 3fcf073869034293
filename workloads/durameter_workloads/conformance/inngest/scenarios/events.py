"""Steps that send events, and the runs that these start. Events are metered apart."""

import inngest

from durameter_workloads.conformance.inngest.bench import Bench
from durameter_workloads.conformance.inngest.scenario import Drive, Scenario
from durameter_workloads.conformance.inngest.work import good

__all__ = ["SCENARIOS"]


async def _listener(ctx: inngest.Context) -> None:
    await ctx.step.run("look", good)


def _sends(*names: str, listeners: tuple[tuple[str, str], ...] = ()) -> Drive:
    """One step that sends these events; listeners are pairs of a function id and an event."""

    async def drive(on: Bench) -> None:
        async def main(ctx: inngest.Context) -> None:
            await ctx.step.send_event("send", [inngest.Event(name=on.event(name)) for name in names])

        functions = [on.function(_listener, fn_id=fn_id, trigger=on.on(event)) for fn_id, event in listeners]
        await on.serve(on.function(main), *functions)
        await on.whole_life()

    return drive


async def _outside(on: Bench) -> None:
    """Sent from the function, outside of any step: nothing says which run sent it, so the driver names it."""

    async def main(ctx: inngest.Context) -> None:
        await ctx.step.run("look", good)
        on.roots += await on.client.send(inngest.Event(name=on.event("listener")))

    await on.serve(on.function(main), on.function(_listener, fn_id="listener"))
    await on.whole_life()
    await on.until_ended(2)


async def _chain(on: Bench) -> None:
    async def first(ctx: inngest.Context) -> None:
        await ctx.step.send_event("send", inngest.Event(name=on.event("second")))

    async def second(ctx: inngest.Context) -> None:
        await ctx.step.send_event("send", inngest.Event(name=on.event("third")))

    await on.serve(on.function(first), on.function(second, fn_id="second"), on.function(_listener, fn_id="third"))
    await on.whole_life()


async def _parallel(on: Bench) -> None:
    async def main(ctx: inngest.Context) -> None:
        await ctx.group.parallel(
            (
                lambda: ctx.step.send_event("left", inngest.Event(name=on.event("one"))),
                lambda: ctx.step.send_event("right", inngest.Event(name=on.event("two"))),
            )
        )

    await on.serve(on.function(main), on.function(_listener, fn_id="one"), on.function(_listener, fn_id="two"))
    await on.whole_life()


SCENARIOS = (
    # 1 + 1; nobody listens.
    Scenario(
        name="send an event",
        drive=_sends("unheard"),
        documented={"function_run": 1, "step.run": 1},
        by={"step.run": {"send_event": 1}},
        requests=2,
    ),
    # Five events in one step: one step.
    Scenario(
        name="send five events",
        drive=_sends(*["unheard"] * 5),
        documented={"function_run": 1, "step.run": 1},
        free=("event",),
        by={"step.run": {"send_event": 1}},
        requests=2,
    ),
    # The sender 1 + 1; two events for one listener, one of which has a second listener: three runs with a step each.
    Scenario(
        name="fan out",
        drive=_sends("a", "b", listeners=(("one", "a"), ("two", "a"), ("three", "b"))),
        documented={"function_run": 1 + 3, "step.run": 1 + 3},
        by={"step.run": {"send_event": 1, "step_run": 3}},
        requests=2 + 3 * 2,
    ),
    # Three runs; each sends or looks in one step.
    Scenario(
        name="chain of events",
        drive=_chain,
        documented={"function_run": 3, "step.run": 3},
        by={"step.run": {"send_event": 2, "step_run": 1}},
        requests=3 * 2,
    ),
    # Planned steps that send: the plan, two steps, the end; two listeners.
    Scenario(
        name="send events in parallel",
        drive=_parallel,
        documented={"function_run": 1 + 2, "step.run": 2 + 2},
        by={"step.run": {"send_event": 2, "step_run": 2}},
        requests=1 + 2 + 1 + 2 * 2,
    ),
    # Sending outside of steps is none; the listener is a run with a step.
    Scenario(
        name="send outside of steps",
        drive=_outside,
        documented={"function_run": 2, "step.run": 2},
        requests=2 + 2,
    ),
)
