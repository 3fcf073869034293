"""Holds each count of a run of the conformance suite against the vendor's UI rule."""

from collections.abc import Sequence
from dataclasses import dataclass

from compare import Comparison, compare
from temporalio.api.history.v1 import HistoryEvent

from conformance_run import ConformanceRun
from durameter.engines.base import TaskCount
from durameter_collectors.temporal.files.read import read_history
from durameter_workloads.conformance.temporal import SCENARIOS


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


def rows_of(run: ConformanceRun) -> list[Row]:
    """One per scenario that was carried out; what the server does not offer is left out."""
    return [
        Row(
            name=scenario.name,
            hand=scenario.total,
            meter=int(sum((outcome.second_read or {}).values()) + sum(outcome.system.values())),
            comparison=compare(run.counts[scenario.name].units, histories_of(run.counts[scenario.name])),
        )
        for scenario in SCENARIOS
        if scenario.name in run.counts and (outcome := run.outcomes[scenario.name]).state != "failed"
    ]


def failures_of(run: ConformanceRun) -> dict[str, str]:
    """Scenario → why it did not come to its end."""
    return {name: outcome.why for name, outcome in run.outcomes.items() if outcome.state == "failed"}
