"""A month's demand for storage and capacity at a volume and a daily shape."""

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from durameter.cost.capacity.day import FLAT, DayShape
from durameter.cost.capacity.limits import Nearness, near_limits, provisioned_hours
from durameter.cost.prices import Plan, ProvisionedHours, Usage
from durameter.errors import UsageError
from durameter.registry import plugin_of
from durameter.results.model import EngineResult, TaskResult

__all__ = [
    "BYTES_PER_GB",
    "HOURS_PER_DAY",
    "RETENTION_DAYS",
    "SECONDS_PER_MONTH",
    "Demand",
    "PerTask",
    "demand",
    "gbh",
    "mean_at_work",
    "most_at_work",
    "per_task",
]

# What one task takes of storage and capacity, from what was measured.


class PerTask(BaseModel):
    """Means over the measured tasks, and the most of any; None is what was not measured, and never zero."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    unit: str
    tasks: int
    """How many the figures are of."""
    units: Decimal | None = None
    """Documented units."""
    history_bytes: Decimal | None = None
    active_byte_seconds: Decimal | None = None
    """Upper bound: a history has its whole size only at the end."""
    open_seconds: Decimal | None = None
    events: Decimal | None = None
    step_seconds: Decimal | None = None
    step_overlap_seconds: Decimal | None = None
    """The integral over time of the square of the number of steps at work."""
    others: Mapping[str, Decimal] = Field(default_factory=dict)
    """What else the engine bills or limits, by measure: means of its own quantities, the most of any for its limits."""
    known_of: Mapping[str, int] = Field(default_factory=dict)
    """Of how many tasks a figure is, where that is not all of them."""

    def measure(self, name: str) -> Decimal | None:
        """A figure by the name of its measure; None where it was not measured."""
        return getattr(self, name) if name in _MEANS else self.others.get(name)

    @property
    def dispersion(self) -> Decimal | None:
        """How much more the number of steps at work fluctuates than if a task had one at a time: 1 or more."""
        if not self.step_seconds or self.step_overlap_seconds is None:
            return None
        return max(self.step_overlap_seconds / self.step_seconds, Decimal(1))


_MEANS = ("history_bytes", "active_byte_seconds", "open_seconds", "events", "step_seconds", "step_overlap_seconds")


def per_task(result: EngineResult) -> PerTask:
    """Figures of the tasks that the report's figures are of."""
    engine = plugin_of(result.engine)
    own = [each.measure for each in engine.quantities.values()] if engine else []
    most = [each.measure for each in engine.limits.values()] if engine else []
    tasks = result.sample
    found: dict[str, Decimal] = {}
    partly: dict[str, int] = {}
    for name in dict.fromkeys((*_MEANS, *own, *most)):
        values = _values(tasks, name)
        if values:
            found[name] = max(values) if name in most else sum(values, Decimal(0)) / len(values)
        if 0 < len(values) < len(tasks):
            partly[name] = len(values)
    return PerTask(
        engine=result.engine,
        unit=result.unit,
        tasks=len(tasks),
        units=sum((task.units for task in tasks), Decimal(0)) / len(tasks) if tasks else None,
        known_of=partly,
        others={name: found.pop(name) for name in (*own, *most) if name in found and name not in _MEANS},
        **found,
    )


def _values(tasks: Sequence[TaskResult], name: str) -> list[Decimal]:
    return [task.measures[name] for task in tasks if name in task.measures]


# Gigabyte-hours of storage in a month, in the steady state.

BYTES_PER_GB = Decimal(10**9)
HOURS_PER_DAY = Decimal(24)


def gbh(volume: Decimal, byte_hours: Decimal) -> Decimal:
    """Gigabyte-hours of a month, rounded to 10^-6.

    Args:
        volume: tasks per month.
        byte_hours: bytes of one task times the hours for which they are kept.
    """
    return (volume * byte_hours / BYTES_PER_GB).quantize(Decimal("0.000001"))


# How many steps are at work at once.


def mean_at_work(tasks_per_second: Decimal, step_seconds: Decimal) -> Decimal:
    """Mean number of steps at work: Little's law, L = arrival rate x time at work.

    Args:
        tasks_per_second: at the hour in question.
        step_seconds: in which a task has a step at work, summed over its steps.
    """
    return tasks_per_second * step_seconds


