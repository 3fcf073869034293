"""Names of metrics and attributes. They are an interface: dashboards depend on them."""

from decimal import Decimal
from typing import Final, NamedTuple

__all__ = ["COUNTERS", "SCOPE", "CounterName", "counter_name", "number"]

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


COUNTERS: Final = {
    "temporal": CounterName("durameter.temporal.actions", "{action}", "Billable Temporal Actions"),
    "inngest": CounterName("durameter.inngest.executions", "{execution}", "Billable Inngest executions"),
}


def counter_name(engine: str) -> CounterName:
    """The counter of an engine; one that a plug-in brings counts `{unit}`."""
    other = CounterName(f"durameter.{engine}.units", "{unit}", f"Billable units of {engine}")
    return COUNTERS.get(engine, other)


def number(quantity: Decimal) -> int | float:
    """A quantity as OpenTelemetry can hold it: an int where it is whole, else the nearest float."""
    return int(quantity) if quantity == int(quantity) else float(quantity)
