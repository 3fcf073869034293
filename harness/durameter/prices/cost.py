"""What N units in one month cost on a plan, line by line."""

from collections.abc import Iterator
from decimal import Decimal, Inexact, localcontext

from pydantic import BaseModel, ConfigDict

from durameter.errors import UsageError
from durameter.prices.exact import EXACT
from durameter.prices.schema import Band, Plan, Tariff

__all__ = ["Cost", "Line", "monthly_cost"]


class Line(BaseModel):
    """One line of a month's bill; `amount` is exactly `quantity` times `unit_price`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    quantity: Decimal
    """Units of the book; for a share of usage, the usage in the book's currency; for a fixed fee, 1."""
    unit_price: Decimal
    amount: Decimal
    """In the book's currency, not rounded."""


class Cost(BaseModel):
    """A month on one plan: the amount with its lines, or why there is none. Never zero for a missing price."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: str
    """The plan's id."""
    plan_name: str
    units: Decimal
    priced: bool
    estimate: bool = False
    """The vendor's estimate, not an offer."""
    amount: Decimal | None = None
    """Sum of the lines, in the book's currency, not rounded (`cents` and `money` show it); None if not priced."""
    lines: tuple[Line, ...] = ()
    why_not: str = ""
    """Why the plan is not priced or does not fit; empty if it is priced."""


def monthly_cost(plan: Plan, units: Decimal) -> Cost:
    """Prices one month.

    Covers what the book prices: units, base fee and plan fee. Not storage, seats, concurrency or capacity.

    Args:
        plan: Of a price book.
        units: Billable units in the whole calendar month, of the whole account; may be fractional.

    Raises:
        UsageError: If `units` is not a finite number of zero or more, or has too many digits for an exact sum.
    """
    if not units.is_finite() or units < 0:
        raise UsageError(f"Cannot price {units} units a month: give a number of zero or more.")
    if why := _why_not(plan, units):
        return Cost(plan=plan.id, plan_name=plan.name, units=units, priced=False, estimate=plan.estimate, why_not=why)
    try:
        with localcontext(EXACT):
            lines = tuple(_lines(plan, units))
            amount = sum((line.amount for line in lines), Decimal(0))
    except Inexact:
        raise UsageError(f"Cannot price {units} units a month exactly: give a number of fewer digits.") from None
    return Cost(
        plan=plan.id,
        plan_name=plan.name,
        units=units,
        priced=True,
        estimate=plan.estimate,
        amount=amount,
        lines=lines,
    )


def _why_not(plan: Plan, units: Decimal) -> str:
    if plan.not_priced or plan.units is None:
        return f"not priced: {plan.not_priced}"
    ceiling = plan.units.ceiling
    if ceiling is None or units <= ceiling:
        return ""
    if plan.units.pauses_at_quota:
        return f"does not fit: the plan pauses at {ceiling:,f} units a month"
    return f"not priced above {ceiling:,f} units a month: {plan.units.beyond_bands}"


def _lines(plan: Plan, units: Decimal) -> Iterator[Line]:
    for base in plan.base_fees:
        if base.up_to is None or units <= base.up_to:
            yield _line("base fee", Decimal(1), base.amount)
            break
    usage = Decimal(0)
    if plan.units is not None:
        for line in _usage_lines(plan.units, units):
            usage += line.amount
            yield line
    if plan.fee is not None:
        share, minimum = plan.fee.share_of_usage, plan.fee.minimum
        # The line shows the side of the greater-of rule that holds.
        if plan.fee.on(usage) == share * usage:
            yield _line(f"plan fee, {share:%} of usage", usage, share)
        else:
            yield _line(f"plan fee, minimum (more than {share:%} of usage)", Decimal(1), minimum)


def _usage_lines(tariff: Tariff, units: Decimal) -> Iterator[Line]:
    if free := min(units, tariff.included):
        yield _line("included", free, Decimal(0))
    beyond = tariff.bands_over == "beyond_included"
    start, end = (Decimal(0), max(units - tariff.included, Decimal(0))) if beyond else (tariff.included, units)
    for band in tariff.bands:
        if quantity := band.part_of(start, end):
            yield _line(_words(band, beyond=beyond and tariff.included > 0), quantity, band.unit_price)


def _words(band: Band, *, beyond: bool) -> str:
    if band.up_to is not None:
        words = f"{band.above:,f} to {band.up_to:,f}"
    elif band.above:
        words = f"above {band.above:,f}"
    else:
        words = "every unit"
    return f"{words} beyond the included" if beyond else words


def _line(what: str, quantity: Decimal, unit_price: Decimal) -> Line:
    return Line(what=what, quantity=quantity, unit_price=unit_price, amount=quantity * unit_price)