def most_at_work(mean: Decimal, dispersion: Decimal = Decimal(1), *, quantile: float = 0.99) -> int:
    """Number of steps at work that is not exceeded in this share of the time.

    Tasks arrive independently of each other (Poisson), and none waits for a slot. Then at any moment the number of
    tasks that have j steps at work is Poisson with mean rate x T_j, T_j being the time in which a task has j of them,
    for each j on its own (M/G/infinity with marks). The sum of j x Poisson(rate x T_j) has the mean L = rate x
    sum(j T_j) and the variance D x L, where D = sum(j^2 T_j) / sum(j T_j). For D = 1 (never two steps of a task at
    once) it is Poisson(L) exactly; else D x Poisson(L / D), which has the same mean and variance, stands for it, taken
    up to a whole number.

    Args:
        mean: L.
        dispersion: D, 1 or more.
        quantile: the share, such as 0.99.
    """
    from scipy.special import pdtr, pdtrik  # as scipy.stats.poisson.ppf does, which takes 0.5 s longer to import

    if not mean:
        return 0
    each = float(mean / dispersion)
    blocks = math.ceil(pdtrik(quantile, each))
    if blocks and pdtr(blocks - 1, each) >= quantile:
        blocks -= 1
    return int((blocks * dispersion).to_integral_value(ROUND_CEILING))


SECONDS_PER_MONTH = Decimal("730.5") * 3600
"""Of a mean month (365.25 days / 12): by it monthly volumes become rates."""
RETENTION_DAYS = Decimal(30)
"""The usual default of a month; 1 to 90 can be set."""
_SHORTEST, _LONGEST = Decimal(1), Decimal(90)
_LARGEST = Decimal(10**12)
"""Tasks a month: above it, figures would have more digits than are computed."""
_SMALL = Decimal("0.000001")


class Demand(BaseModel):
    """What a month asks for. A figure is None where what it follows from was not measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_task: PerTask
    volume: Decimal = Field(ge=0)
    """Tasks per month."""
    day: DayShape = FLAT
    retention_days: Decimal = RETENTION_DAYS
    open_hours: Decimal | None = None
    """For how long a task's runs are open in production; None takes the measured time."""
    step_seconds: Decimal | None = None
    """In which a task has steps at work in production; None takes the measured time."""
    quantile: float = Field(default=0.99, gt=0, lt=1)
    """Share of the time in the busiest part in which `concurrent_steps_peak` is enough."""

    def at(self, volume: Decimal) -> Self:
        """The same at another volume."""
        return self.model_copy(update={"volume": volume})

    @property
    def retained_gbh(self) -> Decimal | None:
        """Gigabyte-hours of closed runs: bytes x retention."""
        if self.per_task.history_bytes is None:
            return None
        return gbh(self.volume, self.per_task.history_bytes * self.retention_days * HOURS_PER_DAY)

    @property
    def active_gbh(self) -> Decimal | None:
        """Gigabyte-hours of open runs: bytes x the time in which they are open. An upper bound."""
        byte_seconds = self.per_task.active_byte_seconds
        if self.open_hours is not None:
            whole = self.per_task.history_bytes
            return None if whole is None else gbh(self.volume, whole * self.open_hours)
        return None if byte_seconds is None else gbh(self.volume, byte_seconds / 3600)

    @property
    def events(self) -> Decimal | None:
        """Events that clients and apps send in the month."""
        each = self.per_task.events
        return None if each is None else (self.volume * each).quantize(_SMALL)

    @property
    def tasks_per_second_peak(self) -> Decimal:
        """In the busiest part of the day."""
        return self.volume * self.day.peak_factor / SECONDS_PER_MONTH

    @property
    def steps_mean_peak(self) -> Decimal | None:
        """Mean number of steps at work in the busiest part of the day."""
        seconds = self.step_seconds if self.step_seconds is not None else self.per_task.step_seconds
        return None if seconds is None else mean_at_work(self.tasks_per_second_peak, seconds)

    @property
    def concurrent_steps_peak(self) -> Decimal | None:
        """Steps at work that are not exceeded in `quantile` of the busiest part of the day."""
        mean = self.steps_mean_peak
        if mean is None:
            return None
        return Decimal(most_at_work(mean, self.per_task.dispersion or Decimal(1), quantile=self.quantile))

    @property
    def units(self) -> Decimal | None:
        """Documented units of the month, from the mean of the measured tasks."""
        each = self.per_task.units
        return None if each is None else (self.volume * each).quantize(_SMALL)

    def mean_aps(self, units: Decimal | None = None) -> Decimal | None:
        """Units per second, averaged over the month."""
        month = self.units if units is None else units
        return None if month is None else (month / SECONDS_PER_MONTH).quantize(_SMALL)

    def peak_aps(self, units: Decimal | None = None) -> Decimal | None:
        """Units per second in the busiest part of the day, taken as even within it."""
        month = self.units if units is None else units
        return None if month is None else (month * self.day.peak_factor / SECONDS_PER_MONTH).quantize(_SMALL)

    def needs(self) -> dict[str, Decimal]:
        """The most of any measured run, by the id of the plan's limit."""
        engine = plugin_of(self.per_task.engine)
        found = {limit: self.per_task.measure(each.measure) for limit, each in engine.limits.items()} if engine else {}
        return {limit: value for limit, value in found.items() if value is not None}

    def others(self) -> dict[str, Decimal | None]:
        """The engine's own quantities of the month: volume x mean; None where a measure is not known."""
        engine = plugin_of(self.per_task.engine)
        each = {name: self.per_task.measure(own.measure) for name, own in engine.quantities.items()} if engine else {}
        return {name: None if mean is None else (self.volume * mean).quantize(_SMALL) for name, mean in each.items()}

    def usage(self, units: Decimal, *, provisioned: tuple[ProvisionedHours, ...] = ()) -> Usage:
        """The month as a plan prices it.

        Seats and Connect workers are nothing that a measurement knows: they stay unknown.

        Args:
            units: billable units of the month, from wherever they were projected.
            provisioned: hours with provisioned capacity, such as `provisioned(plan, units)` gives.
        """
        return Usage(
            units=units,
            active_gbh=self.active_gbh,
            retained_gbh=self.retained_gbh,
            events=self.events,
            concurrent_steps=self.concurrent_steps_peak,
            others=self.others(),
            peak_aps=self.peak_aps(units),
            needs=self.needs(),
            provisioned=provisioned,
        )

    def usage_on(self, plan: Plan, units: Decimal) -> Usage:
        """The month on one plan, with the provisioned capacity that it needs there."""
        return self.usage(units, provisioned=self.provisioned(plan, units))

    def provisioned(self, plan: Plan, units: Decimal | None = None) -> tuple[ProvisionedHours, ...]:
        """Hours of the month in which provisioned capacity is needed, since the rate is above the on-demand limit.

        Empty where none is needed, the plan sells none, or it sells none that is large enough.
        """
        month = self.units if units is None else units
        if month is None or plan.capacity is None:
            return ()
        return provisioned_hours(plan.capacity, self.day, month, SECONDS_PER_MONTH)

    def limits(self, plan: Plan, units: Decimal | None = None) -> tuple[Nearness, ...]:
        """Limits of the plan that this demand meets or comes near to, the nearest first.

        `durameter.cost.prices.monthly_cost` names only those that are met; this one, also what is half used up.
        """
        month = self.units if units is None else units
        engine = plugin_of(self.per_task.engine)
        near = {limit: each.near for limit, each in engine.limits.items()} if engine else {}
        return near_limits(plan, self.usage(month or Decimal(0)), self.day, SECONDS_PER_MONTH, near)


