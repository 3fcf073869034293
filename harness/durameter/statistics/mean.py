"""How sure the mean is: an interval that holds at small n."""

import math
from collections.abc import Sequence

from durameter.statistics.error import standard_error, too_few
from durameter.statistics.records import Interval
from durameter.statistics.sample import Sample, Values, sample_of
from durameter.statistics.student import quantile

__all__ = ["interval_of", "mean_interval"]

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
