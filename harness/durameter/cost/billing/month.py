"""What a month costs: the one place where measured tasks, a volume and price books become dollars.

Reports and gates ask for a month (`month_of`), projections for many (`price_month` on each plan, in
`cost.projection.pricing`); all of them price what `Demand.usage_on` says of a plan.
"""

from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from durameter.cost.capacity import Demand
from durameter.cost.prices import Choice, Cost, LimitHit, NotPricedError, Plan, choose, monthly_cost
from durameter.cost.prices.books import Pricing
from durameter.errors import UsageError

__all__ = ["Month", "month_of", "price_month"]


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


def price_month(found: Demand, plan: Plan, units: Decimal) -> Cost:
    """One month on one plan, exact.

    Args:
        found: storage and capacity that the month asks for, at its volume.
        plan: of a price book.
        units: of the month.
    """
    return monthly_cost(plan, found.usage_on(plan, units))


def month_of(found: Demand, units_per_task: Decimal, day: date, pricing: Pricing, *, plan: str = "") -> Month:
    """Price one month on the cheapest plan that fits, or on the one that is asked for.

    Args:
        found: storage and capacity that the month asks for, at its volume.
        units_per_task: mean, by one reading of the rules.
        day: whose prices, in UTC, unless `pricing` says otherwise.
        pricing: which book.
        plan: its id; empty for the cheapest.

    Raises:
        UsageError: the price book has no such plan.
    """
    units = (units_per_task * found.volume).quantize(Decimal(1))
    try:
        book = pricing.of(found.per_task.engine, day)
    except NotPricedError as error:
        why = str(error)
        return Month(
            units=units, price_book="", prices_checked=day, plan="", dollars=None, why_not_priced=why, left_out=()
        )
    if plan and plan not in {each.id for each in book.plans}:
        raise UsageError(f"{book.id} has no plan {plan!r}. It has: {', '.join(each.id for each in book.plans)}.")
    costs = [price_month(found, each, units) for each in book.plans]
    choice = choose(book, units, costs)
    cost = next(each for each in costs if each.plan == plan) if plan else choice.cost
    return _month(choice, cost, book.checked)


def _month(choice: Choice, cost: Cost | None, checked: date) -> Month:
    why = choice.why_none if cost is None else cost.why_not
    name = cost.plan_name if cost else ""
    return Month(
        units=choice.units,
        price_book=choice.book,
        prices_checked=checked,
        plan=name + (" by the vendor's estimate" if cost and cost.estimate else ""),
        dollars=cost.amount if cost else None,
        why_not_priced=why,
        left_out=tuple(f"{each.plan_name}: {each.why_not}" for each in choice.left_out),
        omitted=cost.omitted if cost else (),
        limits=tuple(_limit(hit, name) for hit in cost.limits) if cost else (),
    )


def _limit(hit: LimitHit, plan: str) -> str:
    lifted = f"{hit.lifted_by} lifts it ({hit.price or 'not priced'})" if hit.lifted_by else "nothing lifts it"
    return f"{plan}: {hit.what}; {lifted}"
