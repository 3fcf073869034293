"""Storage and capacity of a month, from measurement: GBh, units per second, concurrent steps. See docs/capacity.md."""

from durameter.cost.capacity.day import FLAT, OFFICE, DayShape, day_shape
from durameter.cost.capacity.demand import (
    RETENTION_DAYS,
    SECONDS_PER_MONTH,
    Demand,
    PerTask,
    demand,
    gbh,
    mean_at_work,
    most_at_work,
    per_task,
)
from durameter.cost.capacity.limits import NEAR, Nearness
from durameter.cost.capacity.words import Row, assumptions, capacity_rows, limit_lines

__all__ = [
    "FLAT",
    "NEAR",
    "OFFICE",
    "RETENTION_DAYS",
    "SECONDS_PER_MONTH",
    "DayShape",
    "Demand",
    "Nearness",
    "PerTask",
    "Row",
    "assumptions",
    "capacity_rows",
    "day_shape",
    "demand",
    "gbh",
    "limit_lines",
    "mean_at_work",
    "most_at_work",
    "per_task",
]
