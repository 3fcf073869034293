"""A month at the asked volume, from the mean over the measured tasks: units, storage, capacity, and what they cost."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from durameter.capacity import Demand
from durameter.prices import LimitHit, NotPricedError, Plan, PriceBook, cheapest, chosen_book

__all__ = ["Month", "Pricing", "month_of"]


class Pricing(BaseModel):
    """Which price books a report uses."""

    model_config = ConfigDict(frozen=True)

    books: tuple[PriceBook, ...]
    asked: tuple[str, ...] = ()
    """Ids of books that were asked for, at most one per engine."""
    on: date | None = None
    """Otherwise those in force on this day; by default on the day of the measurement."""

    def of(self, engine: str, measured: date) -> PriceBook:
        """The book for one engine.

        Raises:
            NotPricedError: none was in force then.
        """
        return chosen_book(engine, measured, self.books, asked=self.asked, on=self.on)


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
