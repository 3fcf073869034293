"""Retries of activities that have not closed: no history shows them, `describe` does."""

from collections.abc import Iterable
from datetime import UTC

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo

from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import TaskLabel, Unit

__all__ = ["count_pending"]

_POLLED = frozenset(
    {
        PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
        PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED,
        PendingActivityState.PENDING_ACTIVITY_STATE_PAUSE_REQUESTED,
    }
)
"""States in which a worker has the attempt. One that only backs off, waits or is paused was polled by nobody."""


def count_pending(pending: Iterable[PendingActivityInfo], *, workflow: str, run: str, label: TaskLabel) -> list[Unit]:
    """Retries so far of each pending activity.

    A started attempt n has been retried n - 1 times. While it backs off, waits for a worker or is paused, `attempt` is
    already the next one, which no worker has polled and nobody bills: n - 2 (measured against the meter).
    """
    rules = load_rulebook("temporal")
    units: list[Unit] = []
    for activity in pending:
        latest = activity.attempt if activity.state in _POLLED else activity.attempt - 1
        # While an activity backs off, the server tells only when its last attempt ended.
        began = activity.HasField("last_started_time")
        moment = (activity.last_started_time if began else activity.last_attempt_complete_time).ToDatetime(tzinfo=UTC)
        for attempt in range(2, latest + 1):
            units += rules.units(
                "activity_retry",
                label,
                run=run,
                cause=activity.activity_type.name,
                attempt=attempt,
                time=moment,
                source="describe",
                evidence=f"{workflow} pending activity {activity.activity_id} at attempt {activity.attempt}",
            )
    return units
