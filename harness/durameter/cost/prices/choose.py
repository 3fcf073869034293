"""The cheapest plan of a price book that fits."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from durameter.cost.prices.cost import Cost, monthly_cost
from durameter.cost.prices.schema import Plan, PriceBook
from durameter.cost.prices.usage import Usage

__all__ = ["Choice", "cheapest", "choose"]


class Choice(BaseModel):
    """All plans of one book at one monthly volume, and the one to take. Every plan is in exactly one of the lists."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    book: str
    """The price book's id, such as `engine-2026-09`."""
    unit: str
    currency: str
    units: Decimal
    """As used, before multipliers."""
    plan: Plan | None
    """The cheapest plan with a published price at this volume; None if there is none."""
    cost: Cost | None
    """What that plan costs."""
    costs: tuple[Cost, ...]
    """Every plan with a published price at this volume, cheapest first, in the book's order where they are equal."""
    estimates: tuple[Cost, ...]
    """The vendor's estimates, cheapest first. Never chosen: they are no offer."""
    left_out: tuple[Cost, ...]
    """Plans that do not fit or have no price at this volume; `why_not` says why. One that is sold by agreement may
    be cheaper than the chosen one."""

    @property
    def why_none(self) -> str:
        """Why no plan was chosen, in words; empty if one was."""
        if self.plan is not None:
            return ""
        reasons = [f"{cost.plan_name}: {cost.why_not}" for cost in self.left_out]
        reasons += [f"{cost.plan_name}: only an estimate by the vendor" for cost in self.estimates]
        return f"no plan of {self.book} has a price for {self.units:,f} {self.unit}s a month ({'; '.join(reasons)})"


def cheapest(book: PriceBook, usage: Usage) -> Choice:
    """Prices one month on every plan of the book and chooses the cheapest that fits and has a published price.

    Raises:
        UsageError: As `monthly_cost` does.
    """
    return choose(book, usage.units, [monthly_cost(plan, usage) for plan in book.plans])


def choose(book: PriceBook, units: Decimal, every: Sequence[Cost]) -> Choice:
    """Chooses the cheapest plan that fits and has a published price.

    Plans are compared by what is priced: `Cost.omitted` of each says what is not in its amount.

    Args:
        book: Whose plans.
        units: Of the month.
        every: What the month costs on each plan, in the book's order.
    """
    priced = sorted((cost for cost in every if cost.amount is not None), key=_amount)
    costs = tuple(cost for cost in priced if not cost.estimate)
    best = costs[0] if costs else None
    return Choice(
        book=book.id,
        unit=book.unit,
        currency=book.currency,
        units=units,
        plan=next((plan for plan in book.plans if best is not None and plan.id == best.plan), None),
        cost=best,
        costs=costs,
        estimates=tuple(cost for cost in priced if cost.estimate),
        left_out=tuple(cost for cost in every if not cost.priced),
    )


def _amount(cost: Cost) -> Decimal:
    return cost.amount if cost.amount is not None else Decimal("Infinity")
