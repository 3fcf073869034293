"""What `watch_cost.py` runs, without a line of durameter's: `watched_program.py ENGINE RUNS FILE PORT`.

So many runs of 10 steps, 50 at once on Temporal, sent at once to Inngest, after 10 to warm up. When they began and when
the last one had ended is written to the file.
"""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import fastapi
import inngest
import inngest.fast_api
import uvicorn
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

STEPS, WARM, AT_ONCE = 10, 10, 50
TEXT = "x" * 500


@activity.defn
async def work(text: str) -> str:
    return text


@workflow.defn
class Chain:
    @workflow.run
    async def run(self, text: str) -> None:
        for _ in range(STEPS):
            await workflow.execute_activity(work, text, start_to_close_timeout=timedelta(seconds=60))


async def on_temporal(measured: Callable[[Callable[[int], Awaitable[None]]], Awaitable[None]]) -> None:
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> None:
        async with limit:
            await client.execute_workflow(Chain.run, TEXT, id=name, task_queue="bench")

    async def do(number: int) -> None:
        await asyncio.gather(*(one(f"chain-{number}-{each}") for each in range(number)))

    async with Worker(
        client,
        task_queue="bench",
        workflows=[Chain],
        activities=[work],
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=timedelta(0),
    ):
        await measured(do)


async def on_inngest(measured: Callable[[Callable[[int], Awaitable[None]]], Awaitable[None]], port: int) -> None:
    client = inngest.Inngest(app_id="bench", is_production=False)
    loop = asyncio.get_running_loop()
    left, registered = asyncio.Semaphore(0), asyncio.Event()

    async def step() -> str:
        return TEXT

    @client.create_function(fn_id="chain", trigger=inngest.TriggerEvent(event="bench/chain"), retries=0)
    async def chain(ctx: inngest.Context) -> None:
        for number in range(STEPS):
            await ctx.step.run(f"step {number}", step)
        loop.call_soon_threadsafe(left.release)

    app = fastapi.FastAPI()

    @app.middleware("http")
    async def notice(request: fastapi.Request, call_next: Any) -> Any:
        answer = await call_next(request)
        if request.method == "PUT":
            loop.call_soon_threadsafe(registered.set)
        return answer

    functions: list[Any] = [chain]
    inngest.fast_api.serve(app, client, functions)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()

    async def do(number: int) -> None:
        await client.send([inngest.Event(name="bench/chain") for _ in range(number)])
        for _ in range(number):
            await left.acquire()

    await registered.wait()
    await asyncio.sleep(1)  # the server's side of it
    await measured(do)
    await asyncio.sleep(0.2)  # the last reply leaves


async def main() -> None:
    engine, runs, file = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])

    async def measured(do: Callable[[int], Awaitable[None]]) -> None:
        await do(WARM)
        begun = time.time()
        await do(runs)
        file.write_text(json.dumps({"begun": begun, "ended": time.time()}), encoding="utf-8")

    if engine == "temporal":
        await on_temporal(measured)
    else:
        await on_inngest(measured, int(sys.argv[4]))


asyncio.run(main())
sys.stdout.flush()
os._exit(0)  # SDK threads are alive (temporalio/sdk-python issue 300)
