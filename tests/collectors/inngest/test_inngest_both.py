"""Trace and wire of one run together. Every expected unit is derived by hand from the rules."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from durameter_collectors.inngest.api.graphql import RunTrace
from durameter_collectors.inngest.api.links import Way
from durameter_collectors.inngest.merge_sources import (
    NEVER_BEGUN,
    UNTOLD,
    RunCount,
    count_run,
)
from durameter_collectors.inngest.wire.runs import RunOnWire, StepOnWire
from durameter_collectors.units import TaskLabel

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LABEL = TaskLabel("tests/both", "default", "task")


def span(step: str, **more: Any) -> dict[str, Any]:
    return {"spanID": f"span-{step}", "name": step, "status": "COMPLETED", "stepID": step, "stepOp": "RUN"} | more


def trace(*steps: dict[str, Any], status: str = "COMPLETED") -> RunTrace:
    root = {"spanID": "root", "name": "run", "status": status, "childrenSpans": list(steps)}
    about = {"id": "run", "status": status, "function": {"slug": "app-fn"}, "startedAt": NOW}
    return RunTrace.model_validate(about | {"trace": root})


def wire(**steps: StepOnWire) -> RunOnWire:
    return RunOnWire(function="app-fn", requests=1, steps=dict(steps))


def counted(run: RunTrace, seen: RunOnWire | None, *, way: Way = "event", led: str = "") -> RunCount:
    return count_run(run, seen, label=LABEL, way=way, led=led)


def rules(count: RunCount) -> Counter[str]:
    return Counter(unit.rule for unit in count.units)


def test_without_a_tap_the_trace_is_all() -> None:
    count = counted(trace(span("a"), span("b")), None)
    assert rules(count) == {"run": 1, "step_run": 2}
    assert (count.traced, count.corrections) == ({"function_run": 1, "step.run": 2}, {})


def test_a_planned_step_that_was_never_asked_for_is_free() -> None:
    """The run, and `a`. The trace lists `b` too."""
    seen = wire(a=StepOnWire("a", "step_run"))
    seen.planned["b"] = "b"
    count = counted(trace(span("a"), span("b", status="QUEUED")), seen)
    assert rules(count) == {"run": 1, "step_run": 1}
    assert count.traced == {"function_run": 1, "step.run": 2}
    assert count.corrections == {"step.run": {NEVER_BEGUN: -1}}


def test_a_planned_step_that_was_asked_for_has_begun() -> None:
    """Its request was never answered: it is a step all the same."""
    seen = wire()
    seen.planned["b"], seen.asked = "b", {"b"}
    count = counted(trace(span("b", status="QUEUED")), seen)
    assert rules(count) == {"run": 1, "step_run": 1}
    assert count.corrections == {}


def test_attempts_that_only_the_wire_saw_are_retries() -> None:
    """Three attempts: the trace shows one, so two further ones are the wire's."""
    count = counted(trace(span("a", name="message 2 / a 3")), wire(a=StepOnWire("a", "step_run", attempts=3)))
    assert rules(count) == {"run": 1, "step_run": 1, "step_retry": 2}
    retries = [unit for unit in count.units if unit.rule == "step_retry"]
    assert [(each.attempt, each.source, each.cause, each.reading) for each in retries] == [
        (2, "wire", "a", "upper"),
        (3, "wire", "a", "upper"),
    ]
    assert count.corrections == {"step_retry": {UNTOLD: 2}}


def test_attempts_that_both_saw_are_counted_once() -> None:
    count = counted(trace(span("a", attempts=2)), wire(a=StepOnWire("a", "step_run", attempts=3)))
    assert rules(count) == {"run": 1, "step_run": 1, "step_retry": 2}
    assert count.corrections == {}


def test_a_step_that_the_wire_lacks_stays_and_is_left_to_the_proof() -> None:
    count = counted(trace(span("a")), wire())
    assert rules(count) == {"run": 1, "step_run": 1}
    assert count.corrections == {}


@pytest.mark.parametrize(
    ("way", "status", "rule"),
    [
        ("event", "COMPLETED", "run"),
        ("sent", "FAILED", "run"),
        ("invoke", "COMPLETED", "invoked_run"),
        ("ended", "COMPLETED", "failure_handler"),
        ("deferred", "COMPLETED", "deferred_run"),
        ("invoke", "CANCELLED", "cancelled_run"),
        ("event", "SKIPPED", None),
    ],
)
def test_runs_are_billed_by_the_rule_of_their_way(way: Way, status: str, rule: str | None) -> None:
    count = counted(trace(status=status), None, way=way, led="message 1 / hand_over")
    assert [(unit.rule, unit.step) for unit in count.units] == ([(rule, "message 1 / hand_over")] if rule else [])


@pytest.mark.parametrize(
    ("kind", "sent", "rule"),
    [
        ("", [], "step_run"),
        ("", ["01HZ"], "send_event"),  # Python does not say what it is, but its output does
        ("step.sendEvent", [], "send_event"),
        ("step.ai.wrap", [], "ai_wrap"),
        ("step.realtime.publish", [], "realtime_publish"),
        ("group.experiment", [], "experiment"),
        ("step.sendSignal", [], "send_signal"),
        ("step.something.new", [], "step_run"),
    ],
)
def test_what_the_sdk_says_of_a_step_chooses_the_rule_and_not_the_kind(kind: str, sent: list[str], rule: str) -> None:
    count = counted(trace(span("a")), wire(a=StepOnWire("a", "step_run", kind=kind, sent=sent)))
    assert rules(count) == {"run": 1, rule: 1}
    assert {unit.kind for unit in count.units} == {"function_run", "step.run"}
