"""What recording the replies costs an Inngest app: throughput with the recorder over throughput without.

    .venv/bin/python benchmarks/recorder_cost.py

Alternating pairs in one process, real HTTP on loopback, the Inngest SDK's own handler behind it. Prints every ratio and
their median.
"""

import asyncio
import statistics
import time

import fastapi
import httpx
import inngest
import inngest.fast_api

from durameter import serve_app
from durameter_collectors.inngest.replies import ReplyRecorder

PAIRS, REQUESTS, AT_ONCE = 9, 400, 10


def app() -> fastapi.FastAPI:
    client = inngest.Inngest(app_id="bench", is_production=False)

    async def work() -> str:
        return "x" * 2000

    @client.create_function(fn_id="one", trigger=inngest.TriggerEvent(event="bench/one"))
    async def one(ctx: inngest.Context) -> str:
        return await ctx.step.run("work", work)

    served = fastapi.FastAPI()
    inngest.fast_api.serve(served, client, [one])
    return served


def request(number: int) -> dict[str, object]:
    event = {"name": "bench/one", "data": {"text": "y" * 2000}, "id": "e", "ts": 0}
    context = {"attempt": 0, "disable_immediate_execution": False, "run_id": f"run-{number}", "stack": {"stack": []}}
    return {"ctx": context, "event": event, "events": [event], "steps": {}, "use_api": False}


async def throughput(*, recorded: bool) -> float:
    kept: list[object] = []
    inner = app()
    async with serve_app(ReplyRecorder(inner, kept.append) if recorded else inner) as port, httpx.AsyncClient() as http:

        async def some(first: int) -> None:
            for number in range(first, REQUESTS, AT_ONCE):
                url = f"http://127.0.0.1:{port}/api/inngest?fnId=bench-one&stepId=step"
                answer = await http.post(url, json=request(number))
                assert answer.status_code == 206, answer.text

        begun = time.perf_counter()
        await asyncio.gather(*(some(first) for first in range(AT_ONCE)))
        seconds = time.perf_counter() - begun
    assert len(kept) == (REQUESTS if recorded else 0)
    return REQUESTS / seconds


async def main() -> None:
    ratios = []
    for pair in range(PAIRS):
        order = [True, False] if pair % 2 else [False, True]
        found = {recorded: await throughput(recorded=recorded) for recorded in order}
        ratios.append(found[True] / found[False])
        print(f"pair {pair + 1}: {found[True]:.0f} recorded / {found[False]:.0f} plain requests/s = {ratios[-1]:.2f}")
    print(f"median ratio {statistics.median(ratios):.2f}")


asyncio.run(main())
