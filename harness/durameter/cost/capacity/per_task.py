"""What one task takes of storage and capacity, from what was measured."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from durameter.results.model import EngineResult, TaskResult

__all__ = ["PerTask", "per_task"]


class PerTask(BaseModel):
    """Means over the measured tasks, and the most of any; None is what was not measured, and never zero."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    unit: str
    tasks: int
    """How many the figures are of."""
    units: Decimal | None = None
    """Documented units."""
    history_bytes: Decimal | None = None
    active_byte_seconds: Decimal | None = None
    """Upper bound: a history has its whole size only at the end."""
    open_seconds: Decimal | None = None
    events: Decimal | None = None
    step_seconds: Decimal | None = None
    step_overlap_seconds: Decimal | None = None
    """The integral over time of the square of the number of steps at work."""
    history_events_longest: Decimal | None = None
    history_bytes_longest: Decimal | None = None
    steps_in_longest_run: Decimal | None = None
    state_bytes_longest: Decimal | None = None
    step_output_bytes_largest: Decimal | None = None
    known_of: Mapping[str, int] = Field(default_factory=dict)
    """Of how many tasks a figure is, where that is not all of them."""

    def measure(self, name: str) -> Decimal | None:
        """A figure by the name of its measure; None where it was not measured."""
        return getattr(self, name, None)

    @property
    def dispersion(self) -> Decimal | None:
        """How much more the number of steps at work fluctuates than if a task had one at a time: 1 or more."""
        if not self.step_seconds or self.step_overlap_seconds is None:
            return None
        return max(self.step_overlap_seconds / self.step_seconds, Decimal(1))


_MEANS = ("history_bytes", "active_byte_seconds", "open_seconds", "events", "step_seconds", "step_overlap_seconds")
_MOST = (
    "history_events_longest",
    "history_bytes_longest",
    "steps_in_longest_run",
    "state_bytes_longest",
    "step_output_bytes_largest",
)


def per_task(result: EngineResult) -> PerTask:
    """Figures of the tasks that the report's figures are of."""
    tasks = result.sample
    found: dict[str, Decimal] = {}
    partly: dict[str, int] = {}
    for name in (*_MEANS, *_MOST):
        values = _values(tasks, name)
        if values:
            found[name] = max(values) if name in _MOST else sum(values, Decimal(0)) / len(values)
        if 0 < len(values) < len(tasks):
            partly[name] = len(values)
    if tasks:
        found["units"] = sum((task.units for task in tasks), Decimal(0)) / len(tasks)
    return PerTask.model_validate(
        {"engine": result.engine, "unit": result.unit, "tasks": len(tasks), "known_of": partly, **found}
    )


def _values(tasks: Sequence[TaskResult], name: str) -> list[Decimal]:
    return [task.measures[name] for task in tasks if name in task.measures]
