"""What a plan does not allow, what lifts it and at what price; capacity by the second; multipliers."""

from decimal import Decimal, localcontext
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from durameter.cost.prices.tariff import EXACT, Amount, Record

__all__ = ["Capacity", "Limit", "LimitHit", "Multipliers"]


class Limit(Record):
    """The most that a plan allows of something that it does not charge for by itself."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Such as `steps_per_function`; `Usage.needs` uses it as a key."""
    value: Amount
    """The most that is allowed."""
    of: str = Field(min_length=1)
    """What is counted, in words: "steps in one function run"."""
    beyond: str = Field(min_length=1)
    """What happens above the limit."""
    hard: bool
    """Whether a usage above it does not fit the plan. Otherwise work waits, or the limit grows."""
    lifted_by: str = ""
    """What lifts it; empty if nothing does."""
    price: str = ""
    """What lifting it costs, in words; empty where nothing lifts it."""
    source: str = ""
    """The document, among the book's sources, that says so; for a limit that follows from a price, empty."""


class LimitHit(BaseModel):
    """A limit of the plan that the usage meets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: str
    """The limit's id, such as `concurrent_steps`."""
    what: str
    """In words, with the figures."""
    value: Decimal
    """What the plan allows."""
    used: Decimal
    """What the usage needs."""
    lifted_by: str = ""
    """What lifts it; empty if nothing does."""
    price: str = ""
    """What that costs, in words; "not priced" where something lifts it and no price is published."""
    amount: Decimal | None = None
    """What lifting it costs in this month, where that is in the sum of the lines; None where it is not."""
    fits: bool = True
    """Whether the plan holds this usage all the same: the limit is lifted at that price, or grows, or work waits."""


class Multipliers(Record):
    """What makes more billable units, or more GBh, of the same work. None means that the book does not say."""

    replicated: Amount | None = None
    """High availability: units and storage of a replicated namespace count so many times."""
    fairness: Amount | None = None
    """Units added per unit in hours with fairness enabled."""
    exported_workflow: Amount | None = None
    """Units per workflow whose history is exported."""


class Capacity(Record):
    """Units per second: what is there without asking, and what provisioned capacity costs."""

    floor: Amount
    """Units per second that on-demand capacity never falls below."""
    times_mean: Amount
    times_p90: Amount
    """On demand the limit grows to the lesser of `times_mean` x the mean and `times_p90` x the 90th percentile."""
    over_days: int = Field(ge=1)
    """The days behind, over which mean and percentile are taken."""
    name: str = Field(min_length=1)
    """What provisioned capacity is sold in: `TRU`."""
    per_second: Amount
    """Units per second that one of them gives."""
    sizes: tuple[int, ...] = Field(min_length=1)
    """How many of them one can have."""
    without_minimum: int = Field(ge=0)
    """How many of them have no hourly minimum."""
    minimum_per_hour: Amount
    """Units billed at least in a clock hour for each further one."""
    beyond: str = Field(min_length=1)
    """What happens above the limit."""
    source: str = Field(min_length=1)
    """The document, among the book's sources, that says so."""

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.sizes) != sorted(set(self.sizes)) or self.sizes[0] < 1:
            raise ValueError("sizes must ascend from 1 or more")
        return self

    def on_demand(self, mean: Decimal, p90: Decimal) -> Decimal:
        """The on-demand limit in units per second, after a week with this mean and 90th percentile of the rate."""
        with localcontext(EXACT):
            return max(self.floor, min(self.times_mean * mean, self.times_p90 * p90))

    def size_for(self, per_second: Decimal) -> int | None:
        """The fewest that give this rate; None if the vendor sells no such number."""
        with localcontext(EXACT):
            return next((size for size in self.sizes if size * self.per_second >= per_second), None)

    def minimum(self, size: int) -> Decimal:
        """Units billed at least in a clock hour in which `size` of them are held."""
        with localcontext(EXACT):
            return max(size - self.without_minimum, 0) * self.minimum_per_hour
