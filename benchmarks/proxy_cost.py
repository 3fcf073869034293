"""What the wire tap before an Inngest app costs: throughput through it over throughput without it.

    .venv/bin/python benchmarks/proxy_cost.py [--pairs 7] [--runs 150]

Alternating pairs, a fresh server for each run (a dev server slows down as its store grows). 150 runs of 10 steps, sent
at once and with no counting: the engine at its limit. Prints every ratio and their median.
"""

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import fastapi
import httpx
import inngest
import inngest.fast_api
import psutil

from durameter.config import Config
from durameter.engines.base import RunningServer
from durameter.engines.inngest import InngestEngine
from durameter.engines.process import GuardedProcess, clean_environment, free_ports
from durameter.web import serve_app
from durameter_collectors.inngest.wire.log import WireLog, tap_command
from durameter_collectors.inngest.wire.runs import runs_on_wire

STEPS, WARM = 10, 10


async def work() -> str:
    return "x" * 500


async def throughput(server: RunningServer, runs: int, log: WireLog | None) -> float:
    """Runs per second, after ten to warm up."""
    address = server.info.address
    if log is not None:
        address = f"http://127.0.0.1:{await log.before_server(address.removeprefix('http://'))}"
    client = inngest.Inngest(
        app_id="bench",
        is_production=False,
        event_api_base_url=address,
        api_base_url=address,
        logger=logging.getLogger("inngest"),
    )
    left = asyncio.Semaphore(0)

    @client.create_function(fn_id="chain", trigger=inngest.TriggerEvent(event="bench/chain"), retries=0)
    async def chain(ctx: inngest.Context) -> None:
        for number in range(STEPS):
            await ctx.step.run(f"step {number}", work)
        left.release()

    async def do(number: int) -> float:
        begun = time.perf_counter()
        await client.send([inngest.Event(name="bench/chain") for _ in range(number)])
        for _ in range(number):
            await left.acquire()
        return number / (time.perf_counter() - begun)

    app = fastapi.FastAPI()
    async with serve_app(app) as port, httpx.AsyncClient(timeout=30) as http:
        asked = port if log is None else await log.before_app(f"127.0.0.1:{port}")
        inngest.fast_api.serve(app, client, [chain], serve_origin=f"http://127.0.0.1:{asked}")
        (await http.put(f"http://127.0.0.1:{port}/api/inngest")).raise_for_status()
        await do(WARM)
        found = await do(runs)
        await asyncio.sleep(1)  # the last replies leave
        return found


@asynccontextmanager
async def tap(folder: Path) -> AsyncIterator[tuple[WireLog, GuardedProcess]]:
    (control,) = free_ports(1)
    argv = tap_command(sys.executable, out=folder / "wire.jsonl", control=control)
    process = await GuardedProcess.start("the tap", argv, folder=folder, environment=clean_environment(folder))
    try:
        log = WireLog(folder / "wire.jsonl", control)
        assert await process.ready(log.ready, port=control)
        yield log, process
    finally:
        await process.stop()


async def measured(folder: Path, runs: int, *, tapped: bool) -> float:
    (folder / "server").mkdir()
    server = await InngestEngine().start(Config(), folder / "server", lambda _line: None)
    try:
        if not tapped:
            return await throughput(server, runs, None)
        async with tap(folder) as (log, process):
            found = await throughput(server, runs, log)
            begun = time.perf_counter()
            await log.settle()
            late = time.perf_counter() - begun
            seen = runs_on_wire(log.rows)
            assert len(seen) == WARM + runs
            assert all((run.requests, len(run.steps)) == (STEPS + 1, STEPS) for run in seen.values())
            assert not log.problems(), log.problems()
            both = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
            spent = ", ".join(f"{sum(each.cpu_times()[:2]):.1f}" for each in both)
            print(f"  decoder done {late:.1f} s after the work; processor seconds of tap and decoder: {spent}")
            return found
    finally:
        await server.process.stop()


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--runs", type=int, default=150)
    arguments = parser.parse_args()
    ratios = []
    for pair in range(arguments.pairs):
        found = {}
        for tapped in (True, False) if pair % 2 else (False, True):
            with tempfile.TemporaryDirectory() as folder:
                found[tapped] = await measured(Path(folder), arguments.runs, tapped=tapped)
        ratios.append(found[True] / found[False])
        what = f"{found[True]:.2f} through / {found[False]:.2f} direct runs/s = {ratios[-1]:.2f}"
        print(f"pair {pair + 1}: {what}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}", flush=True)


asyncio.run(main())
