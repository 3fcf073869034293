"""Statistics that hold for unit counts. See docs/statistics.md."""

from durameter.cost.statistics.intervals import mean_interval, next_task_interval, tasks_needed
from durameter.cost.statistics.records import Certainty, Interval, Needed, NextTask
from durameter.cost.statistics.sample import Sample, StandardError, sample_of, sample_of_differences, standard_error
from durameter.cost.statistics.warnings import assess, warnings

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
    "sample_of_differences",
    "standard_error",
    "tasks_needed",
    "warnings",
]
