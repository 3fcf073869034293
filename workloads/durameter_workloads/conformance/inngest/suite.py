"""Runs the scenarios on a reached server, each with an app and with event names of its own.

Found by the entry point group `durameter.conformance`. What a suite offers: `engine`, `scenarios` (names) and `run`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from durameter.config import Config
from durameter.conformance import Observer, Outcome
from durameter.engines.inngest.engine import InngestEngine, ReachedInngest
from durameter.engines.inngest.session import InngestSession
from durameter_collectors.units import TaskLabel
from durameter_workloads.conformance.common.judging import chosen as pick
from durameter_workloads.conformance.common.judging import failed, side_by_side, skipped
from durameter_workloads.conformance.inngest.bench import Bench, bench
from durameter_workloads.conformance.inngest.judge import judge
from durameter_workloads.conformance.inngest.scenario import Scenario
from durameter_workloads.conformance.inngest.scenarios import SCENARIOS

__all__ = ["Suite", "perform_all", "suite"]

SECONDS = 180.0
"""What one scenario may take, with its count and its proofs."""


async def perform_all(
    reached: ReachedInngest, scenarios: Sequence[Scenario], *, at_once: int, seconds: float = SECONDS
) -> AsyncGenerator[Outcome, None]:
    """Run scenarios on one server.

    Args:
        reached: the server.
        scenarios: which.
        at_once: how many side by side.
        seconds: what one may take.

    Yields:
        What came of each, as they finish.
    """

    async def perform(scenario: Scenario) -> Outcome:
        return await _perform(reached, scenario, seconds=seconds)

    async with aclosing(side_by_side(scenarios, perform, at_once=at_once)) as coming:
        async for outcome in coming:
            yield outcome


async def _perform(reached: ReachedInngest, scenario: Scenario, *, seconds: float) -> Outcome:
    """One scenario from its app to its proofs. Whatever goes wrong in it is its outcome."""
    begun = time.monotonic()

    def took() -> float:
        return time.monotonic() - begun

    try:
        async with asyncio.timeout(seconds), reached.session() as session, bench(session) as on:
            missing = await _missing(scenario, on)
            if missing:
                return skipped(scenario.name, missing, took())
            await scenario.drive(on)
            # The apps stay until all is counted: what still runs is part of the scenario.
            return await _judged(session, scenario, on, begun=begun)
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is its outcome; the SDK's have no public base
        return failed(scenario.name, f"{type(error).__name__}: {error or 'out of time'}", took())


async def _missing(scenario: Scenario, on: Bench) -> str:
    """In words what is not to be had with this server, or an empty string."""
    for need in scenario.needs:
        there = await need.there(on)
        if isinstance(there, str):
            return f"{need.what}: {there}"
        if not there:
            return f"this server does not offer {need.what}"
    return ""


async def _judged(session: InngestSession, scenario: Scenario, on: Bench, *, begun: float) -> Outcome:
    """Count by the product's own path, and prove it."""
    label = TaskLabel("conformance/inngest", "default", on.prefix)
    count = await session.count(list(dict.fromkeys(on.roots)), label)
    proofs = await session.reconcile(count.units)
    return judge(scenario, count, proofs, time.monotonic() - begun)


class Suite:
    """Inngest's conformance suite; see `durameter.conformance.Suite`."""

    engine = "inngest"
    second = "wire"

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Names of all scenarios."""
        return tuple(scenario.name for scenario in SCENARIOS)

    async def run(
        self,
        config: Config,
        folder: Path,
        *,
        only: Sequence[str] = (),
        at_once: int = 8,
        times: int = 1,
        observer: Observer,
    ) -> list[Outcome]:
        """See `durameter.conformance.Suite.run`; each round has a fresh server, unless an address is configured."""
        chosen = pick("inngest", SCENARIOS, only)
        order = {scenario.name: number for number, scenario in enumerate(chosen)}
        outcomes: list[Outcome] = []
        for round_number in range(1, times + 1):
            where = folder / f"round_{round_number}"
            where.mkdir(parents=True, exist_ok=True)
            found: list[Outcome] = []
            async with (
                InngestEngine().reached(config, where, observer.progress) as reached,
                aclosing(perform_all(reached, chosen, at_once=at_once)) as coming,
            ):
                async for outcome in coming:
                    observer.finished(outcome, round_number)
                    found.append(outcome)
            outcomes += sorted(found, key=lambda outcome: order[outcome.name])
        return outcomes


suite = Suite()
