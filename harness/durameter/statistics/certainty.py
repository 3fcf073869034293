"""All that the statistics say of one reading of the units."""

from collections.abc import Sequence

from durameter.statistics.cautions import cautions
from durameter.statistics.mean import LEVEL, interval_of
from durameter.statistics.needed import needed_of
from durameter.statistics.next_task import next_of
from durameter.statistics.records import Certainty
from durameter.statistics.sample import Values, sample_of

__all__ = ["assess"]

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
        warnings=cautions(sample, mean, next_task),
    )
