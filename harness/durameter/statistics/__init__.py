"""Statistics that hold for unit counts. See docs/statistics.md."""

from durameter.statistics.cautions import warnings
from durameter.statistics.certainty import assess
from durameter.statistics.error import StandardError, standard_error
from durameter.statistics.mean import mean_interval
from durameter.statistics.needed import tasks_needed
from durameter.statistics.next_task import next_task_interval
from durameter.statistics.records import Certainty, Interval, Needed, NextTask
from durameter.statistics.sample import Sample, sample_of

__all__ = [
    "Certainty",
    "Interval",
    "Needed",
    "NextTask",
    "Sample",
    "StandardError",
    "assess",
    "mean_interval",
    "next_task_interval",
    "sample_of",
    "standard_error",
    "tasks_needed",
    "warnings",
]
