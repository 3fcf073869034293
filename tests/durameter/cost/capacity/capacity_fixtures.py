"""Results of engines made by hand, with nothing in them but what capacity reads."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from durameter.results.model import EngineResult, KindCount, TaskResult

BEGUN = datetime(2026, 11, 1, tzinfo=UTC)


def task(
    number: int, units: int, measures: Mapping[str, Decimal | int | str], *, state: str = "completed"
) -> TaskResult:
    return TaskResult.model_validate(
        {
            "task": f"task-{number}",
            "state": state,
            "kinds": {"kind": KindCount(documented=Decimal(units))},
            "measures": {name: Decimal(value) for name, value in measures.items()},
            "started": BEGUN,
            "ended": BEGUN,
        }
    )


def result(engine: str, tasks: Sequence[TaskResult]) -> EngineResult:
    unit = {"temporal": "Action", "inngest": "execution"}[engine]
    return EngineResult(engine=engine, unit=unit, variant="default", state="measured", tasks=tuple(tasks))


def temporal(**measures: Decimal | int | str) -> EngineResult:
    """One task of 20 Actions."""
    known: dict[str, Decimal | int | str] = {
        "history_bytes": 100_000,
        "history_bytes_longest": 100_000,
        "history_events_longest": 200,
        "open_seconds": 36,
        "active_byte_seconds": 3_600_000,
    }
    return result("temporal", [task(1, 20, known | measures)])


def inngest(**measures: Decimal | int | str) -> EngineResult:
    """One task of 50 executions."""
    known: dict[str, Decimal | int | str] = {
        "events": 4,
        "step_seconds": 10,
        "step_overlap_seconds": 10,
        "steps_in_longest_run": 40,
        "state_bytes_longest": 50_000,
        "step_output_bytes_largest": 5_000,
    }
    return result("inngest", [task(1, 50, known | measures)])
