"""The measured tasks that a projection rests on, and what stands against believing them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from durameter.measure.result import EngineResult, TaskResult
from durameter.projection.records import ReadingName

__all__ = ["FEW_CLUSTERS", "READINGS", "Sample", "sample"]

READINGS: Final[tuple[ReadingName, ...]] = ("documented", "upper", "lower")
FEW_CLUSTERS: Final = 10
"""Below this many groups of tasks an interval rests on little; said in the headline."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """The tasks of one engine that are in the figures: the completed ones, or if none completed, the others."""

    result: EngineResult
    tasks: tuple[TaskResult, ...]
    lost: int
    """Tasks that are not in the figures."""

    @cached_property
    def clusters(self) -> tuple[str, ...]:
        """The group of each task; a task without one is its own."""
        return tuple(task.cluster or f"task {task.task}" for task in self.tasks)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(set(self.clusters))

    @cached_property
    def counts(self) -> Mapping[ReadingName, tuple[Decimal, ...]]:
        """Units of each task, exact."""
        return {
            "documented": tuple(task.units for task in self.tasks),
            "upper": tuple(task.units_upper for task in self.tasks),
            "lower": tuple(task.units_lower for task in self.tasks),
        }

    @cached_property
    def readings(self) -> tuple[ReadingName, ...]:
        """Documented, and those that count differently."""
        counts = self.counts
        return tuple(name for name in READINGS if name == "documented" or counts[name] != counts["documented"])

    def units(self, reading: ReadingName) -> Floats:
        """Units of each task, shape (tasks,)."""
        return np.array([float(each) for each in self.counts[reading]])

    def mean(self, reading: ReadingName, weights: Sequence[Fraction] | None = None) -> Fraction:
        """Exact (weighted) mean of units per task."""
        shares = weights or [Fraction(1)] * len(self.tasks)
        total = sum(
            (Fraction(count) * share for count, share in zip(self.counts[reading], shares, strict=True)), Fraction()
        )
        return total / sum(shares, Fraction())

    @cached_property
    def covariate_names(self) -> tuple[str, ...]:
        """Covariates that every task has, in the order of the first."""
        if not self.tasks:
            return ()
        return tuple(name for name in self.tasks[0].covariates if all(name in task.covariates for task in self.tasks))

    def covariates(self, names: Sequence[str]) -> Floats:
        """Shape (tasks, names)."""
        return np.array([[task.covariates[name] for name in names] for task in self.tasks]).reshape(
            len(self.tasks), len(names)
        )


def sample(result: EngineResult) -> Sample:
    """Choose the tasks as the report does."""
    return Sample(result, result.sample, lost=len(result.tasks) - len(result.sample))
