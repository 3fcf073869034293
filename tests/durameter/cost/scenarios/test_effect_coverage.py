"""The interval that projections draw a scenario's effect from holds the true effect, in simulation."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import t
from synthetic import engine, result, task

from durameter.cost.scenarios import effects_of
from durameter.cost.scenarios.effects import _extra
from durameter.workload import Scenario

REPETITIONS = 1000
MEAN = 44.0
UNEQUAL = {"two of twelve": [10, 10] + [1] * 10, "three of fifteen": [12] * 3 + [1] * 12}
"""Tasks of each case, most of them in a few."""


def drawn(sizes: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """(repetitions, tasks) extra units, 59 % of their variance between cases; and the case of each task."""
    rng = np.random.default_rng(sum(sizes))
    cases = np.repeat(np.arange(len(sizes)), sizes)
    between = rng.standard_normal((REPETITIONS, len(sizes)))[:, cases]
    within = rng.standard_normal((REPETITIONS, len(cases)))
    return MEAN + 30 * (0.59**0.5 * between + 0.41**0.5 * within), cases


@pytest.mark.parametrize("design", UNEQUAL)
def test_the_effect_holds_95_percent_where_clusters_are_unequal(design: str) -> None:
    """At least: the degrees of freedom are those of the few large clusters, as for the mean."""
    extras, cases = drawn(UNEQUAL[design])
    clusters = [f"case {case}" for case in cases]
    held = []
    for values in np.round(extras).astype(int):
        found = _extra([Decimal(int(value)) for value in values], clusters)
        assert found.extra_error is not None
        held.append((found.extra_mean, found.extra_error, found.freedom))
    means, errors, freedom = np.array(held, dtype=np.float64).T
    covered = float(np.mean(np.abs(means - MEAN) <= t.ppf(0.975, freedom) * errors))
    print(f"COVERAGE effect, {design}: {covered:.3f}")
    assert covered >= 0.95 - 3 * (0.95 * 0.05 / REPETITIONS) ** 0.5


@pytest.mark.parametrize("design", UNEQUAL)
def test_cr1_would_not(design: str) -> None:
    """Why it is not used: the same draws with CR1 and clusters - 1 degrees, as regression packages give them."""
    sizes = UNEQUAL[design]
    extras, cases = drawn(sizes)
    means = extras.mean(axis=1)
    sums = (extras - means[:, None]) @ (cases[:, None] == np.arange(len(sizes)))
    errors = np.sqrt((sums**2).sum(axis=1) * len(sizes) / (len(sizes) - 1)) / len(cases)
    covered = float(np.mean(np.abs(means - MEAN) <= t.ppf(0.975, len(sizes) - 1) * errors))
    print(f"COVERAGE CR1, {design}: {covered:.3f}")
    assert covered < 0.88


def test_the_effect_says_the_degrees_of_its_error() -> None:
    """Two clusters of two: one degree; and the error of an effect is the one that has them."""
    base = result(engine([task(name, 0, cluster=name[0]) for name in ("a1", "a2", "b1", "b2")]))
    bad = result(engine([task(name, more) for name, more in (("a1", 1), ("a2", 3), ("b1", 5), ("b2", 7))]))
    scenario = Scenario(name="bad", description="a bad day", default_share=0.01, why="a guess")
    [effect] = effects_of(scenario, base, bad).effects
    assert effect.readings["documented"].freedom == pytest.approx(1)
