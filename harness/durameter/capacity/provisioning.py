"""Units per second: what on-demand capacity grows to, and when provisioned capacity is needed (Temporal's TRUs)."""

from collections import Counter, defaultdict
from decimal import Decimal

from durameter.capacity.day import DayShape
from durameter.prices import ProvisionedHours
from durameter.prices.limits import Capacity

__all__ = ["on_demand_limit", "provisioned_hours"]

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
