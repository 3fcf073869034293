"""Traces without a server: what is counted, what is flagged, and answers that are not what the API promises."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durameter_collectors.inngest.api.graphql import InngestApi, InngestApiError, RunTrace
from durameter_collectors.inngest.trace import count_trace, steps_of
from durameter_collectors.units import TaskLabel

LABEL = TaskLabel("tests/trace", "default", "task")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC).isoformat()


def span(name: str, step: str | None = None, op: str | None = None, attempts: int = 0, *inner: Any) -> dict[str, Any]:
    return {
        "spanID": f"{name}{step}{attempts}",
        "name": name,
        "status": "COMPLETED",
        "attempts": attempts,
        "stepID": step,
        "stepOp": op,
        "startedAt": NOW,
        "childrenSpans": list(inner),
    }


def run(*spans: dict[str, Any], status: str = "COMPLETED") -> RunTrace:
    root = span("Run", None, None, 0, *spans)
    about = {"id": "run-1", "status": status, "function": {"slug": "app-f"}, "startedAt": NOW}
    return RunTrace.model_validate({**about, "trace": root})


def kinds(trace: RunTrace) -> list[tuple[str, str, int]]:
    return [(unit.kind, unit.reading, unit.attempt) for unit in count_trace(trace, label=LABEL).units]


def test_a_step_that_is_listed_twice_is_one() -> None:
    """Run 1, step 1; its attempts 0, 1, 2 are two further ones. The finalization subtree repeats it and is left out."""
    trace = run(
        span("look", "a", "RUN", 2, span("Attempt 0", "a", "RUN", 0), span("Attempt 2", "a", "RUN", 2)),
        span("look", "a", "RUN", 2),
        span("Finalization", None, "RUN", 2, span("Attempt 2", "b", "RUN", 2)),
        span("executor.nonstep"),
    )
    assert kinds(trace) == [
        ("function_run", "documented", 1),
        ("step.run", "documented", 1),
        ("step_retry", "upper", 2),
        ("step_retry", "upper", 3),
    ]
    assert [step.name for step in steps_of(trace)] == ["look"]


def test_a_skipped_run_costs_nothing() -> None:
    assert kinds(run(status="SKIPPED")) == []


def test_an_unknown_operation_is_counted_and_flagged() -> None:
    count = count_trace(run(span("warp", "c", "TELEPORT")), label=LABEL)
    assert [unit.kind for unit in count.units] == ["function_run", "step.run"]
    [gap] = count.gaps
    assert "TELEPORT" in gap.what


def test_a_run_without_a_trace_is_flagged() -> None:
    count = count_trace(run().model_copy(update={"trace": None}), label=LABEL)
    assert [unit.kind for unit in count.units] == ["function_run"]
    assert "no trace" in count.gaps[0].what


step_ids = st.sampled_from(["a", "b", "c", None])
leaves = st.builds(span, st.text(max_size=4), step_ids, st.sampled_from(["RUN", "SLEEP", None]), st.integers(0, 4))


@given(st.lists(leaves, max_size=8))
def test_there_is_one_unit_per_run_and_per_distinct_step(spans: list[dict[str, Any]]) -> None:
    ids = {each["stepID"] for each in spans if each["stepID"]}
    found = kinds(run(*spans))
    assert sum(reading == "documented" for _, reading, _ in found) == 1 + len(ids)
    further = {i: max(each["attempts"] for each in spans if each["stepID"] == i) for i in ids}
    assert sum(reading == "upper" for _, reading, _ in found) == sum(further.values())


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b'{"data": null}', b'{"data": {"run": {"id": 7}}}', b'{"errors": [{"message": "down"}]}'],
)
async def test_an_answer_that_is_not_one_is_an_error_of_its_own(answer: bytes) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=answer))
    async with httpx.AsyncClient(transport=transport) as http:
        with pytest.raises(InngestApiError):
            await InngestApi(http, "http://server").trace("run-1")
