"""How far units may be off where the sample could not tell marginals apart."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from durameter.profile.records import FIXED, Lines

__all__ = ["shift_bounds"]

_NONE = 1e-12


def shift_bounds(
    lines: Lines, unseen: Sequence[dict[str, float]], names: Sequence[str], sums: NDArray[np.float64], rows: int
) -> tuple[float | None, float | None]:
    """How much less and how much more than its exact lines some tasks may cost, by what the sample left open.

    Every line that says the sample exactly is the one that is shown, plus some of each direction in which the sample
    never varied. Of all these, those are possible whose marginals are not below zero, since nothing that an agent does
    takes a unit back. The extremes over them are a linear program per kind; scipy (HiGHS) solves it.

    Args:
        lines: of one reading.
        unseen: directions, as `Profile.unseen` has them.
        names: covariates in the order of `sums`.
        sums: of the covariates over all tasks that are asked for.
        rows: how many tasks these are.

    Returns:
        Units to add to the total for its lower and its upper bound; None where there is no bound.
    """
    columns = (FIXED, *names)
    point = np.array([rows, *sums])
    directions = np.array([[weights.get(name, 0.0) for name in columns] for weights in unseen])
    along = directions @ point
    if not unseen or np.abs(along).max() <= _NONE * max(np.abs(point).max(), 1.0):
        return 0.0, 0.0
    low: float | None = 0.0
    high: float | None = 0.0
    for line in lines.kinds:
        marginals = np.array([line.marginal(name) for name in columns])
        low = _added(low, _extreme(along, directions, marginals))
        high = _added(high, _extreme(-along, directions, marginals))
    return low, None if high is None else -high


def _extreme(
    along: NDArray[np.float64], directions: NDArray[np.float64], marginals: NDArray[np.float64]
) -> float | None:
    found = linprog(along, A_ub=-directions.T, b_ub=marginals, bounds=(None, None))
    return float(found.fun) if found.success and found.fun is not None else None


def _added(sum_so_far: float | None, more: float | None) -> float | None:
    return None if sum_so_far is None or more is None else sum_so_far + more
