"""What the wire tap costs: throughput through it over throughput without it.

    .venv/bin/python benchmarks/tap_cost.py [--pairs 7] [--work agent|chain]

Alternating pairs, a fresh server for each run (a dev server slows down as its store grows). Prints every ratio and
their median. `agent`: tasks of the reference agent, as `durameter run` measures them, all counting included. `chain`:
150 workflows of 10 activities, 50 at once, and no counting: the engine at its limit.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import psutil
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from durameter.config import make_config
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.engine import TemporalEngine
from durameter.processes.server import GuardedProcess, clean_environment, free_ports
from durameter.registry import load_engine, load_workload
from durameter.results.model import EngineResult
from durameter.runner.run import Plan, Subject, measure
from durameter.telemetry import open_telemetry
from durameter_collectors.temporal.wire.client import WireLog, tap_command

WORKFLOWS, AT_ONCE, ACTIVITIES = 150, 50, 10
TASKS, TASKS_AT_ONCE = 60, 20


@activity.defn
async def work(text: str) -> str:
    return text


@workflow.defn
class Chain:
    @workflow.run
    async def run(self, text: str) -> None:
        for _ in range(ACTIVITIES):
            await workflow.execute_activity(work, text, start_to_close_timeout=timedelta(seconds=60))


async def throughput(address: str) -> float:
    """Workflows per second, after ten to warm up."""
    client = await Client.connect(address)
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with limit:
            await client.execute_workflow(Chain.run, "x" * 500, id=f"chain-{number}", task_queue="bench")

    async with Worker(
        client,
        task_queue="bench",
        workflows=[Chain],
        activities=[work],
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=timedelta(0),
    ):
        await asyncio.gather(*(one(-number) for number in range(1, 11)))
        begun = time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(WORKFLOWS)))
        return WORKFLOWS / (time.perf_counter() - begun)


async def chain(folder: Path, *, tapped: bool) -> float:
    server = await TemporalEngine().start(make_config(), folder / "server", lambda _line: None)
    try:
        if not tapped:
            return await throughput(server.info.address)
        listen, control = free_ports(2)
        out, address = folder / "wire.jsonl", f"127.0.0.1:{listen}"
        argv = tap_command(sys.executable, listen=address, target=server.info.address, out=out, control=control)
        tap = await GuardedProcess.start("the tap", argv, folder=folder, environment=clean_environment(folder))
        try:
            log = WireLog(out, control)
            assert await tap.ready(log.ready, port=listen)
            found = await throughput(address)
            begun = time.perf_counter()
            await log.settle()
            late = time.perf_counter() - begun
            rules = [row.rule for row in log.actions("default")]
            started = WORKFLOWS + 10
            assert (rules.count("start"), rules.count("activity")) == (started, started * ACTIVITIES)
            assert not log.problems("default"), log.problems("default")
            print(f"  decoder done {late:.1f} s after the work; {_cpu(tap.pid)}")
            return found
        finally:
            await tap.stop()
    finally:
        await server.process.stop()


def _cpu(pid: int) -> str:
    tap = psutil.Process(pid)
    times = [tap.cpu_times(), *(each.cpu_times() for each in tap.children())]
    return "processor seconds of tap and decoder: " + ", ".join(f"{each.user + each.system:.1f}" for each in times)


class _Clock:
    """An observer that takes the time from the first task's start to the last one's end."""

    def __init__(self) -> None:
        self.begun = self.ended = 0.0

    def note(self, *_: object) -> None: ...

    def begin(self, *_: object) -> None:
        self.begun = time.perf_counter()

    def task(self, *_: object) -> None:
        self.ended = time.perf_counter()

    def end(self, result: EngineResult) -> None:
        assert len(result.tasks) == TASKS
        assert all(each.state == "completed" for each in result.tasks), result.tasks


async def agent(folder: Path, *, tapped: bool) -> float:
    name, workload = load_workload("support_agent")
    options = workload.parse_options({})
    default = next(each for each in workload.implementations(options) if each.engine == "temporal")
    plan = Plan(
        workload=name,
        options=options.model_dump(mode="json"),
        tasks=workload.tasks(TASKS, 0, options),
        subjects=[Subject(load_engine("temporal").engine(), default)],
        concurrency=TASKS_AT_ONCE,
        timeout=600,
        seed=0,
        folder=folder / "result",
    )
    clock = _Clock()
    await measure(plan, make_config(temporal=TemporalConfig(tap=tapped)), clock, open_telemetry("none"))
    return TASKS / (clock.ended - clock.begun)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--work", choices=["agent", "chain"], default="agent")
    arguments = parser.parse_args()
    run: Callable[..., Awaitable[float]] = {"agent": agent, "chain": chain}[arguments.work]
    ratios = []
    for pair in range(arguments.pairs):
        order = [True, False] if pair % 2 else [False, True]
        found = {}
        for tapped in order:
            with tempfile.TemporaryDirectory() as folder:
                found[tapped] = await run(Path(folder), tapped=tapped)
        ratios.append(found[True] / found[False])
        what = f"{found[True]:.2f} through / {found[False]:.2f} direct /s = {ratios[-1]:.2f}"
        print(f"pair {pair + 1}: {what}", flush=True)
    print(f"{arguments.work}: median ratio {statistics.median(ratios):.2f}", flush=True)


asyncio.run(main())
os._exit(0)  # SDK threads are alive (temporalio/sdk-python issue 300)
