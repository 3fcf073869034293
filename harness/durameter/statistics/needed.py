"""How many tasks narrow the interval of the mean to ± r %."""

import bisect
import math
from collections.abc import Sequence

from durameter.statistics.error import standard_error, too_few
from durameter.statistics.mean import LEVEL
from durameter.statistics.records import Needed
from durameter.statistics.sample import Sample, Values, sample_of
from durameter.statistics.student import quantile

__all__ = ["needed_of", "tasks_needed"]

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
        raise ValueError(f"± {relative} of the mean is no width")
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
