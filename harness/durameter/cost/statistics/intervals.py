"""How sure the mean is: an interval that holds at small n."""

import bisect
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from durameter.cost.statistics.records import Interval, Needed, NextTask
from durameter.cost.statistics.sample import Sample, Values, quantile, sample_of, standard_error, too_few

__all__ = [
    "interval_of",
    "mean_interval",
    "needed_of",
    "next_of",
    "next_task_interval",
    "tasks_needed",
]

LEVEL = 0.95


def mean_interval(values: Values, clusters: Sequence[str] | None = None, level: float = LEVEL) -> Interval:
    """A confidence interval of the mean units per task.

    mean * exp(± t * s.e. / mean): Student's t on log(mean), its standard error by the delta method. Coverage of 95 %
    at n = 5 / 10 / 20 / 60, simulated: 93.8 / 94.1 / 94.4 / 94.9; see docs/statistics.md. With clusters the error is
    robust against likeness within them, see `standard_error`.

    Args:
        values: (n,) units per task.
        clusters: (n,) names of clusters; an empty name is a cluster of its own. None: no two tasks are alike.
        level: of confidence, 0 to 1.

    Returns:
        The interval; one number, marked exact, when the units never vary; none, with why, when there are
        too few tasks or clusters.

    Raises:
        ValueError: as `sample_of`.
    """
    return interval_of(sample_of(values, clusters), level)


def interval_of(sample: Sample, level: float = LEVEL) -> Interval:
    """`mean_interval` of a sample."""
    mean = float(sample.values[0] if sample.constant else sample.values.mean())
    about = {"mean": mean, "level": level, "n": sample.n, "clusters": sample.clusters}
    if sample.n > 1 and sample.constant:
        return Interval(**about, low=mean, high=mean, method="exact", exact=True)
    if why := too_few(sample):
        return Interval(**about, low=None, high=None, method="none", why_not=why)
    error = standard_error(sample)
    reach = quantile(error.freedom, level) * error.value / mean
    method = "clustered t on log mean" if sample.clustered else "t on log mean"
    return Interval(**about, low=mean * math.exp(-reach), high=mean * math.exp(reach), method=method)


# What one further task may cost: an interval for a single task, not for a mean.

FEWEST = 5
"""Clusters for the log-t interval: with fewer, the spread between clusters is a guess."""


def next_task_interval(values: Values, clusters: Sequence[str] | None = None, level: float = LEVEL) -> NextTask:
    """A prediction interval for the units of one further task, of a cluster that is not in the sample.

    Conformal where there are enough independent tasks (39 for 95 %): two order statistics of the sample,
    which cover 1 - 2k/(m + 1) ≥ level of further tasks whatever their distribution, with m clusters, of which the first
    task each, and the largest k for which that holds. Else Student's t on log(units), which rests on a distribution
    near the log-normal one: mean ± t * √(between + within + error of the mean), the variances as in a one-way analysis
    of variance, with clusters - 1 degrees of freedom: fewer than the variances have together, so that it covers 96-98 %
    with five to ten clusters of four.

    Args:
        values: (n,) units per task.
        clusters: (n,) names of clusters, as for `mean_interval`.
        level: of further tasks that it is to hold, 0 to 1.

    Returns:
        The interval with the method that was used; none, with why, when there are too few tasks for either.

    Raises:
        ValueError: as `sample_of`.
    """
    return next_of(sample_of(values, clusters), level)


def next_of(sample: Sample, level: float = LEVEL) -> NextTask:
    """`next_task_interval` of a sample."""
    about = {"level": level, "n": sample.n, "clusters": sample.clusters}
    if sample.n > 1 and sample.constant:
        same = float(sample.values[0])
        return NextTask(**about, low=same, high=same, method="exact")
    enough = math.ceil(round(2 / (1 - level) - 1, 9))
    if sample.clusters >= enough:
        low, high = _conformal(sample, level)
        return NextTask(**about, low=low, high=high, method="conformal")
    what = "clusters" if sample.clustered else "tasks"
    if sample.clusters < FEWEST:
        why = f"{sample.clusters} {what} are too few to say what a single next task costs: {FEWEST} at least"
        return NextTask(**about, low=None, high=None, method="none", why_not=why)
    if sample.values.min() == 0:
        why = f"a task has no units, which the interval for a single next task bears from {enough} {what} on"
        return NextTask(**about, low=None, high=None, method="none", why_not=why)
    low, high = _log_t(sample, level)
    return NextTask(**about, low=low, high=high, method="clustered log-t" if sample.clustered else "log-t")


