"""Every interval that a report prints holds what it promises, in simulation.

Where shared figures exist (t on log mean; sequential stopping) the coverage is held against them, within three standard
errors of both simulations; else against 95 %, within three standard errors of this one. Figures: docs/statistics.md.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from drawing import MEAN, clustered, independent, monte_carlo, names, of_thirty, runaways
from numpy.typing import NDArray
from scipy.stats import binom, nbinom, t

from durameter.cost.statistics import (
    Interval,
    NextTask,
    mean_interval,
    next_task_interval,
    warnings,
)
from durameter.runner.until import Batches, Until

pytestmark = pytest.mark.long

ALIKE = {
    "5 of 4": [4] * 5,
    "10 of 4": [4] * 10,
    "30 of 4": [4] * 30,
    "10 of 30 cases": of_thirty(10),
    "20 of 30 cases": of_thirty(20),
    "40 of 30 cases": of_thirty(40),
    "120 of 30 cases": of_thirty(120),
    "three of ten": [1] * 20 + [2] * 5 + [10] * 3,
}


def holds(found: Interval | NextTask, value: float) -> bool:
    assert found.low is not None
    assert found.high is not None
    return found.low <= value <= found.high


def coverage(samples: NDArray[np.float64], clusters: Sequence[str] | None = None, mean: float = MEAN) -> float:
    return float(np.mean([holds(mean_interval(sample, clusters), mean) for sample in samples]))


def next_coverage(
    samples: NDArray[np.float64], further: NDArray[np.float64], method: str, clusters: Sequence[str] | None = None
) -> float:
    found = [next_task_interval(sample, clusters) for sample in samples]
    assert {each.method for each in found} == {method}
    return float(np.mean([holds(each, value) for each, value in zip(found, further[:, 0], strict=True)]))


# --- the mean


@pytest.mark.parametrize(("n", "published"), [(5, 0.938), (10, 0.941), (20, 0.944), (60, 0.949)])
def test_the_mean_of_independent_tasks(n: int, published: float) -> None:
    found = coverage(independent(np.random.default_rng(n), n))
    print(f"COVERAGE mean n={n}: {found:.3f}")
    assert found == pytest.approx(published, abs=monte_carlo(found, published))


@pytest.mark.parametrize("between", [0.59, 0.75])
@pytest.mark.parametrize("design", ALIKE)
def test_the_mean_of_clustered_tasks(design: str, between: float) -> None:
    sizes = ALIKE[design]
    found = coverage(clustered(np.random.default_rng(sum(sizes)), sizes, between), names(sizes))
    print(f"COVERAGE clustered mean {design} {between}: {found:.3f}")
    assert found == pytest.approx(0.95, abs=monte_carlo(0.95))


@pytest.mark.parametrize("sizes", [[10, 10] + [1] * 10, [1, 1, 1, 2, 2, 4, 4, 8, 8, 16]], ids=str)
def test_the_mean_when_few_clusters_have_most_tasks(sizes: list[int]) -> None:
    """The degrees of freedom are those of the few large clusters; the interval is wider than it would have to be."""
    found = coverage(clustered(np.random.default_rng(sum(sizes)), sizes, 0.59), names(sizes))
    print(f"COVERAGE clustered mean {sizes}: {found:.3f}")
    assert found >= 0.95 - monte_carlo(0.95)


def test_what_likeness_costs_when_it_is_ignored() -> None:
    sizes = [4] * 10
    assert coverage(clustered(np.random.default_rng(1), sizes, 0.59)) < 0.85


# --- a single next task


@pytest.mark.parametrize("n", [5, 10, 20, 38])
def test_the_next_task_by_log_t(n: int) -> None:
    rng = np.random.default_rng(n)
    found = next_coverage(independent(rng, n), independent(rng, 1), "log-t")
    print(f"COVERAGE next log-t n={n}: {found:.3f}")
    assert found == pytest.approx(0.95, abs=monte_carlo(0.95))


def _two_order_statistics(n: int, k: int) -> float:
    """Chance that a further task lies within the k-th smallest and the k-th largest of n, with ties, of this model.

    P(further < k-th smallest) = sum over x of p(x) * P(at most k-1 of n are at or below x), and alike above.
    """
    x = np.arange(400)
    p, at_or_below = nbinom.pmf(x, 2, 0.25), nbinom.cdf(x, 2, 0.25)
    below = np.sum(p * binom.cdf(k - 1, n, at_or_below))
    above = np.sum(p * binom.cdf(k - 1, n, nbinom.sf(x - 1, 2, 0.25)))
    return float(1 - below - above)


@pytest.mark.parametrize(("n", "k"), [(39, 1), (60, 1), (80, 2), (200, 5)])
def test_the_next_task_by_order_statistics(n: int, k: int) -> None:
    """At least 1 - 2k/(n+1) by theory: 95 % at 39 = 2/0.05 - 1, more in between; ties of whole units add to it."""
    rng = np.random.default_rng(n)
    found = next_coverage(independent(rng, n), independent(rng, 1), "conformal")
    expected = _two_order_statistics(n, k)
    print(f"COVERAGE next conformal n={n}: {found:.3f}, expected {expected:.3f}, at least {1 - 2 * k / (n + 1):.3f}")
    assert expected >= 1 - 2 * k / (n + 1) >= 0.95 - 1e-9
    assert found == pytest.approx(expected, abs=monte_carlo(expected))


def _with_fewer_degrees(sizes: Sequence[int], between: float) -> float:
    """Coverage of a t interval with clusters - 1 degrees for a variance that has more.

    The variance of a further task is estimated by A * B + C * W, B and W the mean squares between and within clusters,
    in units of one task's variance E B = 1 - r + r * n0 and E W = 1 - r, r the share between clusters. It has the
    degrees of freedom (AB + CW)² / ((AB)² / (clusters - 1) + (CW)² / (n - clusters)) (Satterthwaite 1946).
    """
    n, clusters, squares = sum(sizes), len(sizes), sum(size**2 for size in sizes)
    n0 = (n - squares / n) / (clusters - 1)
    a = (1 + squares / n**2) / n0
    ab, cw = a * (1 - between + between * n0), (1 + 1 / n - a) * (1 - between)
    freedom = (ab + cw) ** 2 / (ab**2 / (clusters - 1) + cw**2 / (n - clusters))
    return float(1 - 2 * t.sf(t.ppf(0.975, clusters - 1), freedom))


@pytest.mark.parametrize("between", [0.59, 0.75])
@pytest.mark.parametrize("design", ALIKE)
def test_the_next_task_of_a_new_cluster(design: str, between: float) -> None:
    sizes = ALIKE[design]
    rng = np.random.default_rng(sum(sizes))
    found = next_coverage(clustered(rng, sizes, between), clustered(rng, [1], between), "clustered log-t", names(sizes))
    expected = _with_fewer_degrees(sizes, between)
    print(f"COVERAGE next clustered {design} {between}: {found:.3f}, expected {expected:.3f}")
    assert expected >= 0.95
    assert found == pytest.approx(expected, abs=monte_carlo(expected))


def test_the_next_task_of_a_new_cluster_by_order_statistics() -> None:
    sizes = [3] * 60
    rng = np.random.default_rng(60)
    found = next_coverage(clustered(rng, sizes, 0.75), clustered(rng, [1], 0.75), "conformal", names(sizes))
    expected = _two_order_statistics(60, 1)  # the first task of each of 60 clusters: independent, of the same model
    print(f"COVERAGE next clustered conformal: {found:.3f}, expected {expected:.3f}")
    assert found == pytest.approx(expected, abs=monte_carlo(expected))


# --- stopping when it is narrow enough


def _stopped(
    relative: float, first: int, drawn: Callable[[int], NDArray[np.float64]], clusters: list[str] | None, cap: int
) -> tuple[float, float]:
    """Share of the intervals that hold the mean when the rule stops, and the mean number of tasks."""
    held, tasks = [], []
    for sample in drawn(cap):
        batches = Batches(Until(relative, first, cap), range(cap))
        n = 0
        while batch := batches.next():
            n += len(batch)
            batches.look_at([sample[:n]], None if clusters is None else clusters[:n])
        assert batches.reached("e", "v").reached
        held.append(holds(mean_interval(sample[:n], None if clusters is None else clusters[:n]), MEAN))
        tasks.append(n)
    return float(np.mean(held)), float(np.mean(tasks))


@pytest.mark.parametrize(("relative", "low", "high", "about"), [(0.1, 0.94, 0.947, 171), (0.2, 0.926, 0.931, 43)])
def test_stopping_when_it_is_narrow_enough(relative: float, low: float, high: float, about: int) -> None:
    rng = np.random.default_rng(about)
    found, tasks = _stopped(relative, 10, lambda cap: independent(rng, cap), None, 600)
    print(f"COVERAGE until {relative}: {found:.3f} at {tasks:.0f} tasks")
    assert low - monte_carlo(found, low) <= found <= high + monte_carlo(found, high)
    assert about <= tasks <= about + 10  # the last batch is of ten or more and takes it beyond


def test_stopping_with_clusters() -> None:
    sizes = [4] * 150
    rng = np.random.default_rng(4)
    found, tasks = _stopped(0.2, 20, lambda cap: clustered(rng, sizes, 0.59, 1000), names(sizes), 600)
    print(f"COVERAGE until 0.2 clustered: {found:.3f} at {tasks:.0f} tasks")
    lowest = 0.926  # of independent tasks; no figure is published for clusters
    assert lowest - monte_carlo(lowest, repetitions=1000) <= found <= 0.95 + monte_carlo(0.95, repetitions=1000)


# --- what no method holds


@pytest.mark.parametrize("n", [5, 10, 20, 60])
def test_runaways_break_every_interval_and_are_noticed(n: int) -> None:
    samples = runaways(np.random.default_rng(n), n)
    found = coverage(samples, mean=58.7)
    noticed = [any("runaway" in line for line in warnings(each)) for each in samples[:500]]
    false = [
        any("runaway" in line for line in warnings(each)) for each in independent(np.random.default_rng(n), n, 1000)
    ]
    print(f"COVERAGE with runaways n={n}: {found:.3f}; said in {np.mean(noticed):.3f}, wrongly in {np.mean(false):.3f}")
    assert np.mean(noticed) > (1 - 0.95**n) / 2  # in more than half of the samples that have one
    assert np.mean(false) < 0.05
    assert 0.66 - monte_carlo(found, 0.66) <= found <= 0.87 + monte_carlo(found, 0.87)
