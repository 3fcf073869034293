"""What a price book says: one vendor's plans from one date on, as data.

Tiers are graduated: each band's price holds for the units inside that band, never for all units. What a book does
not say is not priced; absence never means zero.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from durameter.cost.prices.limits import Capacity, Limit, Multipliers
from durameter.cost.prices.tariff import BaseFee, PlanFee, Record, Tariff, contiguous, exact_money, figure
from durameter.cost.prices.usage import QUANTITIES, words_of

__all__ = ["Plan", "PriceBook", "Source"]


class Source(Record):
    """Where a figure was read."""

    document: str = Field(min_length=1)
    """The vendor's page or file, or what else the figures come from ("our contract of 2026-03")."""
    repository: str = ""
    commit: str = Field(default="", pattern=r"^([0-9a-f]{7,40})?$")
    note: str = ""
    """What was taken from it, and what it leaves open."""


class Plan(Record):
    """One plan. It is priced unless `not_priced` says why it is not."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """The book's; a file need not repeat it."""
    units: Tariff | None = None
    """The book's billable unit."""
    active_gbh: Tariff | None = None
    """Storage of open runs, in gigabyte-hours."""
    retained_gbh: Tariff | None = None
    """Storage of closed runs, in gigabyte-hours."""
    events: Tariff | None = None
    concurrent_steps: Tariff | None = None
    connect_workers: Tariff | None = None
    seats: Tariff | None = None
    quantities: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Tariff] = Field(default_factory=dict)
    """What else has a price, by the name that the engine's plug-in gives to the quantity: `[plans.quantities.NAME]`."""
    base_fees: tuple[BaseFee, ...] = ()
    fee: PlanFee | None = None
    """Follows all metered charges of the month: units, storage and what else has a tariff."""
    multipliers: Multipliers = Multipliers()
    capacity: Capacity | None = None
    fixed_limits: tuple[Limit, ...] = ()
    """Limits that are not the end of a tariff."""
    prorated: Literal["day"] | None = None
    """How the vendor treats a month in which the plan was held for some days only; None if it does not say."""
    additive: bool = False
    """The vendor's price is one for every unit, without a fixed part: a sum of months costs the sum of the months."""
    also_charged: tuple[str, ...] = ()
    """What the plan charges for by use, and this book has no price for, each with why."""
    add_ons: tuple[str, ...] = ()
    """Options outside of usage that are sold beside the plan, in words; in no sum."""
    estimate: bool = False
    """The figures are the vendor's estimate, not an offer: shown, flagged, and never chosen as the cheapest."""
    not_priced: str = ""
    """Why there is no price, such as an annual contract by agreement."""
    sources: tuple[Source, ...] = ()
    """Where this plan was read, if not in the book's sources."""
    checked: date | None = None
    """The day on which this plan was last compared with its sources, if not the book's day."""

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        if generic := sorted(self.quantities.keys() & QUANTITIES.keys()):
            raise ValueError(f"quantities: {', '.join(generic)} has a place of its own in a plan; give it there")
        return self

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.base_fees:
            contiguous(self.base_fees)
            if self.base_fees[0].above != 0 or self.base_fees[-1].up_to is not None:
                raise ValueError("base_fees must begin above 0 and have no end")
        ids = [limit.id for limit in self.fixed_limits]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"ids of fixed_limits must differ; twice: {', '.join(twice)}")
        if self.not_priced:
            if self.estimate:
                raise ValueError("a plan is either an estimate or not priced")
            return self
        if self.units is None:
            raise ValueError("give the price of units, or say in not_priced why there is none")
        if self.fee is None and not self.base_fees:
            raise ValueError("give fee or base_fees (an amount of 0 if the vendor says so), or not_priced")
        if self.additive and not self._flat:
            raise ValueError("additive: a sum of months costs the sum of them only with one price and no fixed part")
        if self.prorated and any(tariff.bands_over == "total" for tariff in self.tariffs.values()):
            raise ValueError("prorated: what is included by the day is only defined for bands beyond the included")
        return self

    @property
    def tariffs(self) -> Mapping[str, Tariff]:
        """What this plan has a price for, in the order of a bill."""
        found = {name: getattr(self, name) for name in QUANTITIES} | dict(self.quantities)
        return {name: tariff for name, tariff in found.items() if tariff is not None}

    @property
    def limits(self) -> tuple[Limit, ...]:
        """All limits: the fixed ones, the rate (`aps`), and the ends and included numbers of what is sold in blocks."""
        rate = (_rate_limit(self.capacity),) if self.capacity is not None else ()
        ends = tuple(
            _tariff_limit(name, tariff, self.currency)
            for name, tariff in self.tariffs.items()
            if tariff.block is not None or tariff.ceiling is not None
        )
        return (*self.fixed_limits, *rate, *ends)

    @property
    def _flat(self) -> bool:
        fixed = any(fee.amount for fee in self.base_fees) or (self.fee is not None and self.fee.minimum > 0)
        return not fixed and all(tariff.flat for tariff in self.tariffs.values())


