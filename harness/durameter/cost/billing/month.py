"""A month at the asked volume, from the mean over the measured tasks: units, storage, capacity, and what they cost."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from durameter.cost.capacity import Demand, demand
from durameter.cost.prices import (
    LimitHit,
    NotPricedError,
    Plan,
    cheapest,
)
from durameter.cost.prices.pricing import Pricing
from durameter.errors import UsageError
from durameter.results.model import EngineResult, TaskResult

__all__ = [
    "Bill",
    "Month",
    "bill",
    "month_of",
]


class Month(BaseModel):
    """A month at the asked volume."""

    model_config = ConfigDict(frozen=True)

    units: Decimal
    price_book: str
    prices_checked: date
    plan: str
    """Empty when no plan has a price."""
    dollars: Decimal | None
    """Units, storage, events and add-ons as far as they are known."""
    why_not_priced: str
    left_out: tuple[str, ...]
    """Plans without a price at this volume, and why."""
    omitted: tuple[str, ...] = ()
    """What the plan may charge and `dollars` does not have, with why."""
    limits: tuple[str, ...] = ()
    """Limits of the plan that the month meets, what lifts them and at what price."""


def month_of(found: Demand, totals: Sequence[Decimal], measured: date, pricing: Pricing) -> Month:
    """Price one month on the cheapest plan that fits.

    Args:
        found: storage and capacity that the month asks for, at its volume.
        totals: units per task, one of each measured task, by one reading of the rules; not empty.
        measured: day of the measurement, in UTC.
        pricing: which book.
    """
    units = (sum(totals, Decimal(0)) / len(totals) * found.volume).quantize(Decimal(1))
    try:
        prices = pricing.of(found.per_task.engine, measured)
    except NotPricedError as error:
        why = str(error)
        return Month(
            units=units, price_book="", prices_checked=measured, plan="", dollars=None, why_not_priced=why, left_out=()
        )
    choice = cheapest(prices, found.usage(units))
    return Month(
        units=units,
        price_book=choice.book,
        prices_checked=prices.checked,
        plan=choice.plan.name if choice.plan else "",
        dollars=choice.cost.amount if choice.cost else None,
        why_not_priced=choice.why_none,
        left_out=tuple(f"{cost.plan_name}: {cost.why_not}" for cost in choice.left_out),
        omitted=choice.cost.omitted if choice.cost else (),
        limits=tuple(_limit(hit, choice.plan) for hit in choice.cost.limits) if choice.cost else (),
    )


def _limit(hit: LimitHit, plan: Plan | None) -> str:
    name = plan.name if plan else ""
    lifted = f"{hit.lifted_by} lifts it ({hit.price or 'not priced'})" if hit.lifted_by else "nothing lifts it"
    return f"{name}: {hit.what}; {lifted}"


# What a month at some units per task costs, on one plan or on the cheapest.


class Bill(BaseModel):
    """One month."""

    model_config = ConfigDict(frozen=True)

    units: Decimal
    price_book: str = ""
    plan: str = ""
    """Name of the plan; empty when there is no price."""
    dollars: Decimal | None = None
    """Units, storage, events and add-ons as far as they are known."""
    why_not: str = ""
    """Why there is no price."""
    omitted: tuple[str, ...] = ()
    """What the plan may charge and `dollars` does not have, with why."""


def bill(
    engine: EngineResult,
    tasks: Sequence[TaskResult],
    units_per_task: Decimal,
    *,
    volume: Decimal,
    pricing: Pricing,
    day: date,
    plan: str = "",
) -> Bill:
    """Price a month.

    Args:
        engine: whose prices.
        tasks: whose storage and capacity a month has.
        units_per_task: mean.
        volume: tasks per month.
        pricing: price books.
        day: whose prices, in UTC, unless `pricing` says otherwise.
        plan: id of the plan; empty for the cheapest that fits.

    Raises:
        UsageError: the price book has no such plan.
    """
    units = (units_per_task * volume).quantize(Decimal(1))
    try:
        book = pricing.of(engine.engine, day)
    except NotPricedError as error:
        return Bill(units=units, why_not=str(error))
    month = demand(engine.model_copy(update={"tasks": tuple(tasks)}), volume)
    choice = cheapest(book, month.usage(units))
    if plan and plan not in {each.id for each in book.plans}:
        raise UsageError(f"{book.id} has no plan {plan!r}. It has: {', '.join(each.id for each in book.plans)}.")
    every = (*choice.costs, *choice.estimates, *choice.left_out)
    cost = next(each for each in every if each.plan == plan) if plan else choice.cost
    if cost is None:
        return Bill(units=units, price_book=book.id, why_not=choice.why_none)
    return Bill(
        units=units,
        price_book=book.id,
        plan=cost.plan_name + (" by the vendor's estimate" if cost.estimate else ""),
        dollars=cost.amount,
        why_not=cost.why_not,
        omitted=cost.omitted,
    )
