"""What the statistics say of small samples, by hand and against other implementations."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from durameter.cost.statistics import (
    assess,
    mean_interval,
    next_task_interval,
    sample_of,
    standard_error,
    tasks_needed,
    warnings,
)

T2 = 4.302652729911275
"""Student's t of 95 % with two degrees of freedom, from a table."""


def test_the_interval_by_hand() -> None:
    """10, 20, 30: mean 20, s = 10, s.e. = 10/√3; log-width = t * s.e. / 20 = 1.2421."""
    found = mean_interval([10, 20, 30])
    width = T2 * 10 / math.sqrt(3) / 20
    assert (found.mean, found.n, found.clusters, found.method) == (20, 3, 3, "t on log mean")
    assert found.low == pytest.approx(20 * math.exp(-width))
    assert found.high == pytest.approx(20 * math.exp(width))
    assert found.half_width == pytest.approx(math.sinh(width))


def test_a_sample_that_never_varies_is_exact() -> None:
    found = mean_interval([Decimal("4.1")] * 3)
    assert (found.low, found.high, found.exact, found.method, found.half_width) == (4.1, 4.1, True, "exact", 0.0)
    assert next_task_interval([7, 7]).method == "exact"
    assert tasks_needed([7, 7], relative=0.01).tasks == 0
    # 1 - 0.05^(1/3) = 0.632: had 64 % of all tasks been others, three alike would be rarer than one in twenty
    assert "up to 63 % of tasks may differ" in " ".join(warnings([7, 7, 7]))
    assert mean_interval([0, 0, 0]).exact


@pytest.mark.parametrize(
    ("values", "clusters", "why"),
    [
        ([5], None, "one task has no spread"),
        ([5, 6], None, "two tasks are too few"),
        ([5, 6, 7], ["a", "a", "a"], "all 3 tasks are of one cluster"),
        ([5, 6, 7], ["a", "a", "b"], "3 tasks of two clusters are too few"),
        (list(range(1, 31)), ["a"] * 21 + [""] * 9, "21 of 30 tasks are of one cluster"),
    ],
)
def test_no_interval_is_made_up(values: list[float], clusters: list[str] | None, why: str) -> None:
    found = assess(values, clusters)
    assert (found.mean.low, found.mean.high, found.mean.method, found.mean.half_width) == (None, None, "none", None)
    assert why in found.mean.why_not
    assert [each.tasks for each in found.needed] == [None, None]
    assert all(why in each.why_not for each in found.needed)
    assert why in found.warnings[0]


def test_zeros_are_counts_like_others() -> None:
    assert mean_interval([0, 10, 20]).low == pytest.approx(10 * math.exp(-T2 * 10 / math.sqrt(3) / 10))
    few = next_task_interval([0, 10, 20, 30, 40])
    assert (few.low, few.method) == (None, "none")
    assert "has no units" in few.why_not
    assert next_task_interval([0, *range(1, 60)]).method == "conformal"


@pytest.mark.parametrize("values", [[], [1, -1], [1, math.nan], [1, math.inf]])
def test_what_is_no_sample(values: list[float]) -> None:
    with pytest.raises(ValueError, match="a sample is of one task or more"):
        mean_interval(values)


def test_clusters_must_fit() -> None:
    with pytest.raises(ValueError, match="2 values have 1 clusters"):
        mean_interval([1, 2], ["a"])


# --- clusters


@given(st.lists(st.integers(0, 50), min_size=3, max_size=30).filter(lambda values: len(set(values)) > 1))
def test_tasks_that_are_like_no_other_are_independent(values: list[int]) -> None:
    alone = [f"case-{index}" for index in range(len(values))]
    assert mean_interval(values) == mean_interval(values, alone) == mean_interval(values, [""] * len(values))


