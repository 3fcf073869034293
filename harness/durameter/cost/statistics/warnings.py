"""Sentences about what a sample cannot support."""

from collections.abc import Sequence

import numpy as np

from durameter.cost.statistics.intervals import LEVEL, interval_of, needed_of, next_of
from durameter.cost.statistics.records import Certainty, Interval, NextTask
from durameter.cost.statistics.sample import Sample, Values, sample_of

__all__ = [
    "assess",
    "warnings",
    "warnings_of",
]

FEW = 5
"""Independent tasks from which on the coverage of the intervals is simulated."""
RUNAWAY = 6.0
"""Times the median. A task of the fact sheet's model is above it in 1-3 of 100 samples of 10-60 tasks; a runaway of
eight times the turns is noticed in 61 / 70 / 88 of 100 samples of 10 / 20 / 60 tasks that have one (simulated)."""


def warnings(values: Values, clusters: Sequence[str] | None = None, level: float = LEVEL) -> tuple[str, ...]:
    """What the sample cannot support: too few tasks or clusters, a heavy tail, one large cluster.

    Args:
        values: (n,) units per task.
        clusters: (n,) names of clusters, as for `mean_interval`.
        level: of the intervals, 0 to 1.

    Raises:
        ValueError: as `sample_of`.
    """
    sample = sample_of(values, clusters)
    return warnings_of(sample, interval_of(sample, level), next_of(sample, level))


def warnings_of(sample: Sample, mean: Interval, next_task: NextTask) -> tuple[str, ...]:
    """`warnings`, for intervals that are there already."""
    lines = []
    percent = f"{mean.level * 100:g} %"
    if mean.low is None:
        lines.append(f"no interval of the mean: {mean.why_not}")
    elif mean.exact:
        unseen = 1 - (1 - mean.level) ** (1 / sample.clusters)
        lines.append(
            f"all {sample.n} tasks have the same units; up to {unseen * 100:.0f} % of tasks may differ "
            f"without having been seen ({percent} sure)"
        )
    else:
        if sample.clusters < FEW:
            what = f"clusters with {sample.n} tasks" if sample.clustered else "tasks"
            lines.append(f"the interval of the mean rests on {sample.clusters} {what}, fewer than it is tested for")
        if (mean.half_width or 0) > 1:
            lines.append(f"{sample.n} tasks say no more than the mean's order of magnitude")
    if sample.clustered and sample.clusters > 1 and sample.n >= FEW and sample.sizes.max() * 3 > sample.n:
        most = sample.sizes.max()
        lines.append(f"{most} of {sample.n} tasks are of one cluster: it weighs on the mean and widens its interval")
    if sample.clustered and sample.clusters > 1 and not mean.exact:
        lines.append(
            f"{sample.n} tasks are of {sample.clusters} clusters: the intervals are for tasks of clusters not yet "
            "seen, and more tasks of the same clusters narrow them little"
        )
    median = float(np.median(sample.values))
    largest = float(sample.values.max())
    if sample.n >= FEW and median and largest > RUNAWAY * median:
        lines.append(
            f"one task has {largest:g} units, {largest / median:.0f} times the median: a runaway, or a heavy tail. "
            f"No method holds then: with 5 % runaways, intervals of 95 % cover 66-87 %. Measure runaways as a scenario"
        )
    if next_task.method == "none" and sample.n > 1:
        lines.append(next_task.why_not)
    return tuple(lines)


# All that the statistics say of one reading of the units.

WIDTHS = (0.10, 0.05)
"""For which the tasks that are still needed are said."""


def assess(values: Values, clusters: Sequence[str] | None = None, level: float = LEVEL) -> Certainty:
    """How sure the mean is, what one further task may cost, how many tasks are missing, and what cannot be said.

    Args:
        values: (n,) units per task.
        clusters: (n,) names of clusters, as for `mean_interval`.
        level: of the intervals, 0 to 1.

    Raises:
        ValueError: as `sample_of`.
    """
    sample = sample_of(values, clusters)
    mean, next_task = interval_of(sample, level), next_of(sample, level)
    return Certainty(
        mean=mean,
        next_task=next_task,
        needed=tuple(needed_of(sample, width, level) for width in WIDTHS),
        warnings=warnings_of(sample, mean, next_task),
    )
