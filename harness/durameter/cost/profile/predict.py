"""From lines to units: means, draws, totals with an interval."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import linprog

from durameter.cost.profile.records import FIXED, Lines, Noise, Prediction, Term
from durameter.errors import UsageError

__all__ = [
    "column",
    "design",
    "draws",
    "in_words",
    "means",
    "more_interval",
    "shift_bounds",
    "total",
    "unidentified",
]

# How far units may be off where the sample could not tell marginals apart.

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


Matrix = NDArray[np.float64]

_TOLERANCE = 1e-9
_FARTHEST = 100.0
"""Of a logarithm: beyond, with next to no degrees of freedom, numbers would overflow."""


def column(weights: Mapping[str, float], names: Sequence[str], matrix: Matrix) -> Matrix:
    """A weighted sum of covariates per row, shape (rows,); the weight of `fixed` counts once per row."""
    found: Matrix = weights.get(FIXED, 0.0) + matrix @ np.array([weights.get(name, 0.0) for name in names])
    return found


def design(terms: Sequence[Term], names: Sequence[str], matrix: Matrix) -> Matrix:
    """Columns of a regression, shape (rows, terms)."""
    return np.column_stack([column(term.weights, names, matrix) for term in terms])


def means(lines: Lines, names: Sequence[str], matrix: Matrix) -> Matrix:
    """Units per task of each row, shape (rows,)."""
    units = column(lines.exact_part, names, matrix)
    if lines.noise is not None:
        units = units + design(lines.noise.terms, names, matrix) @ np.array(lines.noise.values)
    return units


def draws(lines: Lines, names: Sequence[str], matrix: Matrix, rng: np.random.Generator) -> Matrix:
    """Units per task of each row, each with another draw of the regression, shape (rows,)."""
    units = column(lines.exact_part, names, matrix)
    noise = lines.noise
    if noise is None:
        return units
    if noise.degrees <= 0:
        raise UsageError(
            "These tasks are too few for an interval: what is not exact rests on too few groups of tasks. Measure at "
            "least ten different tasks."
        )
    columns, values = design(noise.terms, names, matrix), np.array(noise.values)
    normal = rng.multivariate_normal(np.zeros(len(values)), np.array(noise.covariance), size=len(matrix), method="svd")
    off = normal / np.sqrt(rng.chisquare(noise.degrees, size=len(matrix)) / noise.degrees)[:, None]
    if _is_rate(noise):
        more: Matrix = columns[:, 0] * values[0] * np.exp(np.clip(off[:, 0] / values[0], -_FARTHEST, _FARTHEST))
    else:
        more = np.maximum(np.einsum("ij,ij->i", columns, values + off), 0.0)
    return units + more


def _is_rate(noise: Noise) -> bool:
    """With one term the value is a rate: its interval is made on its logarithm, by the delta method."""
    return len(noise.values) == 1 and noise.values[0] > 0


def more_interval(
    noise: Noise, names: Sequence[str], matrix: Matrix, level: float, *, with_residuals: bool = False
) -> tuple[float, float]:
    """Interval for the units that the regression says of all rows together.

    With one term on the logarithm (t on the log, delta method), else symmetric and not below zero.

    Args:
        noise: the regression.
        names: of the columns of `matrix`.
        matrix: covariates, one row per task or mix.
        level: of the interval.
        with_residuals: whether the rows are tasks with residuals of their own, which vary too.
    """
    sums = design(noise.terms, names, matrix).sum(axis=0)
    middle = float(sums @ np.array(noise.values))
    variance = float(sums @ np.array(noise.covariance) @ sums)
    if with_residuals:
        variance += noise.spread * float(sums[0])
    half = float(stats.t.ppf((1 + level) / 2, noise.degrees)) * variance**0.5
    if _is_rate(noise) and middle > 0:
        far = min(half / middle, _FARTHEST)
        return float(middle * np.exp(-far)), float(middle * np.exp(far))
    return max(middle - half, 0.0), middle + half


def total(lines: Lines, names: Sequence[str], matrix: Matrix, level: float) -> Prediction:
    """Units of all rows together; the variance is that of the regression at their sum, and of their own residuals."""
    exact = float(column(lines.exact_part, names, matrix).sum())
    if lines.noise is None:
        return Prediction(total=exact, low=exact, high=exact, exact=True, level=level)
    noise = lines.noise
    more = float((design(noise.terms, names, matrix) @ np.array(noise.values)).sum())
    if noise.degrees <= 0:
        return Prediction(total=exact + more, low=None, high=None, exact=False, level=level)
    low, high = more_interval(noise, names, matrix, level, with_residuals=True)
    return Prediction(total=exact + more, low=exact + low, high=exact + high, exact=False, level=level)


def unidentified(unseen: Sequence[Mapping[str, float]], names: Sequence[str], matrix: Matrix) -> tuple[str, ...]:
    """Directions of `unseen` in which a row lies, in words."""
    said = []
    for weights in unseen:
        sizes = column({name: abs(weight) for name, weight in weights.items()}, names, np.abs(matrix))
        off = np.abs(column(weights, names, matrix)) > _TOLERANCE * np.maximum(sizes, 1.0)
        if off.any():
            said.append(in_words(weights))
    return tuple(said)


def in_words(weights: Mapping[str, float]) -> str:
    """What the tasks of the sample had in common, as a sentence."""
    named = [name for name in weights if name != FIXED]
    if len(named) == 1:
        always = -weights.get(FIXED, 0.0) / weights[named[0]] + 0.0  # no minus zero
        return f"{named[0]} was {always:g} in every task: its marginal is not known"
    if len(named) == 2 and FIXED not in weights and weights[named[0]] == -weights[named[1]]:
        return f"{named[0]} and {named[1]} were equal in every task: their marginals cannot be told apart"
    return f"the marginals of {', '.join(named)} cannot be told apart: they moved together in every task"
