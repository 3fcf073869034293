"""Limits of a plan that a demand meets or comes near to, and what lifts them."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from durameter.cost.capacity.day import DayShape
from durameter.cost.prices import Plan, ProvisionedHours, Usage, limit_hits
from durameter.cost.prices.limits import Capacity, Limit

__all__ = [
    "NEAR",
    "Nearness",
    "near_limits",
    "on_demand_limit",
    "provisioned_hours",
]

# Units per second: what on-demand capacity grows to, and when provisioned capacity is needed.

_SMALL = Decimal("0.000001")


def on_demand_limit(capacity: Capacity, day: DayShape, units: Decimal, seconds: Decimal) -> Decimal:
    """The on-demand limit after a week of this load: max(floor, min(4 x mean, 2 x P90)).

    In the first week, and after a jump in volume, it is still what it was before: the floor at least.

    Args:
        capacity: of the plan.
        day: its parts' mean rates are taken for the rates of which the vendor takes the 90th percentile. The vendor
            does not say over what stretches it takes it.
        units: of the month.
        seconds: of the month.
    """
    mean = (units / seconds).quantize(_SMALL)
    return capacity.on_demand(mean, (mean * day.p90_factor).quantize(_SMALL))


def provisioned_hours(
    capacity: Capacity, day: DayShape, units: Decimal, seconds: Decimal
) -> tuple[ProvisionedHours, ...]:
    """The clock hours of the month in which the rate is above the on-demand limit, with the fewest TRUs that carry it.

    "If TRUs are changed multiple times within an hour, the highest value within that hour will be used" (pricing.mdx
    @0217b718): the busiest part of an hour decides for the whole hour. Empty where none is needed, or where the vendor
    sells no number that is large enough.

    Args:
        capacity: of the plan.
        day: how the units are spread.
        units: of the month.
        seconds: of the month.
    """
    limit = on_demand_limit(capacity, day, units, seconds)
    rates: dict[int, list[Decimal]] = defaultdict(list)
    for place, factor in enumerate(day.factors):
        rates[place * day.period_hours // len(day.weights)].append((units / seconds * factor).quantize(_SMALL))
    hours: Counter[tuple[int, Decimal]] = Counter()
    for parts in rates.values():
        if max(parts) > limit:
            size = capacity.size_for(max(parts))
            if size is None:
                return ()
            hours[size, (sum(parts, Decimal(0)) / len(parts) * 3600).quantize(_SMALL)] += 1
    periods = seconds / 3600 / day.period_hours
    return tuple(
        ProvisionedHours(capacity_units=size, units=each, hours=(periods * number).quantize(_SMALL))
        for (size, each), number in sorted(hours.items())
    )


NEAR = Decimal("0.5")
"""Share of a limit from which it is near: the greatest of a few measured tasks is not the greatest of a month's."""


class Nearness(BaseModel):
    """How much of one limit is used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: str
    """Its id."""
    of: str
    """What is counted, in words."""
    value: Decimal
    used: Decimal
    share: Decimal
    """Used over value."""
    state: Literal["over", "near", "within"]
    """`over` is above the limit; `near`, above the vendor's own warning or half of the limit."""
    beyond: str
    """What happens above it."""
    hard: bool
    """Whether a usage above it does not fit the plan."""
    lifted_by: str
    price: str
    """What lifting it costs, in words; with the amount of this month where the plan's prices give it."""
    note: str = ""


def near_limits(
    plan: Plan, usage: Usage, day: DayShape, seconds: Decimal, near: Mapping[str, Decimal]
) -> tuple[Nearness, ...]:
    """Every limit of the plan of which the use is known and which is near or over, the nearest first.

    Args:
        plan: of a price book; one without prices may have limits all the same.
        usage: a month, with `needs` and `peak_aps`.
        day: for the growth of on-demand capacity.
        seconds: of the month.
        near: limit → share of it from which it is near, where that is not `NEAR`.
    """
    hits = {hit.limit: hit for hit in limit_hits(plan, usage)}
    found = []
    for limit in plan.limits:
        used = _used(limit, usage)
        if used is None or not limit.value:
            continue
        share = used / limit.value
        state = _state(limit, used, near.get(limit.id, NEAR))
        if state == "within":
            continue
        hit = hits.get(limit.id)
        price, note = (hit.price if hit and hit.price else limit.price), ""
        if hit is not None and hit.amount is not None:
            price = f"{price} ({hit.amount:,.2f} this month)" if price else f"{hit.amount:,.2f} this month"
        if limit.id == "aps" and plan.capacity is not None:
            grown = on_demand_limit(plan.capacity, day, usage.units, seconds)
            note = f"after a week of this load the on-demand limit is {grown:,.0f}" + (
                ", which is enough" if grown >= used else ", which is not enough"
            )
        found.append(
            Nearness(
                limit=limit.id,
                of=limit.of,
                value=limit.value,
                used=used,
                share=share.quantize(Decimal("0.0001")),
                state=state,
                beyond=limit.beyond,
                hard=limit.hard,
                lifted_by=limit.lifted_by,
                price=price,
                note=note,
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.share, each.limit)))


def _used(limit: Limit, usage: Usage) -> Decimal | None:
    if limit.id == "aps":
        return usage.peak_aps
    if limit.id in usage.needs:
        return usage.needs[limit.id]
    return usage.of(limit.id)


def _state(limit: Limit, used: Decimal, near: Decimal) -> Literal["over", "near", "within"]:
    if used > limit.value:
        return "over"
    return "near" if used >= limit.value * near else "within"
