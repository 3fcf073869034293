"""Retries of activities that have not closed, as `describe` shows them."""

from datetime import UTC, datetime

import pytest
from recorded import LABEL
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo

from durameter_collectors.temporal.runs import count_pending


@pytest.mark.parametrize(
    ("state", "attempt", "retried"),
    [
        # Waiting for a worker, for the first time; nobody has tried.
        ("SCHEDULED", 1, []),
        # The first attempt failed and the second waits.
        ("SCHEDULED", 2, []),
        ("SCHEDULED", 4, [2, 3]),
        ("PAUSED", 4, [2, 3]),
        ("PAUSED", 1, []),
        # A worker has the attempt.
        ("STARTED", 1, []),
        ("STARTED", 3, [2, 3]),
        ("CANCEL_REQUESTED", 3, [2, 3]),
        ("PAUSE_REQUESTED", 3, [2, 3]),
    ],
)
def test_an_attempt_is_billed_when_a_worker_takes_it(state: str, attempt: int, retried: list[int]) -> None:
    ended = datetime(2026, 11, 1, tzinfo=UTC)
    activity = PendingActivityInfo(
        activity_id="7",
        activity_type={"name": "call_model"},
        state=PendingActivityState.Value(f"PENDING_ACTIVITY_STATE_{state}"),
        attempt=attempt,
        last_attempt_complete_time=ended,
    )
    units = count_pending([activity], workflow="w", run="run 1", label=LABEL)
    assert [unit.attempt for unit in units] == retried
    assert {(unit.kind, unit.cause, unit.time, unit.source) for unit in units} <= {
        ("retry_activity", "call_model", ended, "describe")
    }
