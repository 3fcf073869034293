"""Export of units through the OpenTelemetry SDK: off unless asked for, and never in the measurement's way.

`docs/telemetry.md` says what is exported and how to switch it on.
"""

from durameter.telemetry._choice import ExporterName
from durameter.telemetry._session import Telemetry, open_telemetry

__all__ = ["ExporterName", "Telemetry", "open_telemetry"]