def _conformal(sample: Sample, level: float) -> tuple[float, float]:
    """The k-th smallest and the k-th largest, k the largest whole number of at most (m + 1) (1 - level) / 2."""
    _, firsts = np.unique(sample.groups, return_index=True)
    values = np.sort(sample.values[firsts])
    rank = math.floor(round((len(values) + 1) * (1 - level) / 2, 9))
    return float(values[rank - 1]), float(values[-rank])


def _log_t(sample: Sample, level: float) -> tuple[float, float]:
    logs = np.log(sample.values)
    reach = quantile(sample.clusters - 1, level) * math.sqrt(_variance_of_next(sample, logs))
    middle = float(logs.mean())
    return math.exp(middle - reach), math.exp(middle + reach)


def _variance_of_next(sample: Sample, logs: NDArray[np.float64]) -> float:
    """Variance of a further task around the sample's mean."""
    n, clusters, sizes = sample.n, sample.clusters, sample.sizes
    pooled = float(np.var(logs, ddof=1)) * (1 + 1 / n)
    if not sample.clustered:
        return pooled
    means = sample.cluster_sums(logs) / sizes
    within = float(np.sum((logs - means[sample.groups]) ** 2)) / (n - clusters)
    between = float(np.sum(sizes * (means - logs.mean()) ** 2)) / (clusters - 1)
    if between <= within:  # the clusters differ no more than chance makes them
        return pooled
    squares = float(np.sum(sizes.astype(np.float64) ** 2))
    typical = (n - squares / n) / (clusters - 1)  # size of a cluster in the expectation of `between`
    of_between = (1 + squares / n**2) / typical
    return of_between * between + (1 + 1 / n - of_between) * within


# How many tasks narrow the interval of the mean to ± r %.

_MOST = 10**9


def tasks_needed(
    values: Values, clusters: Sequence[str] | None = None, relative: float = 0.05, level: float = LEVEL
) -> Needed:
    """How many further tasks until half the interval's length is at most `relative` * mean.

    The smallest N with sinh(t * s.e.(N) / mean) ≤ relative: the half-width of `mean_interval`, whose error falls with
    1/√N and whose degrees of freedom grow with N, if further tasks vary as these do and come in clusters like these.
    Further trials of the same cases are worth less.

    Args:
        values: (n,) units per task.
        clusters: (n,) names of clusters, as for `mean_interval`.
        relative: half-width over the mean; above 0.
        level: of confidence, 0 to 1.

    Raises:
        ValueError: as `sample_of`, or `relative` is not above 0.
    """
    return needed_of(sample_of(values, clusters), relative, level)


def needed_of(sample: Sample, relative: float, level: float = LEVEL) -> Needed:
    """`tasks_needed` of a sample."""
    if not relative > 0:
        raise ValueError(f"± {relative} of the mean is not a valid width")
    if sample.n > 1 and sample.constant:
        return Needed(relative=relative, tasks=0, clusters=0)
    if why := too_few(sample):
        return Needed(relative=relative, tasks=None, clusters=None, why_not=why)
    error = standard_error(sample)
    spread = error.value / float(sample.values.mean())
    limit = math.asinh(relative)

    def narrow(total: int) -> bool:
        more = total / sample.n
        freedom = (error.freedom + 1) * more - 1  # n - 1, or clusters - 1, of the larger sample
        return quantile(freedom, level) * spread / math.sqrt(more) <= limit

    total = bisect.bisect_left(range(_MOST), True, lo=sample.n, key=narrow)
    if total == _MOST:
        return Needed(relative=relative, tasks=None, clusters=None, why_not=f"more than {_MOST:,} tasks")
    tasks = total - sample.n
    return Needed(relative=relative, tasks=tasks, clusters=math.ceil(tasks * sample.clusters / sample.n))
