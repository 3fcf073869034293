"""Reasons for a higher count, on Inngest: one small function each. docs/why-higher.md shows what they cost."""

from datetime import timedelta
from typing import Any

import inngest
from examples.entered import bodies

__all__ = ["EXAMPLES", "functions"]

SOON = timedelta(milliseconds=200)

EXAMPLES = (
    "retries",
    "tools_listed_every_turn",
    "tools_listed_once",
    "child",
    "sleeps",
    "polling",
    "failure",
    "three_steps_replayed",
)
"""Names of the functions that are measured; each is started by the event `APP/NAME`."""


async def good() -> str:
    return "good"


async def refuse() -> None:
    raise RuntimeError("no")


async def retries(ctx: inngest.Context) -> None:
    """A model call that fails twice."""

    async def flaky() -> None:
        if ctx.attempt < 2:
            raise RuntimeError("not yet")

    await ctx.step.run("call the model", flaky)


async def tools_listed_every_turn(ctx: inngest.Context) -> None:
    """An agent of three turns, two of which call a tool; it asks the tool server for its list in each turn."""
    for turn in range(3):
        await ctx.step.run(f"list the tools, {turn}", good)
        await ctx.step.run(f"call the model, {turn}", good)
        if turn < 2:
            await ctx.step.run(f"call the tool, {turn}", good)


async def tools_listed_once(ctx: inngest.Context) -> None:
    """The same agent; it keeps the list."""
    await ctx.step.run("list the tools", good)
    for turn in range(3):
        await ctx.step.run(f"call the model, {turn}", good)
        if turn < 2:
            await ctx.step.run(f"call the tool, {turn}", good)


async def one_step(ctx: inngest.Context) -> None:
    """What the invoked function does."""
    await ctx.step.run("work", good)


async def child(ctx: inngest.Context) -> None:
    """Hand a piece of work to another function."""
    await ctx.step.invoke_by_id("hand over", function_id="one_step")


async def sleeps(ctx: inngest.Context) -> None:
    """Wait, remind, wait again."""
    await ctx.step.sleep("wait", SOON)
    await ctx.step.run("remind", good)
    await ctx.step.sleep("wait again", SOON)


async def polling(ctx: inngest.Context) -> None:
    """Look whether a job is done, until it is at the fifth look."""
    for look in range(5):
        await ctx.step.run(f"look {look}", good)
        if look < 4:
            await ctx.step.sleep(f"nap {look}", SOON)


async def failure(ctx: inngest.Context) -> None:
    """Reserve, charge; when the charge fails, `undo` runs as the function's failure handler."""
    await ctx.step.run("reserve", good)
    await ctx.step.run("charge", refuse)


async def undo(ctx: inngest.Context) -> None:
    """The failure handler."""
    await ctx.step.run("undo the reservation", good)


async def three_steps_replayed(ctx: inngest.Context) -> None:
    """Three steps: the body is entered again for each, and once more to end."""
    bodies[f"inngest/{ctx.event.name.partition('/')[2]}"] += 1
    for step in range(3):
        await ctx.step.run(f"step {step}", good)


def functions(client: inngest.Inngest) -> list[inngest.Function[Any]]:
    """All functions of the app."""
    handlers = (retries, tools_listed_every_turn, tools_listed_once, one_step, child, sleeps, polling)
    made: list[inngest.Function[Any]] = [_made(client, handler, retries=2) for handler in handlers]
    made.append(_made(client, three_steps_replayed, retries=2))
    made.append(_made(client, failure, retries=0, on_failure=undo))
    return made


def _made(client: inngest.Inngest, handler: Any, **options: Any) -> inngest.Function[Any]:
    name: str = handler.__name__
    trigger = inngest.TriggerEvent(event=f"{client.app_id}/{name}")
    return client.create_function(fn_id=name, trigger=trigger, **options)(handler)
