"""The toy's servers and sessions."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from durameter.engines import (
    Config,
    Elsewhere,
    Engine,
    EngineMissingError,
    Finding,
    Gap,
    Progress,
    Reconciliation,
    Rulebook,
    RunningServer,
    ServerInfo,
    Session,
    TaskCount,
    TaskLabel,
    Unit,
    against_meter,
    nowhere,
    state_of,
)
from durameter_toy.config import ToyConfig
from durameter_toy.log import by_job, measures_of, units_of
from durameter_toy.server import ToyClient, ToyServer, serving

__all__ = ["ToyEngine", "ToySession"]


class ToySession(Session):
    """A reached server. `client` tells it of jobs."""

    def __init__(self, server: ToyServer, rules: Rulebook, *, metered: bool) -> None:
        """Begin to count from now on."""
        self.info = ServerInfo(version="1", origin="in memory", tested=True, address=server.address)
        self.client = ToyClient(server.address)
        self.server = server
        self._rules = rules
        self._metered = metered
        self._before = Counter(server.meter)

    async def abandon(self, roots: Sequence[str]) -> None:
        """Nothing goes on that nobody drives."""

    async def count(self, roots: Sequence[str], label: TaskLabel, *, elsewhere: Elsewhere = nowhere) -> TaskCount:
        """Count the jobs of a task from the log."""
        del elsewhere  # a job leads to no other
        found, jobs = TaskCount(runs=list(roots)), by_job(self.server.log)
        for job in roots:
            entries = jobs.get(job, [])
            if not entries:
                gap = Gap(engine="toy", task=label.task, run=job, what="the log has no such job")
                found.gaps.append(gap)
            found.units += units_of(entries, label, self._rules)
            found.records[f"{job}.toy.jsonl"] = "".join(f"{e.model_dump_json()}\n" for e in entries).encode()
            for name, value in measures_of(entries).items():
                found.measures[name] = found.measures.get(name, Decimal(0)) + value
        return found

    async def reconcile(self, units: Sequence[Unit]) -> tuple[Reconciliation, ...]:
        """The ledger against the meter."""
        if not self._metered:
            note = "no meter is configured: [toy] metered = true"
            return (Reconciliation(source="ledger", other="meter", state="not checked", notes=(note,)),)
        meter = {name: Decimal(count) for name, count in (self.server.meter - self._before).items()}
        lines = against_meter(units, meter, self._rules)
        return (Reconciliation(source="ledger", other="meter", state=state_of(lines, ()), lines=lines),)


class ToyEngine(Engine):
    """The toy."""

    name = "toy"
    unit = "tick"

    def __init__(self, rules: Rulebook) -> None:
        """Take the rules that units are counted by."""
        self._rules = rules

    def examine(self, config: Config) -> list[Finding]:
        """What `doctor` says."""
        where = ToyConfig.of(config).address or "a server in memory"
        return [Finding(state="ok", subject="toy", text=where)]

    async def start(self, config: Config, folder: Path, progress: Progress) -> RunningServer:
        """A server in memory cannot stay when the command ends."""
        raise EngineMissingError("The toy lives in memory: `durameter servers up` cannot keep it.")

    @asynccontextmanager
    async def session(self, config: Config, folder: Path, progress: Progress) -> AsyncIterator[ToySession]:
        """A server, with one session."""
        progress("starting the toy")
        async with serving() as server:
            yield ToySession(server, self._rules, metered=ToyConfig.of(config).metered)
