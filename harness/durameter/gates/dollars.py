"""What a month at some units per task costs, on one plan or on the cheapest."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from durameter.capacity import demand
from durameter.errors import UsageError
from durameter.measure.result import EngineResult, TaskResult
from durameter.prices import NotPricedError, cheapest
from durameter.report.month import Pricing

__all__ = ["Bill", "bill"]


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
