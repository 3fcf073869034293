"""From what is used to what is billed: multipliers, hourly minimums, parts of months; and what cannot be known."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal, localcontext

from durameter.prices.exact import EXACT, cents, figure
from durameter.prices.limits import LimitHit
from durameter.prices.schema import Plan
from durameter.prices.tariff import PlanFee, Tariff
from durameter.prices.usage import QUANTITIES, Quantity, Usage

__all__ = ["Factor", "billed_factor", "held_fee", "held_tariff", "limit_hits", "omitted"]


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


def billed_factor(plan: Plan, usage: Usage, quantity: Quantity) -> Factor:
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
    for name, words in QUANTITIES.items():
        tariff = plan.tariffs.get(name)
        used: Decimal | None = getattr(usage, name)
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
        used: Decimal | None = getattr(usage, name)
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
