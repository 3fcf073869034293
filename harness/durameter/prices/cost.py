"""What a month costs on a plan, line by line."""

from collections.abc import Iterator
from decimal import Decimal, Inexact, InvalidOperation, localcontext

from pydantic import BaseModel, ConfigDict

from durameter.errors import UsageError
from durameter.prices.billed import billed_factor, held_fee, held_tariff, limit_hits, omitted
from durameter.prices.exact import EXACT
from durameter.prices.limits import LimitHit
from durameter.prices.schema import Plan
from durameter.prices.tariff import Band, PlanFee, Tariff
from durameter.prices.usage import QUANTITIES, Quantity, Usage

__all__ = ["Cost", "Line", "beyond_reason", "hard_limit_reasons", "monthly_cost"]


class Line(BaseModel):
    """One line of a month's bill; `amount` is exactly `quantity` times `unit_price`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    of: Quantity | None = None
    """What the line charges for; None for a fee."""
    quantity: Decimal
    """In units of `of`; for a share of usage, the usage in the book's currency; for a fixed fee, 1."""
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
    """As used, before multipliers."""
    billed_units: Decimal
    """After multipliers and hourly minimums."""
    priced: bool
    estimate: bool = False
    """The vendor's estimate, not an offer."""
    amount: Decimal | None = None
    """Sum of the lines, in the book's currency, not rounded (`cents` and `money` show it); None if not priced."""
    lines: tuple[Line, ...] = ()
    why_not: str = ""
    """Why the plan is not priced or does not fit; empty if it is priced."""
    multiplied: tuple[str, ...] = ()
    """What made more billed units or storage of the same use, in words."""
    omitted: tuple[str, ...] = ()
    """What the plan may charge and `amount` does not contain, each with why. Empty only if nothing is missing."""
    limits: tuple[LimitHit, ...] = ()
    """Limits of the plan that the usage meets."""

    def amount_of(self, quantity: Quantity) -> Decimal:
        """What the lines of one quantity come to, without fees."""
        with localcontext(EXACT):
            return sum((line.amount for line in self.lines if line.of == quantity), Decimal(0))


def monthly_cost(plan: Plan, usage: Usage) -> Cost:
    """Prices one month.

    Covers what the usage knows and the plan prices: units with their multipliers, storage, events, add-ons by the
    block, base fee and plan fee. What is left out is named in `Cost.omitted`; a quantity that is known and lies beyond
    what the plan has a price for leaves the whole plan without a price.

    Args:
        plan: Of a price book.
        usage: Of the whole calendar month and the whole account.

    Raises:
        UsageError: If a quantity has too many digits for an exact sum.
    """
    try:
        return _cost(plan, usage)
    except (Inexact, InvalidOperation):
        raise UsageError(
            f"Cannot price {usage.units} units a month exactly: give numbers of fewer digits (this one, or another "
            "quantity of the month)."
        ) from None


def _cost(plan: Plan, usage: Usage) -> Cost:
    reason = _why_not(plan, usage)
    units = billed_factor(plan, usage, "units")
    with localcontext(EXACT):
        lines = () if reason else tuple(_lines(plan, usage))
        amount = None if reason else sum((line.amount for line in lines), Decimal(0))
    storage = billed_factor(plan, usage, "active_gbh").why if usage.active_gbh or usage.retained_gbh else ()
    return Cost(
        plan=plan.id,
        plan_name=plan.name,
        units=usage.units,
        billed_units=units.of(usage.units),
        priced=not reason,
        estimate=plan.estimate,
        amount=amount,
        lines=lines,
        why_not=reason,
        multiplied=(*units.why, *(f"storage: {why}" for why in storage)),
        omitted=omitted(plan, usage),
        limits=limit_hits(plan, usage),
    )


def _why_not(plan: Plan, usage: Usage) -> str:
    """Why a plan has no price for this usage or does not fit it, in words; empty if it has one."""
    if plan.not_priced or plan.units is None:
        return f"not priced: {plan.not_priced}"
    reasons = []
    for name, tariff in plan.tariffs.items():
        used: Decimal | None = getattr(usage, name)
        if used is None:
            continue
        held = held_tariff(plan, tariff, usage)
        ceiling = held.ceiling
        if ceiling is not None and held.charged(billed_factor(plan, usage, name).of(used)) > ceiling:
            reasons.append(beyond_reason(held, name))
    return "; ".join((*reasons, *hard_limit_reasons(plan, usage)))


def hard_limit_reasons(plan: Plan, usage: Usage) -> tuple[str, ...]:
    """For each limit that nothing lifts and that is not the end of a tariff: why the plan does not hold this usage."""
    hits = limit_hits(plan, usage)
    return tuple(f"does not fit: {hit.what}" for hit in hits if not hit.fits and hit.limit not in QUANTITIES)


def beyond_reason(tariff: Tariff, name: Quantity) -> str:
    """Why a quantity above the tariff's ceiling has no price."""
    words = f"{QUANTITIES[name]} a month" if name in ("units", "events") else QUANTITIES[name]
    ceiling = tariff.ceiling
    if tariff.pauses_at_quota:
        return f"does not fit: the plan pauses at {ceiling:,f} {words}"
    if tariff.no_more:
        return f"does not fit: the plan has {ceiling:,f} {words} and sells no more"
    return f"not priced above {ceiling:,f} {words}: {tariff.beyond_bands}"


def _lines(plan: Plan, usage: Usage) -> Iterator[Line]:
    units = billed_factor(plan, usage, "units").of(usage.units)
    for base in plan.base_fees:
        if base.up_to is None or units <= base.up_to:
            yield _line("base fee", Decimal(1), base.amount)
            break
    charges = Decimal(0)
    for name, tariff in plan.tariffs.items():
        used: Decimal | None = getattr(usage, name)
        if used is None:
            continue
        quantity = billed_factor(plan, usage, name).of(used)
        for line in _usage_lines(name, held_tariff(plan, tariff, usage), quantity):
            charges += line.amount
            yield line
    if plan.fee is not None:
        yield _fee_line(held_fee(plan, plan.fee, usage), charges)


def _fee_line(fee: PlanFee, charges: Decimal) -> Line:
    """The side of the greater-of rule that holds."""
    share, minimum = fee.share_of_usage, fee.minimum
    if fee.on(charges) == share * charges:
        return _line(f"plan fee, {share:%} of usage", charges, share)
    return _line(f"plan fee, minimum (more than {share:%} of usage)", Decimal(1), minimum)


def _usage_lines(name: Quantity, tariff: Tariff, quantity: Decimal) -> Iterator[Line]:
    prefix = "" if name == "units" else f"{QUANTITIES[name]}: "
    if free := min(quantity, tariff.included):
        yield _line(f"{prefix}included", free, Decimal(0), name)
    beyond = tariff.bands_over == "beyond_included" and tariff.included > 0
    for band, part in tariff.parts(quantity):
        words = f"in blocks of {tariff.block:,f}" if tariff.block is not None else _words(band, beyond=beyond)
        yield _line(f"{prefix}{words}", part, band.unit_price, name)


def _words(band: Band, *, beyond: bool) -> str:
    if band.up_to is not None:
        words = f"{band.above:,f} to {band.up_to:,f}"
    elif band.above:
        words = f"above {band.above:,f}"
    else:
        words = "every unit"
    return f"{words} beyond the included" if beyond else words


def _line(what: str, quantity: Decimal, unit_price: Decimal, of: Quantity | None = None) -> Line:
    return Line(what=what, of=of, quantity=quantity, unit_price=unit_price, amount=quantity * unit_price)
