"""What `durameter watch` costs: a program's throughput under it over the same program's on the vendor's own server.

    .venv/bin/python benchmarks/watch_cost.py ENGINE [--pairs 6] [--runs N]

Plain is the dev server as its vendor's pages start it (`temporal server start-dev`, `inngest dev -u URL`: in memory,
default settings, only its ports are chosen), and nobody counts. Alternating pairs, a fresh server for each run. Two
ratios of each pair and their medians:

- program: runs per second from the first start to the last run's end: what the tap and the server's store cost;
- whole: the same runs over the time until everything is over: of plain, the program's end; of the watch, the end of the
  command, when all is counted, compared and written and the servers have ended.

Beside them the same for processor seconds (program, servers, tap and counting), which other work on the machine changes
less, and the load of the machine.
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from durameter.config import make_config
from durameter.engines.inngest import binary as inngest_binary
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.server import answers, find_binary
from durameter.processes.server import GuardedProcess, clean_environment, free_ports
from durameter.results.folder import read_result

PROGRAM = Path(__file__).with_name("watched_program.py")
RUNS = {"temporal": 600, "inngest": 300}
WARM = 10
"""Runs of the program that it does before it takes the time."""


@dataclass(frozen=True)
class Found:
    """One run of the program."""

    program: float
    """Runs per second while it works."""
    whole: float
    """Runs per second until all is over."""
    processor: float
    """Seconds of all processes."""


def spent() -> float:
    """Processor seconds of all processes that this one started and that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def words(engine: str, runs: int, times: Path, port: int) -> list[str]:
    """The program's command line."""
    return [sys.executable, str(PROGRAM), engine, str(runs), str(times), str(port)]


async def plain(engine: str, runs: int, folder: Path) -> Found:
    """The program on the vendor's server."""
    times, app = folder / "times.json", free_ports(1)[0]
    before = spent()
    if engine == "temporal":
        ports = free_ports(2)
        address = f"127.0.0.1:{ports[0]}"
        argv = [str(find_binary(TemporalConfig())), "server", "start-dev"]
        argv += ["--port", str(ports[0]), "--ui-port", str(ports[1])]
        variables = {"TEMPORAL_ADDRESS": address}
    else:
        ports = free_ports(4)
        address = f"http://127.0.0.1:{ports[0]}"
        cache, ours = make_config().cache.dir, InngestConfig()
        program, _ = inngest_binary.find(ours.binary, cache, version=ours.version)
        assert program is not None, "durameter doctor fetches it"
        argv = [str(program.path), "dev", "-u", f"http://127.0.0.1:{app}/api/inngest", "--port", str(ports[0])]
        names = ("connect-gateway-port", "connect-gateway-grpc-port", "connect-executor-grpc-port")
        argv += [word for name, port in zip(names, ports[1:], strict=True) for word in (f"--{name}", str(port))]
        variables = {"INNGEST_DEV": address}
    server = await GuardedProcess.start("the server", argv, folder=folder, environment=clean_environment(folder))
    try:
        assert await server.ready(lambda: ready(engine, address), port=ports[0])
        await asyncio.to_thread(
            subprocess.run, words(engine, runs, times, app), env={**os.environ, **variables}, check=True
        )
    finally:
        await server.stop()
    said = json.loads(times.read_text())
    rate = runs / (said["ended"] - said["begun"])
    return Found(rate, rate, spent() - before)


async def ready(engine: str, address: str) -> bool:
    """Whether the server can be used."""
    if engine == "temporal":
        return await answers(address)
    # Blocking is no matter here: nothing else runs in this loop until the server answers.
    return subprocess.run(["curl", "-sf", f"{address}/dev"], capture_output=True, check=False).returncode == 0  # noqa: ASYNC221


def watched(engine: str, runs: int, folder: Path) -> Found:
    """The same program under `durameter watch`; every run must be counted, and all sources agree."""
    times, out = folder / "times.json", folder / "result"
    before = spent()
    argv = [str(Path(sys.executable).with_name("durameter")), "watch", "--engine", engine, "--out", str(out), "--json"]
    argv += ["--no-usual-ports", "--", *words(engine, runs, times, free_ports(1)[0])]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    over = time.time()
    assert done.returncode == 0, done.stderr
    [found] = read_result(out).measurement.engines
    assert len(found.tasks) == runs + WARM
    assert {each.state for each in found.reconciliations} == {"agrees"}, found.reconciliations
    assert not any(each.gaps for each in found.tasks)
    said = json.loads(times.read_text())
    print(f"  watch: {said['ended'] - said['begun']:.1f} s of work, {over - said['ended']:.1f} s after it", flush=True)
    return Found(runs / (said["ended"] - said["begun"]), runs / (over - said["begun"]), spent() - before)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=sorted(RUNS))
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--runs", type=int)
    arguments = parser.parse_args()
    engine, runs = arguments.engine, arguments.runs or RUNS[arguments.engine]
    ratios: dict[str, list[float]] = {"program": [], "whole": [], "processor": []}
    for pair in range(arguments.pairs):
        found: dict[bool, Found] = {}
        for watch in (True, False) if pair % 2 else (False, True):
            with tempfile.TemporaryDirectory() as name:
                one = watched(engine, runs, Path(name)) if watch else await plain(engine, runs, Path(name))
                found[watch] = one
        ratios["program"].append(found[True].program / found[False].program)
        ratios["whole"].append(found[True].whole / found[False].whole)
        ratios["processor"].append(found[False].processor / found[True].processor)
        print(
            f"pair {pair + 1}: plain {found[False].whole:.2f} /s; watch {found[True].program:.2f} /s in the program, "
            f"{found[True].whole:.2f} /s in all; processor seconds {found[False].processor:.0f} plain, "
            f"{found[True].processor:.0f} watch; load {os.getloadavg()[0]:.1f}; "
            + ", ".join(f"{name} {each[-1]:.2f}" for name, each in ratios.items()),
            flush=True,
        )
    medians = ", ".join(f"{name} {statistics.median(each):.2f}" for name, each in ratios.items())
    print(f"{engine}: medians of {arguments.pairs} pairs: {medians}", flush=True)


asyncio.run(main())
os._exit(0)  # SDK threads are alive (temporalio/sdk-python issue 300)
