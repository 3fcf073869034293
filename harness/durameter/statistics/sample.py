"""A sample of tasks: units per task, and which tasks are alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sample", "Values", "sample_of"]

Values = Sequence[float] | Sequence[Decimal] | NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Units of `n` tasks in `clusters` independent groups."""

    values: NDArray[np.float64]
    """(n,) units per task, none below zero."""
    groups: NDArray[np.intp]
    """(n,) number of each task's cluster, from 0."""
    sizes: NDArray[np.int64]
    """(clusters,) tasks per cluster."""

    @property
    def n(self) -> int:
        """Tasks."""
        return len(self.values)

    @property
    def clusters(self) -> int:
        """Independent groups of tasks."""
        return len(self.sizes)

    @property
    def clustered(self) -> bool:
        """Whether any two tasks are alike."""
        return self.clusters < self.n

    @property
    def constant(self) -> bool:
        """Whether the units never vary."""
        return bool(np.all(self.values == self.values[0]))

    def cluster_sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(clusters,) sums of (n,) values."""
        return np.bincount(self.groups, weights=values, minlength=self.clusters).astype(np.float64)


def sample_of(values: Values, clusters: Sequence[str] | None = None) -> Sample:
    """A sample.

    Args:
        values: (n,) units per task.
        clusters: (n,) names of clusters; an empty name is a cluster of its own. None: no two tasks are alike.

    Raises:
        ValueError: there is no task, a value is negative or not finite, or the lengths differ.
    """
    array = np.asarray(values, dtype=np.float64)
    if not len(array) or not np.all(np.isfinite(array)) or array.min() < 0:
        raise ValueError("a sample is of one task or more, each with finite units of zero or more")
    if clusters is None:
        return Sample(array, np.arange(len(array)), np.ones(len(array), dtype=np.int64))
    if len(clusters) != len(array):
        raise ValueError(f"{len(array)} values have {len(clusters)} clusters")
    numbers: dict[object, int] = {}
    keys: list[object] = [name or index for index, name in enumerate(clusters)]
    groups = np.asarray([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)
    return Sample(array, groups, np.bincount(groups).astype(np.int64))
