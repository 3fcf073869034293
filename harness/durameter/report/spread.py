"""Units per task over several tasks, and by the type of task."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from durameter.measure.result import TaskResult

__all__ = ["Spread", "TypeShare", "by_type", "spread"]


class Spread(BaseModel):
    """Units per task over all counted tasks."""

    model_config = ConfigDict(frozen=True)

    mean: Decimal
    low: Decimal
    high: Decimal


class TypeShare(BaseModel):
    """The tasks of one type: what their first workflow or function is called."""

    model_config = ConfigDict(frozen=True)

    name: str
    tasks: int
    per_task: Spread
    upper: Decimal
    """Mean units that open questions would add."""
    share: Decimal
    """Of all documented units, 0 to 1."""


def spread(values: Sequence[Decimal]) -> Spread:
    """Mean, least and most.

    Args:
        values: units per task, at least one.
    """
    return Spread(mean=sum(values, Decimal(0)) / len(values), low=min(values), high=max(values))


def by_type(tasks: Sequence[TaskResult]) -> tuple[TypeShare, ...]:
    """A line per type, the one with most units first; none where tasks have no type.

    Args:
        tasks: those of which the report's other figures are.
    """
    groups: dict[str, list[TaskResult]] = {}
    for task in tasks:
        groups.setdefault(task.type, []).append(task)
    if set(groups) <= {""}:
        return ()
    total = sum((task.units for task in tasks), Decimal(0))
    lines = [
        TypeShare(
            name=name or "no type",
            tasks=len(mine),
            per_task=spread([task.units for task in mine]),
            upper=sum((task.units_upper - task.units for task in mine), Decimal(0)) / len(mine),
            share=sum((task.units for task in mine), Decimal(0)) / total if total else Decimal(0),
        )
        for name, mine in groups.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.share, line.name)))
