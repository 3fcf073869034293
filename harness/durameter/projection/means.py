"""How far a mean over the measured tasks may be from the mean over all tasks, as draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from durameter.statistics import sample_of, standard_error

__all__ = ["WIDEST", "Column", "mean_ratios", "month_noise"]

Floats = NDArray[np.float64]

WIDEST: Final = 1000.0
"""A mean is drawn at most this factor off. Only two or three groups of tasks, whose t distribution has no moments,
ever come to it; without an end their draws would not fit a number."""


@dataclass(frozen=True)
class Column:
    """One quantity of sampled tasks."""

    values: Floats
    """Shape (tasks,), not negative."""
    clusters: Sequence[str]
    """The group of each task; groups of the same name in several columns are the same group."""


def mean_ratios(columns: Sequence[Column], draws: int, rng: np.random.Generator) -> Floats:
    """Draws of (mean over all tasks) / (mean over the sampled tasks), jointly for several columns.

    The logarithm of a mean is taken as t-distributed (delta method) with the clustered standard error and the degrees
    of freedom of `durameter.statistics`: the draws of one column have the interval that the report prints. Columns vary
    together by the covariance of their groups' sums of residuals: engines that ran the same tasks differ less than
    their intervals suggest. They share the least degrees of freedom.

    Args:
        columns: what is averaged. One whose values never vary, or that has a single group, has ratio 1 in every draw.
        draws: how many.
        rng: source of chance.

    Returns:
        Shape (columns, draws).
    """
    names = {name: row for row, name in enumerate(dict.fromkeys(n for column in columns for n in column.clusters))}
    influence = np.zeros((len(names), len(columns)))
    freedom = np.inf
    for k, column in enumerate(columns):
        found = sample_of(column.values, column.clusters)
        mean = float(found.values.mean())
        if mean <= 0 or found.clusters < 2 or found.constant:
            continue
        error = standard_error(found)
        sums = found.cluster_sums(found.values - mean) / (1 - found.sizes / found.n)
        rows = [names[name] for name in dict.fromkeys(column.clusters)]
        influence[rows, k] = sums * (error.value / mean / np.linalg.norm(sums))
        freedom = min(freedom, error.freedom)
    if not np.isfinite(freedom):
        return np.ones((len(columns), draws))
    values, vectors = np.linalg.eigh(influence.T @ influence)
    root = vectors * np.sqrt(np.maximum(values, 0))
    normal = root @ rng.standard_normal((len(columns), draws))
    logs = normal / np.sqrt(rng.chisquare(freedom, draws) / freedom)
    ratios: Floats = np.exp(np.clip(logs, -np.log(WIDEST), np.log(WIDEST)))
    return ratios


def month_noise(mean: Floats, variance: float, volume: Floats, normal: Floats) -> Floats:
    """The chance that is left in a month of finitely many tasks: a factor with mean 1 on its units.

    A log-normal with the variance of the mean of `volume` independent tasks: never negative, and as good as normal
    above some hundred tasks.

    Args:
        mean: units per task, shape (draws,).
        variance: of one task's units around the mix.
        volume: tasks per month, broadcastable to the result.
        normal: standard normal draws; the same ones for engines that run the same tasks.

    Returns:
        Shape of `volume`, `mean` and `normal` broadcast together.
    """
    if variance <= 0:
        return np.ones(np.broadcast_shapes(mean.shape, volume.shape, normal.shape))
    spread = np.log1p(variance / (volume * np.maximum(mean, np.finfo(float).tiny) ** 2))
    factor: Floats = np.exp(np.sqrt(spread) * normal - spread / 2)
    return factor
