"""Telemetry of one measurement: opened before it, flushed after it within a bounded time."""

import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from types import TracebackType
from typing import Final, TextIO

from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from durameter.registry import engines
from durameter.telemetry._choice import Choice, ExporterName, choose
from durameter.telemetry._exporters import (
    CheckedMetricExporter,
    CheckedSpanExporter,
    checked_configuration,
    metric_exporter,
    span_exporter,
)
from durameter_collectors.otel import UnitTelemetry

__all__ = ["Telemetry", "open_telemetry"]

_QUEUE: Final = 2**18
"""Spans that may wait for a slow receiver, at 3 kB each. A large task overflows the SDK's default of 2048."""
_REASONS: Final = 2
"""How many different messages of the SDK are passed on."""


class Telemetry:
    """The telemetry of one measurement, made by `open_telemetry`. Use it as a context manager, or call `close`."""

    def __init__(self, choice: Choice, stream: TextIO, timeout: float) -> None:
        self.units: UnitTelemetry | None = None
        """Takes the tasks; None when nothing is exported."""
        self.warnings: list[str] = list(choice.warnings)
        """What the user should know, complete after `close`: what was not exported, and why."""
        self._timeout = timeout
        self._closed = False
        self._span_exporters = [span_exporter(name, stream) for name in choice.traces]
        self._metric_exporters = [metric_exporter(name, stream) for name in choice.metrics]
        with checked_configuration("its providers"):
            self._tracers = _tracer_provider(self._span_exporters) if choice.traces else None
            self._meters = _meter_provider(self._metric_exporters) if choice.metrics else None
        self._log = _LogTail()
        if self._tracers or self._meters:
            self.units = UnitTelemetry(self._meters, self._tracers, {engine.name: engine.unit for engine in engines()})
            logging.getLogger("opentelemetry").addHandler(self._log)

    def __enter__(self) -> UnitTelemetry | None:
        return self.units

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Send what is left, stop, and add to `warnings` what did not arrive. Never raises, and may be called twice.

        It returns after the time-out at the latest (plus two seconds for giving up) and blocks that long: from a
        coroutine, call it in a thread.
        """
        if self._closed or self.units is None:
            return
        self._closed = True
        closing = _Background([self._close_traces, self._close_metrics])
        if not closing.wait(self._timeout):
            closing.problems.append(f"not finished within {self._timeout:g} s")
            self._log.stop()  # what follows is the noise of giving up
            shutdowns = [exporter.shutdown for exporter in self._span_exporters]
            shutdowns += [exporter.shutdown for exporter in self._metric_exporters]
            _Background(shutdowns).wait(1.0)
        if closing.wait(1.0):
            # Else it stays, so that a thread that gives up later does not write over the report.
            logging.getLogger("opentelemetry").removeHandler(self._log)
        losses = self._losses(self.units)
        reasons = [*closing.problems, *self._log.messages.values()]
        if losses and reasons:
            losses.append(f"OpenTelemetry says: {'; '.join(reasons)}")
        self.warnings += losses

    def _losses(self, units: UnitTelemetry) -> list[str]:
        return [
            *(f"Telemetry is incomplete: {error}" for error in units.errors),
            *(
                f"Telemetry by {exporter.name}: {missing} of {units.spans} spans did not arrive."
                for exporter in self._span_exporters
                if (missing := units.spans - exporter.arrived)
            ),
            *(
                f"Telemetry by {exporter.name}: the counters did not arrive in full."
                for exporter in self._metric_exporters
                if units.counted and (exporter.lacking or not exporter.flushed)
            ),
        ]

    def _close_traces(self) -> None:
        if self._tracers:
            # The flush waits for all of the queue; a shutdown alone gives up after the SDK's own 30 s.
            self._tracers.force_flush(round(self._timeout * 1000))
            self._tracers.shutdown()

    def _close_metrics(self) -> None:
        if self._meters:
            for exporter in self._metric_exporters:
                exporter.flushed = False
            try:
                self._meters.force_flush(self._timeout * 1000)
            finally:
                for exporter in self._metric_exporters:
                    exporter.close()
                self._meters.shutdown(self._timeout * 1000)


def open_telemetry(
    exporter: ExporterName | None = None, *, stream: TextIO | None = None, timeout: float = 30.0
) -> Telemetry:
    """Open the telemetry of one measurement.

    With `with open_telemetry(...) as units`, `units` is a `UnitTelemetry`, or None when nothing is to be exported.

    Args:
        exporter: the setting; it wins. None leaves the choice to `OTEL_TRACES_EXPORTER` and `OTEL_METRICS_EXPORTER`,
            and without them nothing is exported. Where to, and how, is always said by the `OTEL_EXPORTER_OTLP_*`
            variables; by themselves they switch nothing on.
        stream: what the console exporter writes to; by default standard error.
        timeout: seconds that closing may take.

    Raises:
        UsageError: the exporter is not installed, or an `OTEL_*` variable makes no sense to the SDK.
    """
    return Telemetry(choose(exporter, os.environ), stream or sys.stderr, timeout)


def _tracer_provider(exporters: Sequence[CheckedSpanExporter]) -> TracerProvider:
    # A trace is an export of the ledger: OTEL_TRACES_SAMPLER, meant for a service's requests, must not thin it out.
    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=_resource(), shutdown_on_exit=False, id_generator=_RandomIds()
    )
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=_QUEUE))
    return provider


def _meter_provider(exporters: Sequence[CheckedMetricExporter]) -> MeterProvider:
    return MeterProvider(
        [PeriodicExportingMetricReader(exporter) for exporter in exporters],
        resource=_resource(),
        # An exemplar would carry the id of a trace that is not ours.
        exemplar_filter=AlwaysOffExemplarFilter(),
        shutdown_on_exit=False,
    )


def _resource() -> Resource:
    """Durameter's name and version, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise."""
    own = {"service.name": "durameter", "service.version": version("durameter")}
    return Resource.create({**own, **OTELResourceDetector().detect().attributes})


class _RandomIds(IdGenerator):
    """Ids from the operating system.

    The SDK takes its own from the module `random`: a workload that seeds it would get the ids of its last
    measurement again, and one that draws from it other values than without telemetry.
    """

    def generate_span_id(self) -> int:
        return secrets.randbelow(2**64 - 1) + 1  # zero is invalid

    def generate_trace_id(self) -> int:
        return secrets.randbelow(2**128 - 1) + 1

    def is_trace_id_random(self) -> bool:
        return True


class _LogTail(logging.Handler):
    """Keeps the SDK's last warnings: it logs why an export failed, and tells nobody else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: dict[str, str] = {}
        """The last of each sort, by its format."""
        self._stopped = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._stopped:
            self.messages.pop(str(record.msg), None)
            self.messages[str(record.msg)] = record.getMessage()
            if len(self.messages) > _REASONS:
                del self.messages[next(iter(self.messages))]

    def stop(self) -> None:
        self._stopped = True


class _Background:
    """Runs each action in a thread of its own; what they raise is in `problems`."""

    def __init__(self, actions: Sequence[Callable[[], object]]) -> None:
        self.problems: list[str] = []
        # Daemons: one that hangs in a receiver must not keep the process.
        self._threads = [threading.Thread(target=self._run, args=[action], daemon=True) for action in actions]
        for thread in self._threads:
            thread.start()

    def _run(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - closing telemetry must not fail a measurement that is done
            self.problems.append(repr(error))

    def wait(self, seconds: float) -> bool:
        """Whether all have ended within so many seconds."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)
