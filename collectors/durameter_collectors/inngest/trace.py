"""Trace of one function run → units.

Blind spots: a step whose every attempt ended in an error that goes to function level (RetryAfterError and
NonRetriableError in the Python SDK) leaves no step id; events and SDK requests are not executions and are not here.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from durameter_collectors.inngest.api.graphql import RunTrace, Span
from durameter_collectors.inngest.opcodes import NAMELESS_STEP
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import Gap, TaskLabel, Unit, cause_of

__all__ = ["BLIND_SPOTS", "StepRecord", "TraceCount", "count_trace", "kinds_in_trace", "steps_of"]

BLIND_SPOTS = (
    NAMELESS_STEP,
    "SDK requests and events (not executions)",
)

_RULES = {
    "RUN": "step_run",
    "SLEEP": "sleep",
    "WAIT_FOR_EVENT": "wait_for_event",
    "WAIT_FOR_SIGNAL": "wait_for_signal",
    "INVOKE": "invoke",
    "AI_GATEWAY": "gateway",
}


@dataclass
class StepRecord:
    """One step of a run, put together from all of its entries in the tree."""

    id: str
    name: str
    op: str | None
    attempts: int
    """1 + the highest attempt number seen."""
    time: datetime | None
    invoked_run: str | None = None
    invoke_event: str | None = None
    """The event by which it invokes, known before the run is."""


@dataclass
class TraceCount:
    """What one run's trace says: its units, and what was not understood."""

    units: list[Unit] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


def _billable(span: Span, *, depth: int = 0) -> Iterator[tuple[int, Span]]:
    """Every span of a step. The finalization subtree repeats steps under names of attempts and is left out."""
    for child in span.children_spans:
        if child.name == "Finalization" and child.step_id is None:
            continue
        if child.step_id is not None:
            yield depth, child
        yield from _billable(child, depth=depth + 1)


def steps_of(run: RunTrace) -> list[StepRecord]:
    """The distinct steps of a run, in order of their first start."""
    steps: dict[str, StepRecord] = {}
    depths: dict[str, int] = {}
    for depth, span in _billable(run.trace) if run.trace is not None else ():
        if span.step_id is None:
            continue
        moment = span.started_at or span.queued_at
        known = steps.get(span.step_id)
        if known is None:
            known = steps[span.step_id] = StepRecord(span.step_id, span.name, span.step_op, 1, moment)
            depths[span.step_id] = depth
        if depth < depths[span.step_id]:  # deeper entries are named after their attempt
            known.name, depths[span.step_id] = span.name, depth
        known.op = known.op or span.step_op
        known.attempts = max(known.attempts, 1 + (span.attempts or 0))
        if moment is not None and (known.time is None or moment < known.time):
            known.time = moment
        if span.step_info is not None:
            known.invoked_run = known.invoked_run or span.step_info.run_id
            known.invoke_event = known.invoke_event or span.step_info.triggering_event_id
    return sorted(steps.values(), key=lambda step: (step.time is None, step.time, step.id))


def count_trace(run: RunTrace, *, label: TaskLabel, led: str = "") -> TraceCount:
    """Apply the rulebook to one run.

    Args:
        run: the run with its settled trace.
        label: whose units these are.
        led: the agent-level step of another run that led to this one; it is the run's step.

    Returns:
        One unit for the run, one for each distinct step, and one of reading `upper` for each further attempt of a
        step; a gap for each operation that no rule knows.
    """
    counter = _Counter(run, label, led)
    counter.count()
    return counter.result


def kinds_in_trace(run: RunTrace) -> dict[str, Decimal]:
    """Kind → units of both readings, whosever they are."""
    kinds: dict[str, Decimal] = defaultdict(Decimal)
    for unit in count_trace(run, label=TaskLabel("", "", "")).units:
        kinds[unit.kind] += unit.quantity
    return dict(kinds)


class _Counter:
    def __init__(self, run: RunTrace, label: TaskLabel, led: str) -> None:
        self.result = TraceCount()
        self._led = led
        self._run = run
        self._label = label
        self._rules = load_rulebook("inngest")

    def count(self) -> None:
        started = self._run.started_at or self._run.queued_at
        if started is None:
            self._gap("the server gives no time for this run, so it has no units here", "")
            return
        skipped = self._run.status == "SKIPPED"
        rule_id, slug = "skipped_run" if skipped else "run", self._run.function.slug
        self._add(rule_id, started, cause=slug, step=self._led, evidence=f"run {self._run.id}")
        if self._run.trace is None and not skipped:
            self._gap("the run has no trace: its steps are missing here", "")
        for step in steps_of(self._run):
            self._step(step, step.time or started)

    def _step(self, step: StepRecord, moment: datetime) -> None:
        rule_id = _RULES.get(step.op or "RUN")  # a step that failed has no operation: only step.run can fail
        if rule_id is None:
            self._gap(f"no rule knows the step operation {step.op}; counted as step.run", f"step {step.id}")
            rule_id = "step_run"
        cause, evidence = cause_of(step.name), f"step {step.id}"
        self._add(rule_id, moment, cause=cause, step=step.name, evidence=evidence)
        for attempt in range(2, step.attempts + 1):
            self._add("step_retry", moment, cause=cause, step=step.name, evidence=evidence, attempt=attempt)

    def _add(
        self, rule_id: str, moment: datetime, *, cause: str, evidence: str, step: str = "", attempt: int = 1
    ) -> None:
        self.result.units += self._rules.units(
            rule_id,
            self._label,
            run=self._run.id,
            cause=cause,
            step=step,
            attempt=attempt,
            time=moment,
            source="trace",
            evidence=evidence,
        )

    def _gap(self, what: str, evidence: str) -> None:
        self.result.gaps.append(
            Gap(engine="inngest", task=self._label.task, run=self._run.id, what=what, evidence=evidence)
        )
