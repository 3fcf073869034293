"""What one task takes of storage and capacity, from what was measured."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from durameter.registry import plugin_of
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
    others: Mapping[str, Decimal] = Field(default_factory=dict)
    """What else the engine bills or limits, by measure: means of its own quantities, the most of any for its limits."""
    known_of: Mapping[str, int] = Field(default_factory=dict)
    """Of how many tasks a figure is, where that is not all of them."""

    def measure(self, name: str) -> Decimal | None:
        """A figure by the name of its measure; None where it was not measured."""
        return getattr(self, name) if name in _MEANS else self.others.get(name)

    @property
    def dispersion(self) -> Decimal | None:
        """How much more the number of steps at work fluctuates than if a task had one at a time: 1 or more."""
        if not self.step_seconds or self.step_overlap_seconds is None:
            return None
        return max(self.step_overlap_seconds / self.step_seconds, Decimal(1))


_MEANS = ("history_bytes", "active_byte_seconds", "open_seconds", "events", "step_seconds", "step_overlap_seconds")


def per_task(result: EngineResult) -> PerTask:
    """Figures of the tasks that the report's figures are of."""
    engine = plugin_of(result.engine)
    own = [each.measure for each in engine.quantities.values()] if engine else []
    most = [each.measure for each in engine.limits.values()] if engine else []
    tasks = result.sample
    found: dict[str, Decimal] = {}
    partly: dict[str, int] = {}
    for name in dict.fromkeys((*_MEANS, *own, *most)):
        values = _values(tasks, name)
        if values:
            found[name] = max(values) if name in most else sum(values, Decimal(0)) / len(values)
        if 0 < len(values) < len(tasks):
            partly[name] = len(values)
    return PerTask(
        engine=result.engine,
        unit=result.unit,
        tasks=len(tasks),
        units=sum((task.units for task in tasks), Decimal(0)) / len(tasks) if tasks else None,
        known_of=partly,
        others={name: found.pop(name) for name in (*own, *most) if name in found and name not in _MEANS},
        **found,
    )


def _values(tasks: Sequence[TaskResult], name: str) -> list[Decimal]:
    return [task.measures[name] for task in tasks if name in task.measures]
