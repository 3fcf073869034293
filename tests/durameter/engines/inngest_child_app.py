"""An app in a process of its own: `python THIS NAME PORT ORIGIN SERVER MODE FOLDER`; see `own_inngest.py`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import fastapi
import inngest
import inngest.fast_api
import uvicorn

Body = Callable[[inngest.Context], Awaitable[None]]


def main(name: str, port: str, origin: str, server: str, mode: str, folder: str) -> None:
    client = inngest.Inngest(app_id=name, is_production=False, event_api_base_url=server, api_base_url=server)

    async def quick() -> str:
        return "done"

    async def slow(mark: str) -> str:
        (Path(folder) / mark).touch()
        if mode == "hang":
            await asyncio.sleep(3600)
        return "done"

    async def sequence(ctx: inngest.Context) -> None:
        await ctx.step.run("a", quick)
        await ctx.step.run("b", slow, "sequence")
        await ctx.step.run("c", quick)

    async def plan(ctx: inngest.Context) -> None:
        step = ctx.step
        await ctx.group.parallel((lambda: step.run("l", slow, "plan"), lambda: step.run("r", quick)))
        await step.run("c", quick)

    async def sleeper(ctx: inngest.Context) -> None:
        await ctx.step.run("a", quick)
        await ctx.step.sleep("nap", timedelta(minutes=1))
        await ctx.step.run("b", quick)

    async def plain(ctx: inngest.Context) -> None:
        await ctx.step.run("a", quick)
        await ctx.step.run("b", quick)

    bodies: dict[str, Body] = {"sequence": sequence, "plan": plan, "sleeper": sleeper, "plain": plain}

    def function(body: str, retries: int) -> inngest.Function[None]:
        async def run(ctx: inngest.Context) -> None:
            await bodies[body](ctx)

        trigger = inngest.TriggerEvent(event=f"{name}/{body}{retries}")
        return client.create_function(fn_id=f"{body}{retries}", trigger=trigger, retries=retries)(run)

    app = fastapi.FastAPI()
    functions = [function(body, retries) for body in bodies for retries in (1, 19)]
    inngest.fast_api.serve(app, client, functions, serve_origin=origin)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="error")


if __name__ == "__main__":
    main(*sys.argv[1:])
