"""What the tap costs an Inngest measurement: throughput through it over throughput without it.

    .venv/bin/python benchmarks/proxy_cost.py [--pairs 7] [--work agent|chain]

Alternating pairs, a fresh server for each run (a dev server slows down as its store grows), by the product's own path
(`[inngest] tap`). Prints every ratio and their median; and the same for the processor time that one run takes, app,
server and tap together, which other work on the machine changes less. `agent`: 40 tasks of the reference agent, as
`durameter run` measures them. `chain`: 150 runs of 10 steps, sent at once, and no counting: the engine at its limit.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import inngest
import psutil

from durameter.config import make_config
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.engine import InngestEngine
from durameter.engines.inngest.session import InngestSession
from durameter.engines.inngest.tap import RunningTap
from durameter.registry import load_engine, load_workload
from durameter.results.model import EngineResult
from durameter.runner.run import Plan, Subject, measure
from durameter.telemetry import open_telemetry

RUNS, STEPS, WARM = 150, 10, 10
TASKS, TASKS_AT_ONCE = 40, 20


def processor_seconds() -> float:
    """What this process has used and all that it started and that still runs: app, server, tap and decoder."""
    mine = psutil.Process()
    times = [each.cpu_times() for each in (mine, *mine.children(recursive=True))]
    return sum(each.user + each.system for each in times)


async def work() -> str:
    return "x" * 500


async def throughput(session: InngestSession) -> tuple[float, float]:
    """Runs per second, after ten to warm up, and the processor seconds that one takes."""
    client = session.client("bench")
    left = asyncio.Semaphore(0)

    @client.create_function(fn_id="chain", trigger=inngest.TriggerEvent(event="bench/chain"), retries=0)
    async def chain_of_steps(ctx: inngest.Context) -> Any:
        for number in range(STEPS):
            await ctx.step.run(f"step {number}", work)
        left.release()

    async def do(number: int) -> float:
        begun = time.perf_counter()
        await client.send([inngest.Event(name="bench/chain") for _ in range(number)])
        for _ in range(number):
            await left.acquire()
        return number / (time.perf_counter() - begun)

    async with session.serve(client, [chain_of_steps]):
        await do(WARM)
        before = processor_seconds()
        found = await do(RUNS)
        await asyncio.sleep(1)  # the last replies leave
        return found, (processor_seconds() - before) / RUNS


async def settled(tap: RunningTap) -> None:
    """Check that the tap saw all, and print what it took."""
    begun = time.perf_counter()
    await tap.log.settle()
    late = time.perf_counter() - begun
    seen = tap.log.index.runs
    assert len(seen) == WARM + RUNS
    assert all((run.requests, len(run.steps)) == (STEPS + 1, STEPS) for run in seen.values())
    assert not tap.log.index.problems, tap.log.index.problems
    process = psutil.Process(tap.process.pid)
    times = [process.cpu_times(), *(each.cpu_times() for each in process.children())]
    spent = ", ".join(f"{each.user + each.system:.1f}" for each in times)
    print(f"  decoder done {late:.1f} s after the work; processor seconds of tap and decoder: {spent}")


async def chain(folder: Path, *, tapped: bool) -> tuple[float, float]:
    config = make_config(inngest=InngestConfig(tap=tapped))
    async with InngestEngine().reached(config, folder, lambda _line: None) as reached, reached.session() as session:
        found = await throughput(session)
        if reached.tap is not None:
            await settled(reached.tap)
        return found


class _Clock:
    """An observer that takes the time from the first task's start to the last one's end."""

    def __init__(self) -> None:
        self.begun = self.ended = 0.0
        self.before = self.after = 0.0

    def note(self, *_: object) -> None: ...

    def begin(self, *_: object) -> None:
        self.begun, self.before = time.perf_counter(), processor_seconds()

    def task(self, *_: object) -> None:
        self.ended, self.after = time.perf_counter(), processor_seconds()

    def end(self, result: EngineResult) -> None:
        assert len(result.tasks) == TASKS
        assert all(each.state == "completed" for each in result.tasks), result.tasks


async def agent(folder: Path, *, tapped: bool) -> tuple[float, float]:
    name, workload = load_workload("support_agent")
    options = workload.parse_options({})
    default = next(each for each in workload.implementations(options) if each.engine == "inngest")
    plan = Plan(
        workload=name,
        options=options.model_dump(mode="json"),
        tasks=workload.tasks(TASKS, 0, options),
        subjects=[Subject(load_engine("inngest").engine(), default)],
        concurrency=TASKS_AT_ONCE,
        timeout=600,
        seed=0,
        folder=folder / "result",
    )
    clock = _Clock()
    await measure(plan, make_config(inngest=InngestConfig(tap=tapped)), clock, open_telemetry("none"))
    return TASKS / (clock.ended - clock.begun), (clock.after - clock.before) / TASKS


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--work", choices=["agent", "chain"], default="agent")
    arguments = parser.parse_args()
    run: Callable[..., Awaitable[tuple[float, float]]] = {"agent": agent, "chain": chain}[arguments.work]
    ratios, costs = [], []
    for pair in range(arguments.pairs):
        found, spent = {}, {}
        for tapped in (True, False) if pair % 2 else (False, True):
            with tempfile.TemporaryDirectory() as folder:
                found[tapped], spent[tapped] = await run(Path(folder), tapped=tapped)
        ratios.append(found[True] / found[False])
        costs.append(spent[False] / spent[True])
        print(
            f"pair {pair + 1}: {found[True]:.2f} through / {found[False]:.2f} direct /s = {ratios[-1]:.2f}; processor "
            f"seconds {spent[False]:.3f} direct / {spent[True]:.3f} through = {costs[-1]:.2f}; "
            f"load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    medians = f"throughput {statistics.median(ratios):.2f}, processor time {statistics.median(costs):.2f}"
    print(f"{arguments.work}: median ratios of {len(ratios)} pairs: {medians}", flush=True)


asyncio.run(main())
