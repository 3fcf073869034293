"""What a measurement calls: one task in, counters and a trace out, and never an exception."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from durameter_collectors.otel.counters import SERIES_LIMIT, UnitCounters
from durameter_collectors.otel.names import SCOPE
from durameter_collectors.otel.traces import UnitTraces
from durameter_collectors.units import TaskLabel, Unit

__all__ = ["UnitTelemetry"]

_logger = logging.getLogger(__name__)


class UnitTelemetry:
    """Turns the units of finished tasks into counters and traces.

    It never raises: what goes wrong is logged and kept in `errors`, and the measurement goes on. It may be called
    from several threads. The providers are the caller's, to flush and to shut down; the global ones are not touched.

    Args:
        meter_provider: takes the counters; None for no counters. One for each UnitTelemetry: two on one provider
            would want the same counters.
        tracer_provider: takes the traces; None for no traces. It must sample every span: a trace is an export of
            the ledger, and a span that is sampled away is an error here.
        unit_names: engine → what its vendor calls one unit; the counter of an engine that is not here counts units.
    """

    def __init__(
        self,
        meter_provider: MeterProvider | None,
        tracer_provider: TracerProvider | None,
        unit_names: Mapping[str, str] | None = None,
    ) -> None:
        release = version("durameter")
        self._counters = (
            UnitCounters(meter_provider.get_meter(SCOPE, release), unit_names or {}) if meter_provider else None
        )
        self._traces = UnitTraces(tracer_provider.get_tracer(SCOPE, release)) if tracer_provider else None
        self.errors: list[str] = []
        """What is missing from the export, and why, in words. Empty when the providers were given all."""

    @property
    def spans(self) -> int:
        """How many spans the tracer provider was given."""
        return self._traces.spans if self._traces else 0

    @property
    def counted(self) -> int:
        """How many units (rows, not quantities) are in the counters."""
        return self._counters.units if self._counters else 0

    def record_task(
        self,
        units: Sequence[Unit],
        *,
        task: TaskLabel,
        engine: str,
        state: str,
        started: datetime,
        ended: datetime,
    ) -> None:
        """Add the units of one task to the counters, and emit its trace.

        This occupies the calling thread for some 0.1 ms per unit. Sending is the providers' business.

        Args:
            units: all of the task's, of both readings; none if it made none.
            task: the task, for the root of its trace.
            engine: the engine that ran it.
            state: how it ended, in the result's words.
            started: when it began, with a time zone. The root span is widened where a unit lies outside.
            ended: when it ended, with a time zone.
        """
        if self._counters:
            with self._remembering(f"the counters lack task {task.task}"):
                self._counters.add(units)
            for crowded in self._counters.crowded():
                self._remember(
                    f"the counters of {crowded} have more than {SERIES_LIMIT} attribute sets: "
                    "the SDK adds up the rest of them under otel.metric.overflow"
                )
        if self._traces:
            with self._remembering(f"the trace of task {task.task} is missing or incomplete"):
                self._traces.emit(units, task, engine, state, (started, ended))

    @contextmanager
    def _remembering(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - an SDK or plug-in that fails must not end a measurement
            self._remember(f"{what}: {error!r}")

    def _remember(self, error: str) -> None:
        if error not in self.errors:
            self.errors.append(error)
            _logger.warning("Telemetry is incomplete: %s", error)