def test_equal_clusters_against_statsmodels() -> None:

    import statsmodels.api as sm  # heavy, and every worker process would import it

    """CR3 of g equal clusters is CR1 with its correction g/(g-1), times g/(g-1) once more in the variance."""
    rng = np.random.default_rng(3)
    values, groups = rng.gamma(2, 10, 24), np.repeat(np.arange(6), 4)
    fitted = sm.OLS(values, np.ones(24)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    found = standard_error(sample_of(values, [str(group) for group in groups]))
    assert found.value == pytest.approx(float(fitted.bse[0]) * math.sqrt(6 / 5))
    assert found.freedom == pytest.approx(5)


@given(st.lists(st.integers(1, 6), min_size=3, max_size=8).filter(lambda sizes: max(sizes) > 1), st.integers(0, 99))
def test_unequal_clusters_against_matrices(sizes: list[int], seed: int) -> None:
    """Bell and McCaffrey's formulas as they stand, with the hat matrix of a regression on a constant."""
    n, groups = sum(sizes), np.repeat(np.arange(len(sizes)), sizes)
    values = np.random.default_rng(seed).gamma(2, 10, n)
    hat = np.full((n, n), 1 / n)
    residuals = (np.eye(n) - hat) @ values
    likeness = 0.9 * np.eye(n) + 0.1 * (groups[:, None] == groups[None, :])
    rows = []
    for group in range(len(sizes)):
        members = groups == group
        block = np.eye(sizes[group]) - hat[np.ix_(members, members)]
        rows.append(np.ones(sizes[group]) @ np.linalg.inv(block) @ (np.eye(n) - hat)[members] / n)
    contrast = np.array(rows)
    omega = contrast @ likeness @ contrast.T
    found = standard_error(sample_of(values, [str(group) for group in groups]))
    assert found.value == pytest.approx(math.sqrt(float(np.sum((contrast @ residuals) ** 2))))
    assert found.freedom == pytest.approx(np.trace(omega) ** 2 / np.trace(omega @ omega))


# --- tasks that are still needed


def test_tasks_needed_by_hand() -> None:
    """Of 60 tasks with s.e./mean = 0.05, N satisfy t(N-1) * 0.05 * √(60/N) ≤ asinh(0.05): tried one by one."""
    values = np.array([1.0, 3.0] * 30)
    spread = standard_error(sample_of(values)).value / 2
    found = tasks_needed(values, relative=0.05)
    first = next(n for n in range(60, 9999) if stats.t.ppf(0.975, n - 1) * spread * (60 / n) ** 0.5 <= math.asinh(0.05))
    assert found.tasks == found.clusters == first - 60 > 0


def test_with_the_tasks_that_were_said_it_is_as_narrow_as_said() -> None:
    """60 tasks of 20 clusters, repeated until there are as many as was said; what is left is s² with n - 1 for n."""
    values = [float(value) for value in np.random.default_rng(1).gamma(2, 10, 60)]
    said = tasks_needed(values, [str(task // 3) for task in range(60)], relative=0.05)
    assert said.tasks is not None
    assert said.clusters == math.ceil(said.tasks / 3)
    times = round((said.tasks + 60) / 60)
    clusters = [f"{task // 3} of {repetition}" for repetition in range(times) for task in range(60)]
    assert times == 8
    assert mean_interval(values * times, clusters).half_width == pytest.approx(0.05, rel=0.06)


def test_nothing_is_missing_when_it_is_narrow_enough() -> None:
    assert tasks_needed([10, 11] * 50, relative=0.05).tasks == 0
    with pytest.raises(ValueError, match="is not a valid width"):
        tasks_needed([1, 2, 3], relative=0)


# --- a single next task


def test_the_next_task_by_hand() -> None:
    """e^1 … e^5: log mean 3, log s.d. √2.5, times √(1 + 1/5) is √3, t with 4 degrees 2.7764."""
    found = next_task_interval([math.exp(k) for k in range(1, 6)])
    assert found.method == "log-t"
    assert found.low == pytest.approx(math.exp(3 - 2.7764451051977987 * math.sqrt(3)))
    assert found.high == pytest.approx(math.exp(3 + 2.7764451051977987 * math.sqrt(3)))


def test_order_statistics_begin_with_39_tasks() -> None:
    values = list(range(101, 140))
    assert next_task_interval(values[:-1]).method == "log-t"
    found = next_task_interval(values)
    assert (found.low, found.high, found.method) == (101, 139, "conformal")
    assert next_task_interval(values, level=0.99).method == "log-t"  # 2/0.01 - 1 = 199 would be needed
    four = next_task_interval(
        [each for each in values for _ in range(4)], [str(each) for each in values for _ in range(4)]
    )
    assert (four.low, four.high, four.clusters, four.method) == (101, 139, 39, "conformal")


def test_four_tasks_say_nothing_of_a_single_one() -> None:
    found = next_task_interval([10, 20, 30, 40])
    assert (found.low, found.method) == (None, "none")
    assert "4 tasks are too few" in found.why_not


def test_order_statistics_by_hand() -> None:
    """k is the largest whole number of at most (m + 1) / 40: 1 to 78 tasks, 2 from 79 on, 3 from 119 on, 5 at 200."""
    for tasks, rank in ((39, 1), (78, 1), (79, 2), (118, 2), (119, 3), (200, 5)):
        values = np.random.default_rng(tasks).permutation(np.arange(1, tasks + 1))
        found = next_task_interval(values.astype(float))
        assert (found.low, found.high) == (rank, tasks + 1 - rank), tasks
    tied = next_task_interval([1, 1, 1, *range(2, 77), 90, 90])  # 80 tasks: the second smallest and second largest
    assert (tied.low, tied.high) == (1, 90)


# --- warnings


def test_what_a_sample_cannot_support_is_said() -> None:
    assert warnings([20, 22, 25, 19, 30, 27, 22, 24]) == ()
    assert "rests on 3 tasks" in warnings([10, 20, 30])[0]
    assert "order of magnitude" in " ".join(warnings([1, 1, 100]))
    assert "300 units, 15 times the median" in " ".join(warnings([20, 20, 21, 19, 300]))
    one_large = warnings([20, 21, 22, 25, 19, 30, 27, 22, 24], ["a"] * 4 + [""] * 5)
    assert any("4 of 9 tasks are of one cluster" in line for line in one_large)
    assert any("not yet seen" in line for line in one_large)
