"""Names of metrics and attributes. They are an interface: dashboards depend on them."""

from decimal import Decimal
from typing import Final, NamedTuple

__all__ = ["SCOPE", "CounterName", "counter_name", "number"]

SCOPE: Final = "durameter"
"""The instrumentation scope of every metric and span."""

# On counters, where each value must come from a small set, and on spans.
ENGINE: Final = "durameter.engine"
WORKLOAD: Final = "durameter.workload"
VARIANT: Final = "durameter.variant"
KIND: Final = "durameter.kind"
SOURCE: Final = "durameter.source"
READING: Final = "durameter.reading"

# On spans only: their values are many.
TASK: Final = "durameter.task"
STATE: Final = "durameter.state"
UNITS_DOCUMENTED: Final = "durameter.units.documented"
UNITS_UPPER: Final = "durameter.units.upper"
RUN: Final = "durameter.run"
STEP: Final = "durameter.step"
CAUSE: Final = "durameter.cause"
ATTEMPT: Final = "durameter.attempt"
QUANTITY: Final = "durameter.quantity"
RULE: Final = "durameter.rule"
EVIDENCE: Final = "durameter.evidence"


class CounterName(NamedTuple):
    """A metric's name, its unit as a UCUM annotation, and what it counts."""

    name: str
    unit: str
    description: str


def counter_name(engine: str, unit: str) -> CounterName:
    """The counter of an engine.

    Args:
        engine: its name.
        unit: what the vendor calls one unit, in the singular.
    """
    return CounterName(
        f"durameter.{engine}.{unit.lower()}s", f"{{{unit.lower()}}}", f"Billable {engine.capitalize()} {unit}s"
    )


def number(quantity: Decimal) -> int | float:
    """A quantity as OpenTelemetry can hold it: an int where it is whole, else the nearest float."""
    return int(quantity) if quantity == int(quantity) else float(quantity)
