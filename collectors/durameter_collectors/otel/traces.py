"""A finished task as a trace: the task, its runs, their agent steps, their units, at the server's own times."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Tracer, set_span_in_context

from durameter_collectors.otel import names
from durameter_collectors.units import TaskLabel, Unit, total

__all__ = ["UnitTraces"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_Attributes = Mapping[str, str | int | float]
_StepKey = tuple[str, str]


class UnitTraces:
    """Emits one trace per task."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._lock = threading.Lock()
        self.spans = 0
        """How many spans have been started."""

    def emit(
        self,
        units: Sequence[Unit],
        task: TaskLabel,
        engine: str,
        state: str,
        times: tuple[datetime, datetime],
    ) -> None:
        """Emit the trace of one task. Thread-safe.

        Raises:
            RuntimeError: the tracer provider samples spans away.
            TypeError: a time has no time zone.
        """
        root: _Attributes = {
            names.ENGINE: engine,
            names.WORKLOAD: task.workload,
            names.VARIANT: task.variant,
            names.TASK: task.task,
            names.STATE: state,
            names.UNITS_DOCUMENTED: names.number(total(units)),
            names.UNITS_UPPER: names.number(total(units, upper=True)),
        }
        with (
            self._lock,
            self._span("task", root, [*times, *(unit.time for unit in units)], Context()) as in_task,
        ):
            for run, steps in _by_run_and_step(units).items():
                run_times = [unit.time for of_step in steps.values() for unit in of_step]
                with self._span("run", {names.RUN: run}, run_times, in_task) as in_run:
                    for key, of_step in steps.items():
                        self._emit_step(key, of_step, in_run)

    def _emit_step(self, key: _StepKey, units: Sequence[Unit], in_run: Context) -> None:
        attribute, name = key
        with self._span(name, {attribute: name}, [unit.time for unit in units], in_run) as in_step:
            for unit in units:
                with self._span(unit.kind, _attributes(unit), [unit.time], in_step):
                    pass

    @contextmanager
    def _span(
        self, name: str, attributes: _Attributes, times: Sequence[datetime], parent: Context
    ) -> Iterator[Context]:
        """A span from the first to the last of the times; yields the context for its children."""
        start, end = _nanoseconds(min(times)), _nanoseconds(max(times))
        # The parent is always given: a span that happens to be current must not adopt a task.
        span = self._tracer.start_span(name, parent, attributes=attributes, start_time=start)
        if not span.get_span_context().trace_flags.sampled:
            raise RuntimeError("the tracer provider does not sample every span; give it the sampler ALWAYS_ON")
        self.spans += 1
        try:
            yield set_span_in_context(span, Context())
        finally:
            span.end(end)


def _by_run_and_step(units: Sequence[Unit]) -> dict[str, dict[_StepKey, list[Unit]]]:
    """In order of appearance. A unit that no agent-level step claims is under its cause."""
    runs: dict[str, dict[_StepKey, list[Unit]]] = {}
    for unit in units:
        key = (names.STEP, unit.step) if unit.step else (names.CAUSE, unit.cause)
        runs.setdefault(unit.run, {}).setdefault(key, []).append(unit)
    return runs


def _attributes(unit: Unit) -> _Attributes:
    return {
        names.CAUSE: unit.cause,
        names.ATTEMPT: unit.attempt,
        names.QUANTITY: names.number(unit.quantity),
        names.READING: unit.reading,
        names.RULE: unit.rule,
        names.SOURCE: unit.source,
        names.EVIDENCE: unit.evidence,
    }


def _nanoseconds(moment: datetime) -> int:
    """Since the epoch. In whole numbers: a float of seconds is off by hundreds of nanoseconds."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