def demand(
    engine_result: EngineResult,
    volume: Decimal,
    day_shape: DayShape = FLAT,
    *,
    retention_days: Decimal = RETENTION_DAYS,
    open_hours: Decimal | None = None,
    step_seconds: Decimal | None = None,
    quantile: float = 0.99,
) -> Demand:
    """What a month of this workload asks for of storage and capacity, from what was measured.

    Args:
        engine_result: of a measurement.
        volume: tasks per month.
        day_shape: how they are spread over the day.
        retention_days: for which closed runs are kept, 1 to 90.
        open_hours: for which a task's runs are open in production. A measurement's waits are short, so without it
            active storage is that of a compressed run, which `capacity.words` says.
        step_seconds: in which a task has steps at work in production, if its model is slower than the measured one.
        quantile: share of the time in the busiest part in which the concurrent steps are enough.

    Raises:
        UsageError: a figure is out of its range.
    """
    if not (volume.is_finite() and 0 <= volume <= _LARGEST):
        raise UsageError(f"A volume of {volume} tasks a month cannot be: give a number from 0 to {_LARGEST:,f}.")
    if not _SHORTEST <= retention_days <= _LONGEST:
        raise UsageError(f"Retention is 1 to 90 days, not {retention_days}.")
    for name, value in (("open hours", open_hours), ("step seconds", step_seconds)):
        if value is not None and not (value.is_finite() and value >= 0):
            raise UsageError(f"{value} {name} per task cannot be: give a number of zero or more.")
    if not 0 < quantile < 1:
        raise UsageError(f"A quantile of {quantile} cannot be: give one between 0 and 1, such as 0.99.")
    return Demand(
        per_task=per_task(engine_result),
        volume=volume,
        day=day_shape,
        retention_days=retention_days,
        open_hours=open_hours,
        step_seconds=step_seconds,
        quantile=quantile,
    )
