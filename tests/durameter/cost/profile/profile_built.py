"""Results of engines, built by hand: tasks with covariates, and rows of the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from durameter.results.model import EngineResult, TaskResult, count_kinds
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import Reading, Unit

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Rows:
    """How often a rule applies in one task: first attempts, and attempts after the first."""

    first: Mapping[str, int] = field(default_factory=dict)
    """Rule to number."""
    again: Mapping[str, int] = field(default_factory=dict)
    cause: Mapping[str, str] = field(default_factory=dict)
    """Rule to cause; `call_model` by default."""


def units_of(engine: str, task: str, rows: Rows) -> list[Unit]:
    rules = load_rulebook(engine)
    found = []
    for attempt, times_of in ((1, rows.first), (2, rows.again)):
        for rule_id, times in times_of.items():
            rule = rules.rule(rule_id)
            reading: Reading = rule.reading
            found += [
                Unit(
                    engine=engine, workload="test/agent", variant="v", task=task, run=task, kind=rule.kind,
                    cause=rows.cause.get(rule_id, "call_model"), step="", attempt=attempt, quantity=rule.quantity,
                    reading=reading, rule=rule_id, time=NOON, source="history", evidence=f"event {i}",
                )
                for i in range(times)
            ]  # fmt: skip
    return found


@dataclass
class Built:
    """One task."""

    covariates: dict[str, float]
    rows: Rows
    cluster: str = ""
    state: str = "completed"
    counted: bool = True


def engine_result(tasks: Sequence[Built], engine: str = "temporal") -> tuple[EngineResult, list[Unit]]:
    """A measurement of one engine."""
    rules = load_rulebook(engine)
    units: list[Unit] = []
    results = []
    for number, task in enumerate(tasks):
        name = f"t{number}"
        mine = units_of(engine, name, task.rows)
        units += mine
        results.append(
            TaskResult.model_validate(
                {
                    "task": name, "cluster": task.cluster, "state": task.state, "covariates": task.covariates,
                    "kinds": count_kinds(mine, rules), "counted": task.counted, "started": NOON, "ended": NOON,
                }
            )
        )  # fmt: skip
    result = EngineResult(engine=engine, unit=rules.unit, variant="v", state="measured", tasks=tuple(results))
    return result, units


def total(result: EngineResult) -> Decimal:
    return sum((task.units for task in result.tasks), Decimal(0))