class PriceBook(Record):
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
    variant: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9_-]*)?$")
    """Tells a changed book from the vendor's; part of the id."""
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
        for plan in self.plans:
            if plan.currency != self.currency:
                raise ValueError(f"plan {plan.id} is in {plan.currency}, and the book in {self.currency}")
            known = {source.document for source in (*self.sources, *plan.sources)}
            named = {limit.source for limit in plan.fixed_limits if limit.source}
            named |= {plan.capacity.source} if plan.capacity is not None else set()
            if unknown := sorted(named - known):
                raise ValueError(f"plan {plan.id} names a source that the book does not list: {', '.join(unknown)}")
        return self

    @property
    def id(self) -> str:
        """Names this book in results and reports: `engine-2026-09-17`, `engine-2026-09+own`."""
        length = {"day": 10, "month": 7, "year": 4}[self.effective_precision]
        changed = f"+{self.variant}" if self.variant else ""
        return f"{self.engine}-{self.effective_from.isoformat()[:length]}{changed}"


def _rate_limit(capacity: Capacity) -> Limit:
    return Limit(
        id="aps",
        value=capacity.floor,
        of="units per second",
        beyond=capacity.beyond,
        hard=False,
        lifted_by=(
            f"on demand it grows by itself to the lesser of {figure(capacity.times_mean)} x the mean and "
            f"{capacity.times_p90:f} x the 90th percentile of the last {capacity.over_days} days; at once, "
            f"{capacity.name}s of {figure(capacity.per_second)} units per second each"
        ),
        price=(
            f"growth costs nothing; beyond {capacity.without_minimum} {capacity.name} each has a minimum of "
            f"{figure(capacity.minimum_per_hour)} billed units in every hour in which it is held"
        ),
        source=capacity.source,
    )


def _tariff_limit(name: str, tariff: Tariff, currency: str) -> Limit:
    words = words_of(name)
    if tariff.bands:
        end = tariff.ceiling
        price = "; ".join(f"{exact_money(band.price, currency)} per {figure(band.per)}" for band in tariff.bands)
        if tariff.block is not None:
            by_the_block = f"an add-on in blocks of {figure(tariff.block)}"
            return Limit(
                id=name,
                value=tariff.included,
                of=words,
                beyond="the add-on is charged",
                hard=False,
                lifted_by=by_the_block,
                price=price,
            )
        return Limit(
            id=name,
            value=end if end is not None else tariff.included,
            of=words,
            beyond="the plan has no price there",
            hard=True,
            lifted_by=tariff.beyond_bands,
            price="not priced",
        )
    beyond = "the work is paused" if tariff.pauses_at_quota else "the plan sells no more"
    if tariff.beyond_bands:
        beyond = "the plan has no price there"
    return Limit(
        id=name,
        value=tariff.included,
        of=words,
        beyond=beyond,
        hard=True,
        lifted_by=tariff.beyond_bands or "a larger plan",
        price="not priced" if tariff.beyond_bands else "the larger plan's",
    )
