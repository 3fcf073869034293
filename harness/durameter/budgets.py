"""A budget: limits that a measurement is checked against, as a section `[budgets.NAME]` of the configuration has it."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Budget"]

_Limit = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Budget(BaseModel):
    """Limits, and what they are of. A figure that equals its limit keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workload: str = ""
    """`package/workload` or the part after the slash; empty for any."""
    engine: str = ""
    """Empty for each engine of the result."""
    variant: str = ""
    """Empty for whichever was measured."""
    type: str = ""
    """Only tasks of this type (the root workflow's type, or the slug of the root function); empty for all."""
    reading: Literal["documented", "upper"] = "documented"
    """`upper`: with every open question of the billing rules answered against you."""
    bound: Literal["mean", "interval"] = "mean"
    """What must keep a limit of means and of dollars: the mean of the measured tasks, or the upper end of its 95 %
    interval."""
    units_per_task: _Limit | None = None
    """Mean over the tasks."""
    units_per_task_max: _Limit | None = None
    """Of every task."""
    kinds: dict[str, _Limit] = Field(default_factory=dict)
    """Kind of unit → mean per task."""
    kinds_max: dict[str, _Limit] = Field(default_factory=dict)
    """Kind of unit → of every task."""
    causes: dict[str, _Limit] = Field(default_factory=dict)
    """What made it (an activity type, a step, a signal) → mean units per task."""
    causes_max: dict[str, _Limit] = Field(default_factory=dict)
    """What made it → units of every task."""
    dollars_per_month: _Limit | None = None
    """At `volume`, by the price book in force on the day of the measurement."""
    volume: str = ""
    """Tasks per month, such as `1M/month`; empty for `[run] volume`."""
    plan: str = ""
    """Id of the plan that has the price, such as `business`; empty for the cheapest that fits."""
    failed_tasks: int = Field(default=0, ge=0)
    """How many tasks may fail or time out. They are in no figure, so that more of them leave nothing to hold a limit
    against."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        singles = (self.units_per_task, self.units_per_task_max, self.dollars_per_month)
        several = (self.kinds, self.kinds_max, self.causes, self.causes_max)
        if all(each is None for each in singles) and not any(several):
            raise ValueError("it has no limit, such as units_per_task = 40")
        if any(several) and not self.engine:
            raise ValueError("kinds and causes are those of one engine: add engine = ...")
        if self.dollars_per_month is None and (self.volume or self.plan):
            raise ValueError("volume and plan say nothing without dollars_per_month")
        return self
