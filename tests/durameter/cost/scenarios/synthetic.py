"""Small results made by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from durameter import Result
from durameter.results.model import (
    EngineResult,
    KindCount,
    Measurement,
    TaskResult,
)
from durameter.results.reconcile import Reconciliation

NOW = datetime(2026, 11, 1, tzinfo=UTC)
AGREES = Reconciliation(source="history", other="meter", state="agrees")


def task(name: str, units: int, upper: int = 0, **more: Any) -> TaskResult:
    """`units` documented, `upper` more in the upper reading."""
    kinds = {"any": KindCount(documented=Decimal(units), upper=Decimal(upper))}
    made: dict[str, Any] = {"state": "completed", "kinds": kinds, "started": NOW, "ended": NOW, **more}
    return TaskResult(task=name, **made)


def engine(tasks: Sequence[TaskResult], name: str = "temporal", **more: Any) -> EngineResult:
    """One measured engine."""
    made: dict[str, Any] = {"state": "measured", "reconciliations": (AGREES,), **more}
    return EngineResult(engine=name, unit="unit", variant="any", tasks=tuple(tasks), **made)


def result(*engines: EngineResult, folder: Path = Path("nowhere")) -> Result:
    """A complete measurement."""
    measurement = Measurement(
        id="made",
        state="complete",
        workload="any/any",
        seed=0,
        task_count=max(len(each.tasks) for each in engines),
        concurrency=1,
        timeout_seconds=1,
        started=NOW,
        durameter_version="0",
        environment={},
        engines=engines,
    )
    return Result(folder, measurement, [])
