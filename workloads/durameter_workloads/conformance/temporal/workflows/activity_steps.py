"""Steps that schedule activities."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from durameter_workloads.conformance.temporal.workflows.activities import (
    beat,
    beat_and_fail,
    beat_and_hang,
    beat_for,
    elsewhere,
    hang,
    hang_until,
    publish,
    refuse,
    stick_at_third,
    work,
)

__all__ = ["LIMIT", "SOON", "ActivitySteps"]

LIMIT = timedelta(minutes=5)
SOON = RetryPolicy(initial_interval=timedelta(milliseconds=50), backoff_coefficient=1)
_TWICE = RetryPolicy(initial_interval=timedelta(milliseconds=50), backoff_coefficient=1, maximum_attempts=2)
_LONGER_AND_LONGER = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), backoff_coefficient=10, maximum_interval=timedelta(seconds=20)
)
"""0.1 s, 1 s, 10 s: the third back-off leaves a scenario time to look at it."""
_ONE_LONG_BACK_OFF = RetryPolicy(initial_interval=timedelta(minutes=2))


class ActivitySteps:
    """One activity per step, each in its own kind of trouble."""

    async def activity(self) -> None:
        """Succeeds at once. The summary is the agent-level step."""
        await workflow.execute_activity(work, 0, start_to_close_timeout=LIMIT, summary="model 1")

    async def activity_third_time(self) -> None:
        """Fails twice."""
        await workflow.execute_activity(work, 2, start_to_close_timeout=LIMIT, retry_policy=SOON)

    async def activity_given_up(self) -> None:
        """Fails as often as it may."""
        try:
            await workflow.execute_activity(work, 9, start_to_close_timeout=LIMIT, retry_policy=_TWICE)
        except ActivityError:
            return

    async def activity_refused(self) -> None:
        """Says that it must not be retried."""
        try:
            await workflow.execute_activity(refuse, start_to_close_timeout=LIMIT)
        except ActivityError:
            return

    async def activity_refused_by_type(self) -> None:
        """The policy names its type of error."""
        policy = RetryPolicy(initial_interval=timedelta(milliseconds=50), non_retryable_error_types=["Refused"])
        try:
            await workflow.execute_activity(refuse, start_to_close_timeout=LIMIT, retry_policy=policy)
        except ActivityError:
            return

    async def activity_limited(self) -> None:
        """With a time limit that is not reached."""
        await asyncio.wait_for(workflow.execute_activity(work, 0, start_to_close_timeout=LIMIT), 200)

    async def activity_over_limit(self) -> None:
        """With a time limit that strikes and cancels it."""
        try:
            await asyncio.wait_for(workflow.execute_activity(hang, start_to_close_timeout=LIMIT), 1)
        except (TimeoutError, ActivityError):
            return

    async def activity_too_long(self) -> None:
        """Start-to-close, in the first attempt."""
        await workflow.execute_activity(hang_until, 2, start_to_close_timeout=timedelta(seconds=3), retry_policy=SOON)

    async def activity_never_taken(self) -> None:
        """Schedule-to-start: nobody works on that queue."""
        try:
            await workflow.execute_activity(
                work,
                0,
                task_queue=f"{workflow.info().task_queue}-nobody",
                schedule_to_start_timeout=timedelta(seconds=1),
                start_to_close_timeout=LIMIT,
            )
        except ActivityError:
            return

    async def activity_too_long_in_all(self) -> None:
        """Schedule-to-close: the third attempt would come after it, so the server gives up after the second."""
        policy = RetryPolicy(
            initial_interval=timedelta(milliseconds=100), backoff_coefficient=1_000, maximum_interval=timedelta(hours=1)
        )
        try:
            await workflow.execute_activity(
                work, 1_000, schedule_to_close_timeout=timedelta(seconds=30), retry_policy=policy
            )
        except ActivityError:
            return

    async def activity_silent(self) -> None:
        """Heartbeat time-out in the first attempt."""
        await workflow.execute_activity(
            beat_and_hang,
            start_to_close_timeout=LIMIT,
            heartbeat_timeout=timedelta(seconds=3),
            retry_policy=SOON,
        )

    async def activity_beating(self) -> None:
        """Three heartbeats at once."""
        await workflow.execute_activity(beat, start_to_close_timeout=LIMIT, heartbeat_timeout=timedelta(seconds=20))

    async def activity_beating_with_timeout(self) -> None:
        """Ten a second for 10 s, throttled to one per 0.8 x 5 s."""
        await workflow.execute_activity(
            beat_for, 10.0, start_to_close_timeout=LIMIT, heartbeat_timeout=timedelta(seconds=5)
        )

    async def activity_beating_without_timeout(self) -> None:
        """Ten a second for 2 s, throttled to one per 30 s."""
        await workflow.execute_activity(beat_for, 2.0, start_to_close_timeout=LIMIT)

    async def activity_beating_thrice(self) -> None:
        """Each of three attempts begins with a heartbeat that goes at once."""
        await workflow.execute_activity(
            beat_and_fail,
            2,
            start_to_close_timeout=LIMIT,
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=SOON,
        )

    async def activity_elsewhere(self) -> None:
        """Completed by a client."""
        await workflow.execute_activity(
            elsewhere, start_to_close_timeout=LIMIT, heartbeat_timeout=timedelta(seconds=60), activity_id="elsewhere"
        )

    async def activity_never(self) -> None:
        """Fails again and again."""
        await workflow.execute_activity(work, 1_000, start_to_close_timeout=LIMIT, retry_policy=_LONGER_AND_LONGER)

    async def activity_left_behind(self) -> None:
        """Nobody waits for it."""
        workflow.start_activity(work, 1_000, start_to_close_timeout=LIMIT, retry_policy=_LONGER_AND_LONGER)

    async def activity_backing_off(self) -> None:
        """Fails once and would wait two minutes."""
        await workflow.execute_activity(work, 1, start_to_close_timeout=LIMIT, retry_policy=_ONE_LONG_BACK_OFF)

    async def activity_sticking(self) -> None:
        """Hangs in its third attempt."""
        await workflow.execute_activity(stick_at_third, start_to_close_timeout=LIMIT, retry_policy=SOON)

    async def activity_cancelled(self) -> None:
        """Cancelled while it runs; another one lets a workflow task come between."""
        hanging = workflow.start_activity(hang, start_to_close_timeout=LIMIT)
        await self.activity()
        hanging.cancel()
        try:
            await hanging
        except ActivityError:
            return

    async def activity_cancelled_at_once(self) -> None:
        """Cancelled before the command went out."""
        never = workflow.start_activity(hang, start_to_close_timeout=LIMIT)
        never.cancel()
        try:
            await never
        except (ActivityError, asyncio.CancelledError):
            return

    async def activity_publishing(self) -> None:
        """Three batches on the workflow's own stream."""
        await workflow.execute_activity(publish, 3, start_to_close_timeout=LIMIT)
