"""Merge trace and wire of one run → its units: the trace, corrected where traces are known to be wrong.

They are in two things (1.44.0, measured): a trace lists planned steps as steps, whether they were ever requested or
not; and it shows one attempt for a planned step whose attempts failed as errors of the function (RetryAfterError in
Python).
"""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from durameter_collectors.inngest.api.graphql import RunTrace
from durameter_collectors.inngest.api.links import Way
from durameter_collectors.inngest.trace import count_trace, kinds_in_trace, steps_of
from durameter_collectors.inngest.wire.runs import RunOnWire
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import Gap, TaskLabel, Unit, cause_of

__all__ = ["NEVER_BEGUN", "UNTOLD", "RunCount", "count_run"]

NEVER_BEGUN = "planned_never_begun"
"""Name of the difference: steps in the trace that were planned but never requested."""
UNTOLD = "retries_untold"
"""Name of the difference: attempts that passed on the wire and that the trace does not show."""


@dataclass
class RunCount:
    """One run's units, and where they come from."""

    units: list[Unit]
    gaps: list[Gap]
    traced: dict[str, Decimal] = field(default_factory=dict)
    """Kind → units of both readings by the trace alone."""
    corrections: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    """Kind → name → units that were added to what the trace says, or taken away."""


_RUNS = {"invoke": "invoked_run", "ended": "failure_handler", "deferred": "deferred_run"}
"""Rules of runs by the way in which they came to be."""
_STEPS = {
    "step.sendEvent": "send_event",
    "step.sendSignal": "send_signal",
    "step.ai.wrap": "ai_wrap",
    "step.realtime.publish": "realtime_publish",
    "group.experiment": "experiment",
}
"""Rules of steps that the app itself executes, by what its SDK says that they are."""


def count_run(
    record: RunTrace, seen: RunOnWire | None, *, label: TaskLabel, way: Way = "event", led: str = ""
) -> RunCount:
    """Apply the rulebook to one run.

    Args:
        record: the run with its settled trace.
        seen: what passed of it; None where there is no tap.
        label: whose units these are.
        way: how it came to be.
        led: the agent-level step of another run that led to it.
    """
    by_trace = count_trace(record, label=label, led=led)
    count = RunCount(_by_exact_rule(by_trace.units, record, seen, way), by_trace.gaps, kinds_in_trace(record))
    if seen is None:
        return count
    rules, retry = load_rulebook("inngest"), load_rulebook("inngest").rule("step_retry")
    corrections: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for step in steps_of(record):
        evidence = f"step {step.id}"
        on_wire = seen.steps.get(step.id)
        if on_wire is None and step.id in seen.planned and step.id not in seen.asked:
            for unit in (each for each in count.units if each.evidence == evidence):
                corrections[unit.kind][NEVER_BEGUN] -= unit.quantity
            count.units = [each for each in count.units if each.evidence != evidence]
        elif on_wire is not None and on_wire.attempts > step.attempts:
            corrections[retry.kind][UNTOLD] += retry.quantity * (on_wire.attempts - step.attempts)
            moment = step.time or record.started_at or record.queued_at
            if moment is None:
                continue  # the trace has no time at all, which is a gap already
            for attempt in range(step.attempts + 1, on_wire.attempts + 1):
                count.units += rules.units(
                    retry.id,
                    label,
                    run=record.id,
                    cause=cause_of(step.name),
                    step=step.name,
                    attempt=attempt,
                    time=moment,
                    source="wire",
                    evidence=evidence,
                )
    count.corrections = {kind: dict(parts) for kind, parts in corrections.items()}
    return count


def _by_exact_rule(units: list[Unit], record: RunTrace, seen: RunOnWire | None, way: Way) -> list[Unit]:
    """Units under the very rule that bills them, of the same kind: the trace alone tells less."""
    runs = "cancelled_run" if record.status == "CANCELLED" else _RUNS.get(way, "run")
    exact: dict[str, str] = {}
    for step_id, step in seen.steps.items() if seen else ():
        if step.sent or step.kind in _STEPS:
            exact[f"step {step_id}"] = _STEPS.get(step.kind, "send_event")

    def rule(unit: Unit) -> str:
        if unit.rule == "run":
            return runs
        return exact.get(unit.evidence, unit.rule) if unit.rule == "step_run" else unit.rule

    return [unit if rule(unit) == unit.rule else unit.model_copy(update={"rule": rule(unit)}) for unit in units]
