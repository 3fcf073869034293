"""Samples of units per task, drawn from the model of the fact sheet and from its clustered sisters.

units = 2 + 6 * turns, turns = 1 + negative binomial(n = 2, p = 0.25): mean 7, variance 24, so a mean of 44 units.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

REPETITIONS = 3000
"""As in the fact sheet; one standard error of a coverage near 95 % is then 0.4 percentage points."""
MEAN = 44.0


def independent(rng: np.random.Generator, n: int, repetitions: int = REPETITIONS) -> NDArray[np.float64]:
    """(repetitions, n) units."""
    return 2.0 + 6 * (1 + rng.negative_binomial(2, 0.25, (repetitions, n)))


def runaways(rng: np.random.Generator, n: int, repetitions: int = REPETITIONS) -> NDArray[np.float64]:
    """(repetitions, n) units, where 5 % of the tasks take eight times the turns. Mean 2 + 6 * 7 * 1.35 = 58.7."""
    turns = 1 + rng.negative_binomial(2, 0.25, (repetitions, n))
    return 2.0 + 6 * np.where(rng.random(turns.shape) < 0.05, 8 * turns, turns)


def clustered(
    rng: np.random.Generator, sizes: Sequence[int], between: float, repetitions: int = REPETITIONS
) -> NDArray[np.float64]:
    """(repetitions, sum of sizes) units: the same mean and variance, a share of the variance lying between clusters.

    Turns - 1 are Poisson; a cluster's rate is gamma, of mean 6 and variance 24 * between, and so is each task's around
    it, of what variance is left of 24 (6 of which the Poisson has): none at a share of 0.75, the negative binomial
    itself.
    """
    assert 0 < between <= 0.75
    variance = 24 * between
    rates = rng.gamma(36 / variance, variance / 6, (repetitions, len(sizes)))
    rates = np.repeat(rates, sizes, axis=1)
    if between < 0.75:
        shape = (36 + variance) / (24 - variance - 6)
        rates = rates * rng.gamma(shape, 1 / shape, rates.shape)
    return 2.0 + 6 * (1 + rng.poisson(rates))


def names(sizes: Sequence[int]) -> list[str]:
    """The cluster of each task."""
    return [f"case-{cluster}" for cluster, size in enumerate(sizes) for _ in range(size)]


def of_thirty(n: int) -> list[int]:
    """Sizes of the clusters when n tasks are drawn from 30 cases, as the reference agent's are."""
    sizes = np.bincount(np.random.default_rng(4).integers(0, 30, n), minlength=30)
    return [int(size) for size in sizes if size]


def monte_carlo(*shares: float, repetitions: int = REPETITIONS) -> float:
    """Three standard errors of the difference of simulated shares; of one share from a figure that is not simulated."""
    return 3 * float(np.sqrt(sum(share * (1 - share) / repetitions for share in shares)))
