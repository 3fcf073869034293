"""What a month meets beside units: storage, events, rates, from what was measured."""

from collections.abc import Mapping
from decimal import Decimal

from durameter.capacity import Demand, capacity_rows, demand, limit_lines
from durameter.measure.result import EngineResult
from durameter.prices import Plan, Usage
from durameter.projection.ask import Ask
from durameter.projection.records import CapacityRow

__all__ = ["demand_of", "near", "quantities", "rows", "usage_at"]

_SHOWN = ("active_gbh", "retained_gbh", "events", "concurrent_steps", "connect_workers", "seats", "peak_aps")


def demand_of(engine: EngineResult, ask: Ask) -> Demand:
    """The month's demand at the volume asked for.

    Raises:
        UsageError: retention, open hours or step seconds are out of their range.
    """
    return demand(
        engine,
        ask.volume,
        ask.day_shape,
        retention_days=ask.retention_days,
        open_hours=ask.open_hours,
        step_seconds=ask.step_seconds,
    )


def usage_at(found: Demand, plan: Plan, like: Decimal, units: Decimal) -> Usage:
    """The month on one plan, with the provisioned capacity that it needs there.

    Args:
        found: the demand at any volume.
        plan: of a price book.
        like: how many measured tasks have these units together.
        units: of the month.
    """
    month = found.at(like)
    return month.usage(units, provisioned=month.provisioned(plan, units))


def quantities(found: Demand, units: Decimal) -> Mapping[str, Decimal | None]:
    """What the month meets beside units, by name; None is not known."""
    usage = found.usage(units)
    return {name: getattr(usage, name) for name in _SHOWN}


def rows(found: Demand) -> tuple[CapacityRow, ...]:
    """Storage and capacity in words."""
    return tuple(CapacityRow(what=row.what, value=row.value, why=row.why) for row in capacity_rows(found))


def near(found: Demand, plan: Plan, units: Decimal) -> tuple[str, ...]:
    """Limits of the plan that the month meets or comes near to, one sentence each."""
    return limit_lines(found.limits(plan, units))
