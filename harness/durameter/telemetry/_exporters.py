"""The SDK's exporters by name, each in a wrapper that knows what has arrived."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TextIO

from opentelemetry.sdk.metrics import ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SpanExporter, SpanExportResult

from durameter.errors import UsageError
from durameter.telemetry._choice import ExporterName

__all__ = [
    "CheckedMetricExporter",
    "CheckedSpanExporter",
    "checked_configuration",
    "metric_exporter",
    "span_exporter",
]


class CheckedSpanExporter(SpanExporter):
    """Passes spans on and counts those that arrived. The SDK only logs what it loses."""

    def __init__(self, name: ExporterName, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.name = name
        self.arrived = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch. The SDK calls this from one thread at a time."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.arrived += len(spans)
        return result

    def shutdown(self) -> None:
        """Stop, giving up what is under way."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return self._exporter.force_flush(timeout_millis)


class CheckedMetricExporter(MetricExporter):
    """Passes counters on and knows whether all that they say has arrived."""

    def __init__(self, name: ExporterName, exporter: MetricExporter) -> None:
        temporality = exporter._preferred_temporality  # noqa: SLF001 - the reader takes it from there, too
        super().__init__(temporality, exporter._preferred_aggregation)  # noqa: SLF001 - the same
        self._exporter = exporter
        self._delta = (temporality or {}).get(ObservableCounter) is AggregationTemporality.DELTA
        self._closed = False
        self.name = name
        self.flushed = False
        """Whether an export has arrived since this was last set to False."""
        self.lacking = False
        """Whether something is missing at the receiver. A later cumulative export makes up for it, a delta does not."""

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: Any,
    ) -> MetricExportResult:
        """Export all counters. The SDK calls this from one thread at a time."""
        if self._closed:
            return MetricExportResult.SUCCESS
        was_lacking, self.lacking = self.lacking, True
        result = self._exporter.export(metrics_data, timeout_millis, **kwargs)
        if result is MetricExportResult.SUCCESS:
            self.flushed = True
            self.lacking = was_lacking and self._delta
        return result

    def close(self) -> None:
        """Export no more: the reader's shutdown would send the figures of the last flush again."""
        self._closed = True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Stop, giving up what is under way."""
        self._exporter.shutdown(timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is kept here."""
        return self._exporter.force_flush(timeout_millis)


def span_exporter(name: ExporterName, stream: TextIO) -> CheckedSpanExporter:
    """Make the exporter of traces with this name.

    Raises:
        UsageError: it is not installed, or an OTEL_EXPORTER_OTLP_* variable is wrong.
    """
    if name == "console":
        return CheckedSpanExporter(name, ConsoleSpanExporter(out=stream))
    exporter: SpanExporter = _otlp(name, "trace_exporter", "OTLPSpanExporter")
    return CheckedSpanExporter(name, exporter)


def metric_exporter(name: ExporterName, stream: TextIO) -> CheckedMetricExporter:
    """Make the exporter of counters with this name.

    Raises:
        UsageError: it is not installed, or an OTEL_EXPORTER_OTLP_* variable is wrong.
    """
    if name == "console":
        return CheckedMetricExporter(name, ConsoleMetricExporter(out=stream))
    exporter: MetricExporter = _otlp(name, "metric_exporter", "OTLPMetricExporter")
    return CheckedMetricExporter(name, exporter)


def _otlp(name: ExporterName, module: str, exporter: str) -> Any:
    protocol = name.removeprefix("otlp-")
    try:
        made_by = import_module(f"opentelemetry.exporter.otlp.proto.{protocol}.{module}")
    except ImportError as error:
        raise UsageError(
            f"The exporter {name} is not installed ({error}). Run: pip install 'durameter[otlp]'"
        ) from error
    with checked_configuration(f"the exporter {name}"):
        # Without arguments it reads the standard variables: endpoint, headers, compression, time-out, certificates.
        return getattr(made_by, exporter)()


@contextmanager
def checked_configuration(what: str) -> Iterator[None]:
    """Turn what the SDK raises about its variables, in types of many kinds, into an error that a user understands.

    Raises:
        UsageError: in place of any exception.
    """
    try:
        yield
    except Exception as error:
        raise UsageError(f"OpenTelemetry cannot make {what}: {error}. Check the OTEL_* variables.") from error
