"""Little's law and its fluctuation, against seeded queues that are simulated here."""

from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durameter.cost.capacity import mean_at_work, most_at_work

STEPS = list[tuple[float, float]]
"""Of one task: when each step begins after the task, and for how long it is at work."""


def _at_work(tasks: STEPS, rate: float, *, seed: int) -> npt.NDArray[np.int64]:
    """Number of steps at work at 20,000 random moments of a stationary stretch, 100,000 tasks arriving at random."""
    rng = np.random.default_rng(seed)
    span = 100_000 / rate
    arrivals = np.sort(rng.uniform(0, span, rng.poisson(rate * span)))
    begun = np.sort(np.concatenate([arrivals + start for start, _ in tasks]))
    ended = np.sort(np.concatenate([arrivals + start + length for start, length in tasks]))
    moments = rng.uniform(60, span - 60, 20_000)
    return np.searchsorted(begun, moments, side="right") - np.searchsorted(ended, moments, side="right")


def _squared(tasks: STEPS) -> float:
    """The integral of the square of the number at work of one task, on a grid of milliseconds."""
    end = max(start + length for start, length in tasks)
    grid = np.arange(0, end, 0.001)
    number = sum(((grid >= start) & (grid < start + length)).astype(int) for start, length in tasks)
    return float((np.asarray(number) ** 2).sum() * 0.001)


ONE_BY_ONE: STEPS = [(0, 2.0), (5, 1.0), (30, 4.0)]
ALL_AT_ONCE: STEPS = [(0, 3.0)] * 6
MIXED: STEPS = [(0, 4.0), (6, 2.0), (6, 2.0), (6, 2.0), (20, 1.5), (20, 3.0)]


@pytest.mark.parametrize("rate", [0.05, 0.7, 4.0])
@pytest.mark.parametrize("tasks", [ONE_BY_ONE, ALL_AT_ONCE, MIXED])
def test_a_simulated_queue_stays_below_the_quantile(tasks: STEPS, rate: float) -> None:
    """Covered share of the time: 99 %, less three standard errors of 20,000 correlated looks (about 0.5 %)."""
    seconds = sum(length for _, length in tasks)
    seen = _at_work(tasks, rate, seed=17)
    mean = mean_at_work(Decimal(str(rate)), Decimal(str(seconds)))
    assert seen.mean() == pytest.approx(float(mean), rel=0.05)
    dispersion = Decimal(str(max(_squared(tasks) / seconds, 1)))
    most = most_at_work(mean, dispersion, quantile=0.99)
    assert (seen <= most).mean() >= 0.985
    assert seen.max() >= most * 0.6  # and it is no figure that nothing comes near


def test_parallel_steps_fluctuate_more_than_poisson() -> None:
    """Taking six steps at once for single ones would be exceeded far more often than in one moment of a hundred."""
    seen = _at_work(ALL_AT_ONCE, 0.7, seed=3)
    mean = mean_at_work(Decimal("0.7"), Decimal(18))
    assert (seen > most_at_work(mean)).mean() > 0.05
    assert (seen > most_at_work(mean, Decimal(6))).mean() < 0.015


@pytest.mark.parametrize(
    ("mean", "most"),
    [
        (0, 0),
        (1, 4),  # Poisson(1): P(N <= 3) = 0.9810, P(N <= 4) = 0.9963
        (10, 18),  # Poisson(10): P(N <= 17) = 0.9857, P(N <= 18) = 0.9928
        (100, 124),
    ],
)
def test_poisson_quantiles_of_tables(mean: int, most: int) -> None:
    assert most_at_work(Decimal(mean)) == most


def test_blocks_of_steps() -> None:
    """Mean 10, always 5 at once: 5 x Poisson(2); P(N <= 6) = 0.9955, P(N <= 5) = 0.9834, so 30."""
    assert most_at_work(Decimal(10), Decimal(5)) == 30


@given(
    st.decimals(0, 5_000, places=2),
    st.decimals(0, 500, places=2),
    st.sampled_from([Decimal(1), Decimal("1.7"), Decimal(4)]),
)
def test_more_work_never_needs_fewer_slots(mean: Decimal, more: Decimal, dispersion: Decimal) -> None:
    assert most_at_work(mean, dispersion) <= most_at_work(mean + more, dispersion)
    assert most_at_work(mean, dispersion) >= int(mean) * Decimal("0.9") - dispersion
    assert most_at_work(mean, dispersion, quantile=0.999) >= most_at_work(mean, dispersion, quantile=0.9)
