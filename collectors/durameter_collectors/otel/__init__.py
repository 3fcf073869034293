"""Units as OpenTelemetry: counters for dashboards, and one trace per task.

The ledger is the count; this is a copy of it for other tools. Names and attributes are Durameter's own, because
OpenTelemetry has no merged convention for workflows or billing: `docs/telemetry.md` lists them.
"""

from durameter_collectors.otel.telemetry import UnitTelemetry

__all__ = ["UnitTelemetry"]
