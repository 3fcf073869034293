"""Export of units through the OpenTelemetry SDK: off unless asked for, and never in the measurement's way.

`docs/telemetry.md` says what is exported and how to switch it on. The SDK is imported when it is needed.
"""

from typing import TYPE_CHECKING

from durameter._lazy import lazy_names
from durameter.telemetry._choice import ExporterName

if TYPE_CHECKING:
    from durameter.telemetry._session import Telemetry, open_telemetry

__all__ = ["ExporterName", "Telemetry", "open_telemetry"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(
        globals(), dict.fromkeys(("Telemetry", "open_telemetry"), "durameter.telemetry._session")
    )
