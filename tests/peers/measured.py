"""Runs scenarios on a server and holds each count against the vendor's UI rule."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from compare import Comparison, compare
from temporalio.api.history.v1 import HistoryEvent
from temporalio.service import RPCError

from durameter.engines.base import TaskCount
from durameter.engines.temporal.engine import ReachedTemporal
from durameter_collectors.temporal.files.read import read_history
from durameter_collectors.units import TaskLabel
from durameter_workloads.conformance.temporal.bench import bench
from durameter_workloads.conformance.temporal.scenario import Scenario

AT_ONCE = 8
SECONDS = 180
"""What one scenario may take, with its count."""


@dataclass(frozen=True)
class Row:
    """One scenario, counted by both."""

    name: str
    hand: int
    """Actions as derived by hand."""
    meter: int
    """What the server's own meter counted in the scenario's namespace, system workflows included."""
    comparison: Comparison


def histories_of(count: TaskCount) -> dict[str, Sequence[HistoryEvent]]:
    """The raw histories of a task, by run id."""
    return {run: read_history(count.records[f"{run}.json.gz"]).events for run in count.runs}


async def measure(
    reached: ReachedTemporal, scenarios: Sequence[Scenario]
) -> tuple[list[Row], dict[str, BaseException]]:
    """Run them, a few at once, each in a namespace of its own. What the server does not offer is left out.

    Returns:
        The rows, and why other scenarios did not come to their end.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(scenario: Scenario) -> Row | None:
        async with turns:
            return await asyncio.wait_for(_measure(reached, scenario), SECONDS)

    ends = await asyncio.gather(*(in_turn(scenario) for scenario in scenarios), return_exceptions=True)
    rows = [end for end in ends if isinstance(end, Row)]
    broken = {
        scenario.name: end for scenario, end in zip(scenarios, ends, strict=True) if isinstance(end, BaseException)
    }
    return rows, broken


async def _measure(reached: ReachedTemporal, scenario: Scenario) -> Row | None:
    async with reached.session() as session:
        async with bench(session.client) as on:
            for need in scenario.needs:
                try:
                    offered = await need.prepare(on)
                except RPCError:
                    offered = False
                if not offered:
                    return None
            await scenario.drive(on)
            count = await session.count(
                [on.id(root) for root in scenario.roots], TaskLabel("peers", "default", scenario.name)
            )
        proofs = await session.reconcile(count.units)
        meter = next(each for each in proofs if (each.source, each.other) == ("ledger", "meter"))
        return Row(
            name=scenario.name,
            hand=scenario.total,
            meter=int(sum(line.other for line in meter.lines)),
            comparison=compare(count.units, histories_of(count)),
        )
