"""Runs the scenarios on a reached server, each in a namespace of its own where it can have one.

Found by the entry point group `durameter.conformance`. What a suite offers: `engine`, `scenarios` (names) and `run`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

from temporalio.exceptions import TemporalError
from temporalio.service import RPCError

from durameter.config import Config
from durameter.conformance import Observer, Outcome
from durameter.engines.base import TaskCount
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.engine import ReachedTemporal, TemporalEngine
from durameter.engines.temporal.session import TemporalSession
from durameter_collectors.units import TaskLabel
from durameter_workloads.conformance.common.judging import chosen as pick
from durameter_workloads.conformance.common.judging import failed, side_by_side, skipped
from durameter_workloads.conformance.temporal.bench import Bench, SurpriseError, bench
from durameter_workloads.conformance.temporal.judge import judge
from durameter_workloads.conformance.temporal.scenario import Scenario
from durameter_workloads.conformance.temporal.scenarios import SCENARIOS

__all__ = ["Counted", "Suite", "perform_all", "suite"]

Counted = Callable[[Scenario, TaskCount], None]
"""Takes a scenario and what was counted of it."""

SECONDS = 180.0
"""What one scenario may take, with its count and its proofs."""

_PER_SERVER = 32
"""Scenarios on one server of our own. Every namespace adds a megabyte to its metrics page (measured), which each
reading of the meter takes whole."""


def _nobody(_scenario: Scenario, _count: TaskCount) -> None:
    """Nobody wants the counts themselves."""


async def perform_all(
    reached: ReachedTemporal,
    scenarios: Sequence[Scenario],
    *,
    at_once: int,
    shared: bool = False,
    seconds: float = SECONDS,
    counted: Counted = _nobody,
) -> AsyncGenerator[Outcome, None]:
    """Run scenarios on one server.

    Args:
        reached: the server.
        scenarios: which.
        at_once: how many side by side.
        shared: all work in one namespace that is given, so that only counts can be judged.
        seconds: what one may take.
        counted: is told the count of each scenario, with its histories, before it is judged.

    Yields:
        What came of each, as they finish.
    """

    async def perform(scenario: Scenario) -> Outcome:
        return await _perform(reached, scenario, shared=shared, seconds=seconds, counted=counted)

    async with aclosing(side_by_side(scenarios, perform, at_once=at_once)) as coming:
        async for outcome in coming:
            yield outcome


async def _perform(
    reached: ReachedTemporal, scenario: Scenario, *, shared: bool, seconds: float, counted: Counted
) -> Outcome:
    """One scenario from its namespace to its proofs. Whatever goes wrong in it is its outcome."""
    begun = time.monotonic()

    def took() -> float:
        return time.monotonic() - begun

    try:
        async with asyncio.timeout(seconds), reached.session() as session, bench(session.client) as on:
            missing = await _missing(scenario, on)
            if missing:
                return skipped(scenario.name, missing, took())
            await scenario.drive(on)
            # The worker stays until all is counted: what still runs is part of the scenario.
            return await _judged(session, scenario, on, shared=shared, begun=begun, counted=counted)
    except (TemporalError, SurpriseError, RuntimeError, TimeoutError) as error:
        return failed(scenario.name, f"{type(error).__name__}: {error or 'out of time'}", took())


async def _missing(scenario: Scenario, on: Bench) -> str:
    """In words what this server does not offer, or an empty string."""
    for need in scenario.needs:
        try:
            offered, why = await need.prepare(on), ""
        except RPCError as error:
            offered, why = False, f": {error.message}"
        if not offered:
            return f"this server does not offer {need.what}{why}"
    return ""


async def _judged(
    session: TemporalSession, scenario: Scenario, on: Bench, *, shared: bool, begun: float, counted: Counted
) -> Outcome:
    """Count by the product's own path, and prove it."""
    label = TaskLabel("conformance/temporal", "default", on.id("task"))
    count = await session.count([on.id(root) for root in scenario.roots], label)
    counted(scenario, count)
    proofs = None if shared else await session.reconcile(count.units)
    return judge(scenario, count, proofs, time.monotonic() - begun)


class Suite:
    """Temporal's conformance suite; see `durameter.conformance.Suite`."""

    engine = "temporal"
    second = "meter"

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
        counted: Counted = _nobody,
    ) -> list[Outcome]:
        """See `durameter.conformance.Suite.run`; a server of our own is replaced by a fresh one every 32 scenarios.

        `counted` is told the count of each scenario, with its histories.
        """
        chosen = pick("temporal", SCENARIOS, only)
        shared = bool(TemporalConfig.of(config).namespace)
        portion = len(chosen) if TemporalConfig.of(config).address else _PER_SERVER
        order = {scenario.name: number for number, scenario in enumerate(chosen)}
        outcomes: list[Outcome] = []
        for round_number in range(1, times + 1):
            found: list[Outcome] = []
            for first in range(0, len(chosen), portion):
                part = chosen[first : first + portion]
                where = folder / f"round_{round_number}_from_{first}"
                where.mkdir(parents=True, exist_ok=True)
                async with (
                    TemporalEngine().reached(config, where, observer.progress) as reached,
                    aclosing(perform_all(reached, part, at_once=at_once, shared=shared, counted=counted)) as coming,
                ):
                    async for outcome in coming:
                        observer.finished(outcome, round_number)
                        found.append(outcome)
            outcomes += sorted(found, key=lambda outcome: order[outcome.name])
        return outcomes


suite = Suite()
