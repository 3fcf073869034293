"""Limits of a plan that a demand meets or comes near to, and what lifts them."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from durameter.capacity.day import DayShape
from durameter.capacity.provisioning import on_demand_limit
from durameter.prices import Plan, Usage, monthly_cost
from durameter.prices.limits import Limit

__all__ = ["NEAR", "Nearness", "near_limits"]

NEAR = Decimal("0.5")
"""Share of a limit from which it is near: the greatest of a few measured tasks is not the greatest of a month's."""
_WARNED_AT = {"history_events": Decimal("0.2"), "history_bytes": Decimal("0.2")}
"""Where the vendor itself warns: at 10,240 of 51,200 events and 10 of 50 MB (docs, workflow-execution/limits)."""


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


def near_limits(plan: Plan, usage: Usage, day: DayShape, seconds: Decimal) -> tuple[Nearness, ...]:
    """Every limit of the plan of which the use is known and which is near or over, the nearest first.

    Args:
        plan: of a price book; one without prices may have limits all the same.
        usage: a month, with `needs` and `peak_aps`.
        day: for the growth of on-demand capacity.
        seconds: of the month.
    """
    hits = {} if plan.not_priced else {hit.limit: hit for hit in monthly_cost(plan, usage).limits}
    found = []
    for limit in plan.limits:
        used = _used(limit, usage)
        if used is None or not limit.value:
            continue
        share = used / limit.value
        state = _state(limit, used)
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
    value = getattr(usage, limit.id, None)
    return value if isinstance(value, Decimal) else None


def _state(limit: Limit, used: Decimal) -> Literal["over", "near", "within"]:
    if used > limit.value:
        return "over"
    return "near" if used >= limit.value * _WARNED_AT.get(limit.id, NEAR) else "within"
