"""What a month costs on a plan, line by line."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal, Inexact, InvalidOperation, localcontext

from pydantic import BaseModel, ConfigDict

from durameter.cost.prices.limits import LimitHit
from durameter.cost.prices.schema import Plan
from durameter.cost.prices.tariff import EXACT, Band, PlanFee, Tariff, cents, figure
from durameter.cost.prices.usage import QUANTITIES, Usage, words_of
from durameter.errors import UsageError

__all__ = [
    "Cost",
    "Factor",
    "Line",
    "beyond_reason",
    "billed_factor",
    "hard_limit_reasons",
    "held_fee",
    "held_tariff",
    "limit_hits",
    "monthly_cost",
    "omitted",
]

# From what is used to what is billed: multipliers, hourly minimums, parts of months; and what cannot be known.


@dataclass(frozen=True)
class Factor:
    """Billed quantity = `times` x the quantity used + `plus`."""

    times: Decimal = Decimal(1)
    plus: Decimal = Decimal(0)
    why: tuple[str, ...] = ()
    """Each multiplier in words."""

    def of(self, quantity: Decimal) -> Decimal:
        """What is billed for this much use."""
        with localcontext(EXACT):
            return self.times * quantity + self.plus


def billed_factor(plan: Plan, usage: Usage, quantity: str) -> Factor:
    """What multipliers and hourly minimums make of one quantity; one that the plan does not name changes nothing.

    Fairness adds before replication doubles, so that its units are doubled too: the dearer of two readings. Exported
    workflows and top-ups to an hourly minimum are counted once: both are outside of the namespace's own work.
    """
    if quantity not in ("units", "active_gbh", "retained_gbh"):
        return Factor()
    named = plan.multipliers
    times, plus, why = Decimal(1), Decimal(0), []
    with localcontext(EXACT):
        if quantity == "units" and named.fairness is not None and usage.fairness_share:
            times += named.fairness * usage.fairness_share
            why.append(f"fairness: {figure(named.fairness)} more per unit in {usage.fairness_share:%} of the units")
        if named.replicated is not None and usage.replicated:
            times *= named.replicated
            why.append(f"replication: x {figure(named.replicated)}")
        if quantity == "units" and named.exported_workflow is not None and usage.exported_workflows:
            plus += named.exported_workflow * usage.exported_workflows
            why.append(
                f"export: {figure(named.exported_workflow)} for each of {figure(usage.exported_workflows)} workflows"
            )
        if quantity == "units" and (topped := _top_up(plan, usage)):
            plus += topped
            why.append(f"provisioned capacity: {figure(topped)} to reach the hourly minimum")
    return Factor(times=times, plus=plus, why=tuple(why))


def _top_up(plan: Plan, usage: Usage) -> Decimal:
    """Units added because hours with provisioned capacity stayed below their minimum."""
    if plan.capacity is None:
        return Decimal(0)
    missing = (
        hours.hours * max(plan.capacity.minimum(hours.capacity_units) - hours.units, Decimal(0))
        for hours in usage.provisioned
    )
    return sum(missing, Decimal(0))


def held_tariff(plan: Plan, tariff: Tariff, usage: Usage) -> Tariff:
    """The tariff for the days of the month on which the plan was held: less is included, by the day, in whole units."""
    if usage.days is None or plan.prorated is None or tariff.pauses_at_quota or tariff.no_more:
        return tariff
    share = Context(prec=EXACT.prec).divide(tariff.included * usage.days, Decimal(usage.days_in_month))
    return tariff.model_copy(update={"included": share.to_integral_value(ROUND_FLOOR)})


def held_fee(plan: Plan, fee: PlanFee, usage: Usage) -> PlanFee:
    """The plan fee for the days of the month on which the plan was held: its minimum by the day, to the cent."""
    if usage.days is None or plan.prorated is None:
        return fee
    minimum = Context(prec=EXACT.prec).divide(fee.minimum * usage.days, Decimal(usage.days_in_month))
    return fee.model_copy(update={"minimum": cents(minimum)})


def omitted(plan: Plan, usage: Usage) -> tuple[str, ...]:
    """What the plan may charge for this usage and has no known price or quantity here, each with why."""
    if plan.not_priced:
        return ()
    return (*_unknown(plan, usage), *_unsaid(plan, usage), *plan.also_charged)


def _unknown(plan: Plan, usage: Usage) -> Iterator[str]:
    for name in dict.fromkeys((*QUANTITIES, *plan.quantities, *usage.others)):
        tariff, used, words = plan.tariffs.get(name), usage.of(name), words_of(name)
        if tariff is not None and used is None:
            yield f"{words}: how much is not known ({figure(tariff.included)} included)"
        elif tariff is None and used:
            yield f"{words}: {plan.name} has no price for them in this book"


def _unsaid(plan: Plan, usage: Usage) -> Iterator[str]:
    named = plan.multipliers
    if usage.replicated and named.replicated is None:
        yield "replication: this book does not say what it costs; priced without it"
    if usage.fairness_share and named.fairness is None:
        yield "fairness: this book does not say what it costs; priced without it"
    if usage.exported_workflows and named.exported_workflow is None:
        yield "export: this book does not say what it costs; priced without it"
    if usage.provisioned and plan.capacity is None:
        yield "provisioned capacity: this book does not say what it costs; priced without it"
    if usage.replicated and named.replicated is not None and (usage.exported_workflows or usage.provisioned):
        yield "the vendor does not say whether replication multiplies exports and capacity top-ups: counted once"
    if usage.days is not None:
        yield (
            "part of a month: the vendor prorates by the day and does not say whether what is included is prorated; "
            "here it is, the dearer reading"
            if plan.prorated
            else "part of a month: this book does not say how the plan is prorated; priced as a whole month"
        )


def limit_hits(plan: Plan, usage: Usage) -> tuple[LimitHit, ...]:
    """The limits of the plan that this usage meets; none for a plan without a price."""
    if plan.not_priced:
        return ()
    return (*_needs(plan, usage), *_rate(plan, usage), *_ends(plan, usage))


def _needs(plan: Plan, usage: Usage) -> Iterator[LimitHit]:
    for limit in plan.fixed_limits:
        need = usage.needs.get(limit.id)
        if need is not None and need > limit.value:
            yield LimitHit(
                limit=limit.id,
                what=f"{figure(need)} {limit.of}, and the plan has {figure(limit.value)}: {limit.beyond}",
                value=limit.value,
                used=need,
                lifted_by=limit.lifted_by,
                price=limit.price,
                fits=not limit.hard,
            )


def _rate(plan: Plan, usage: Usage) -> Iterator[LimitHit]:
    capacity = plan.capacity
    if capacity is None or usage.peak_aps is None:
        return
    held = max((hours.capacity_units for hours in usage.provisioned), default=0)
    value = max(capacity.floor, held * capacity.per_second)
    if usage.peak_aps <= value:
        return
    limit = next(limit for limit in plan.limits if limit.id == "aps")
    size = capacity.size_for(usage.peak_aps)
    if size is None:
        price = f"more than {capacity.sizes[-1]} {capacity.name}s: not priced"
    else:
        price = (
            f"{size} {capacity.name}s: at least {figure(capacity.minimum(size))} billed units in every hour in which "
            "they are held"
        )
    yield LimitHit(
        limit="aps",
        what=f"{figure(usage.peak_aps)} units per second at the peak, and the plan has {figure(value)}: {limit.beyond}",
        value=value,
        used=usage.peak_aps,
        lifted_by=limit.lifted_by,
        price=price,
    )


def _ends(plan: Plan, usage: Usage) -> Iterator[LimitHit]:
    limits = {limit.id: limit for limit in plan.limits}
    for name, tariff in plan.tariffs.items():
        used = usage.of(name)
        limit = limits.get(name)
        if used is None or limit is None:
            continue
        quantity = billed_factor(plan, usage, name).of(used)
        held = held_tariff(plan, tariff, usage)
        value = held.included if tariff.block is not None else held.ceiling
        if value is None or quantity <= value:
            continue
        beyond_end = held.ceiling is not None and held.charged(quantity) > held.ceiling
        amount = None
        if tariff.block is not None and not beyond_end:
            with localcontext(EXACT):
                amount = sum((part * band.unit_price for band, part in held.parts(quantity)), Decimal(0))
        yield LimitHit(
            limit=name,
            what=f"{figure(quantity)} {limit.of}, and the plan has {figure(value)}: {limit.beyond}",
            value=value,
            used=quantity,
            lifted_by=limit.lifted_by,
            price=limit.price,
            amount=amount,
            fits=not limit.hard and not beyond_end,
        )


class Line(BaseModel):
    """One line of a month's bill; `amount` is exactly `quantity` times `unit_price`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    of: str | None = None
    """The quantity that the line charges for; None for a fee."""
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

    def amount_of(self, quantity: str) -> Decimal:
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
        used = usage.of(name)
        if used is None:
            continue
        held = held_tariff(plan, tariff, usage)
        ceiling = held.ceiling
        if ceiling is not None and held.charged(billed_factor(plan, usage, name).of(used)) > ceiling:
            reasons.append(beyond_reason(held, name))
    return "; ".join((*reasons, *hard_limit_reasons(plan, usage)))


def hard_limit_reasons(plan: Plan, usage: Usage) -> tuple[str, ...]:
    """For each limit that nothing lifts and that is not the end of a tariff: why the plan does not hold this usage."""
    ends = (*QUANTITIES, *plan.quantities)
    hits = [hit for hit in limit_hits(plan, usage) if not hit.fits and hit.limit not in ends]
    return tuple(f"does not fit: {hit.what}" for hit in hits)


def beyond_reason(tariff: Tariff, name: str) -> str:
    """Why a quantity above the tariff's ceiling has no price."""
    flows = name in ("units", "events") or name not in QUANTITIES
    words = f"{words_of(name)} a month" if flows else words_of(name)
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
        used = usage.of(name)
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


def _usage_lines(name: str, tariff: Tariff, quantity: Decimal) -> Iterator[Line]:
    prefix = "" if name == "units" else f"{words_of(name)}: "
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


def _line(what: str, quantity: Decimal, unit_price: Decimal, of: str | None = None) -> Line:
    return Line(what=what, of=of, quantity=quantity, unit_price=unit_price, amount=quantity * unit_price)
