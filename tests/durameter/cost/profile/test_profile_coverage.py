"""Simulated coverage of every interval that a profile prints, against 95 % within Monte-Carlo error.

Tasks come in clusters of four, as the reference agent's trials do. A cluster's tasks have some 13 model calls each,
more in some clusters than in others; each call is retried at some rate, in some clusters more often than in others.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from durameter.cost.profile.predict import more_interval
from durameter.cost.profile.records import Term
from durameter.cost.profile.regression import Sample, choose_terms, fit_noise

pytestmark = pytest.mark.long

NAMES = ("model_calls", "seconds")
PER_CALL = (Term(name="model_calls", weights={"model_calls": 1.0}),)
REPETITIONS = 1200
SIGMAS = 3.0


def within_monte_carlo_error(covered: int, of: int, nominal: float = 0.95) -> bool:
    return abs(covered / of - nominal) < SIGMAS * (nominal * (1 - nominal) / of) ** 0.5


@dataclass(frozen=True)
class World:
    clusters: int
    rate: float
    """Retries per model call."""
    varies: float
    """Coefficient of variation of the rate between clusters."""
    trials: int = 4

    def draw(self, rng: np.random.Generator, clusters: int) -> tuple[Sample, NDArray[np.float64]]:
        """Tasks, and the retries of each."""
        mean = 1 + rng.gamma(3, 4, size=clusters)
        calls = 1.0 + rng.poisson(np.repeat(mean, self.trials))
        shape = 1 / self.varies**2 if self.varies else 0
        rates = self.rate * (rng.gamma(shape, 1 / shape, size=clusters) if shape else np.ones(clusters))
        retries = rng.poisson(calls * np.repeat(rates, self.trials)).astype(float)
        names = [f"case {i // self.trials}" for i in range(len(calls))]
        return Sample(NAMES, np.column_stack([calls, 2 * calls]), names), retries


WORLDS = [
    World(clusters=10, rate=0.04, varies=0),
    World(clusters=10, rate=0.04, varies=0.4),
    World(clusters=30, rate=0.04, varies=0),
    World(clusters=5, rate=1.0, varies=0.3),
    World(clusters=10, rate=1.0, varies=0.3),
]


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_the_interval_of_a_rate_holds_and_so_does_that_of_other_tasks(world: World) -> None:
    """Of the mean task of a mix (the rate's own error), and of the total of 20 other clusters (their noise as well)."""
    rng = np.random.default_rng(20261123)
    mean = np.array([[13.0, 26.0]])
    rates = totals = usable = 0
    for _ in range(REPETITIONS):
        sample, retries = world.draw(rng, world.clusters)
        others, theirs = world.draw(rng, 20)
        if not retries.any():
            continue
        usable += 1
        noise = fit_noise(sample, PER_CALL, retries)
        low, high = more_interval(noise, NAMES, mean, 0.95)
        rates += low <= 13 * world.rate <= high
        low, high = more_interval(noise, NAMES, others.matrix, 0.95, with_residuals=True)
        totals += low <= theirs.sum() <= high
    assert usable > 0.99 * REPETITIONS
    print(f"{world}: rate {rates / usable:.3f}, total {totals / usable:.3f}")
    assert within_monte_carlo_error(rates, usable)
    assert within_monte_carlo_error(totals, usable)


def test_few_retries_make_the_interval_wider_than_need_be_and_never_narrower() -> None:
    """Ten tasks that are like no other, some five retries in all: the logarithm is cautious there, up to 98 %."""
    world = World(clusters=10, rate=0.04, varies=0, trials=1)
    rng = np.random.default_rng(1)
    covered = usable = 0
    for _ in range(REPETITIONS):
        sample, retries = world.draw(rng, world.clusters)
        if retries.any():
            usable += 1
            low, high = more_interval(fit_noise(sample, PER_CALL, retries), NAMES, np.array([[13.0, 26.0]]), 0.95)
            covered += low <= 13 * world.rate <= high
    assert 0.95 < covered / usable < 0.985


def test_the_interval_of_a_regression_with_chosen_terms_holds() -> None:
    """Units: 1.5 per model call and 3 per second streamed, with noise per cluster and per task; terms are chosen."""
    rng = np.random.default_rng(7)
    clusters, trials, repetitions = 20, 4, 400
    mix = np.array([[13.0, 30.0]])
    truth = 1.5 * 13 + 3 * 30
    covered = 0
    for _ in range(repetitions):
        calls = 1.0 + rng.poisson(np.repeat(1 + rng.gamma(3, 4, size=clusters), trials))
        seconds = calls * rng.gamma(4, 0.6, size=clusters * trials)
        each = np.repeat(rng.normal(0, 0.15, size=clusters), trials) * calls
        units = 1.5 * calls + 3 * seconds + each + rng.normal(0, np.sqrt(calls))
        sample = Sample(NAMES, np.column_stack([calls, seconds]), [f"case {i // trials}" for i in range(len(calls))])
        low, high = more_interval(fit_noise(sample, choose_terms(sample, units), units), NAMES, mix, 0.95)
        covered += low <= truth <= high
    print(f"chosen terms: {covered / repetitions:.3f}")
    assert within_monte_carlo_error(covered, repetitions)
