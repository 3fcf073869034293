"""What a price book says: one vendor's plans from one date on, as data.

Tiers are graduated: each band's price holds for the units inside that band, never for all units. What a book does
not say is not priced; absence never means zero.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, Inexact, localcontext
from itertools import pairwise
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from durameter.prices.exact import EXACT, Amount

__all__ = ["Band", "BaseFee", "Plan", "PlanFee", "PriceBook", "Range", "Source", "Tariff"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Record):
    """Where a figure was read."""

    document: str = Field(min_length=1)
    """The vendor's page or file, or what else the figures come from ("our contract of 2026-03")."""
    repository: str = ""
    commit: str = Field(default="", pattern=r"^([0-9a-f]{7,40})?$")
    note: str = ""
    """What was taken from it, and what it leaves open."""


class Range(_Record):
    """The quantities above `above` up to and including `up_to`; without `up_to` it has no end."""

    above: Amount
    up_to: Amount | None = None

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.up_to is not None and self.up_to <= self.above:
            raise ValueError(f"up_to ({self.up_to:,f}) must be greater than above ({self.above:,f})")
        return self

    def part_of(self, start: Decimal, end: Decimal) -> Decimal:
        """How much of the quantity from `start` to `end` lies in this range."""
        top = end if self.up_to is None else min(end, self.up_to)
        return max(top - max(start, self.above), Decimal(0))


class Band(Range):
    """One band of graduated prices: `price` for every `per` units inside it."""

    price: Amount
    """In the book's currency."""
    per: Amount = Field(gt=0)
    """As the vendor quotes it: 1, or 1 000 000."""

    @model_validator(mode="after")
    def _exact_price(self) -> Self:
        try:
            _exact_quotient(self.price, self.per)
        except Inexact:
            raise ValueError(f"{self.price:f} per {self.per:,f} has no exact decimal") from None
        return self

    @property
    def unit_price(self) -> Decimal:
        """Price of one unit, exact."""
        return _exact_quotient(self.price, self.per)


class BaseFee(Range):
    """A fixed monthly amount for months whose whole quantity lies in this range: a declared step in the cost."""

    amount: Amount


class PlanFee(_Record):
    """A fee that follows usage: the greater of a minimum and a share of the month's usage charges."""

    minimum: Amount
    share_of_usage: Amount = Field(le=1)

    def on(self, usage: Decimal) -> Decimal:
        """The month's fee on these usage charges (metered charges beyond what the plan includes)."""
        with localcontext(EXACT):
            return max(self.minimum, self.share_of_usage * usage)


class Tariff(_Record):
    """What one metered quantity costs in a month on one plan."""

    included: Amount
    """Quantity per month that costs nothing more."""
    bands_over: Literal["beyond_included", "total"] | None = None
    """What the bands count: `beyond_included`, only what exceeds `included` (Temporal); `total`, the whole month's
    quantity, of which `included` is free wherever it falls (Inngest)."""
    bands: tuple[Band, ...] = ()
    beyond_bands: str = ""
    """What the vendor says above the last band, where that has an end. There the plan is not priced."""
    pauses_at_quota: bool = False
    """The vendor stops the work when `included` is used up: a larger quantity does not fit."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.pauses_at_quota:
            if self.bands or self.beyond_bands:
                raise ValueError("a plan that pauses at its quota has no bands and nothing beyond them")
            return self
        if not self.bands:
            raise ValueError("give the bands, or pauses_at_quota = true: no price is not a price of zero")
        if self.bands_over is None:
            raise ValueError('say what the bands count: bands_over = "beyond_included" or "total"')
        _contiguous(self.bands)
        first, last = self.bands[0].above, self.bands[-1].up_to
        lowest = Decimal(0) if self.bands_over == "beyond_included" else self.included
        if first > lowest:
            raise ValueError(f"gap: nothing is said from {lowest:,f} to {first:,f}")
        if (last is None) != (not self.beyond_bands):
            raise ValueError("beyond_bands says what holds above the last band: give it if and only if that ends")
        if self.bands_over == "total" and last is not None and last <= self.included:
            raise ValueError(f"the bands end at {last:,f}, below the {self.included:,f} included")
        return self

    @property
    def ceiling(self) -> Decimal | None:
        """The greatest monthly quantity with a price; None if there is no limit."""
        if self.pauses_at_quota:
            return self.included
        end = self.bands[-1].up_to
        if end is None or self.bands_over == "total":
            return end
        with localcontext(EXACT):
            return self.included + end


class Plan(_Record):
    """One plan. It is priced unless `not_priced` says why it is not."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    units: Tariff | None = None
    """The book's billable unit. Other metered quantities (storage, events) will be fields like this one."""
    base_fees: tuple[BaseFee, ...] = ()
    fee: PlanFee | None = None
    estimate: bool = False
    """The figures are the vendor's estimate, not an offer: shown, flagged, and never chosen as the cheapest."""
    not_priced: str = ""
    """Why there is no price, such as an annual contract by agreement."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.base_fees:
            _contiguous(self.base_fees)
            if self.base_fees[0].above != 0 or self.base_fees[-1].up_to is not None:
                raise ValueError("base_fees must begin above 0 and have no end")
        if self.not_priced:
            if self.estimate:
                raise ValueError("a plan is either an estimate or not priced")
            return self
        if self.units is None:
            raise ValueError("give the price of units, or say in not_priced why there is none")
        if self.fee is None and not self.base_fees:
            raise ValueError("give fee or base_fees (an amount of 0 if the vendor says so), or not_priced")
        return self


class PriceBook(_Record):
    """One vendor's plans, in force from a date until the vendor's next book."""

    format: Literal[1]
    engine: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    vendor: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    """What is billed, in the singular: `action`, `execution`."""
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    tiers: Literal["graduated"]
    """Each band at its own price. The only kind there is; files say it so that no reader takes tiers for cliffs."""
    effective_from: date
    effective_precision: Literal["day", "month", "year"] = "day"
    """How exactly the source dates it; `effective_from` is the first day of that month or year."""
    checked: date
    """The day on which the figures were last compared with the sources."""
    sources: tuple[Source, ...]
    plans: tuple[Plan, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # Not as a length of the fields: pydantic counts entries with a fault as missing.
        if not self.sources or not self.plans:
            raise ValueError("give at least one source and one plan")
        ids = [plan.id for plan in self.plans]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"plan ids must differ; twice: {', '.join(twice)}")
        day, month = self.effective_from.day, self.effective_from.month
        if (self.effective_precision != "day" and day != 1) or (self.effective_precision == "year" and month != 1):
            raise ValueError(f"effective_from must be the first day of its {self.effective_precision}")
        return self

    @property
    def id(self) -> str:
        """Names this book in results and reports: `temporal-2026-09-17`, `inngest-2026-09`."""
        length = {"day": 10, "month": 7, "year": 4}[self.effective_precision]
        return f"{self.engine}-{self.effective_from.isoformat()[:length]}"


def _exact_quotient(price: Decimal, per: Decimal) -> Decimal:
    with localcontext(EXACT):
        return price / per


def _contiguous(ranges: Sequence[Range]) -> None:
    for lower, upper in pairwise(ranges):
        if lower.up_to is None:
            raise ValueError(f"what is above {lower.above:,f} has no end, so nothing can follow it")
        if upper.above > lower.up_to:
            raise ValueError(f"gap: nothing is said from {lower.up_to:,f} to {upper.above:,f}")
        if upper.above < lower.up_to:
            raise ValueError(f"overlap: above {upper.above:,f} follows what goes up to {lower.up_to:,f}")
