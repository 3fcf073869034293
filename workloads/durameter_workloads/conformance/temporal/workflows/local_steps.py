"""Steps with local activities."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from durameter_workloads.conformance.temporal.workflows.activities import fail_late, last, work
from durameter_workloads.conformance.temporal.workflows.activity_steps import LIMIT, SOON

__all__ = ["LocalSteps"]


class LocalSteps:
    """Local activities, which a history shows as markers."""

    async def local(self) -> None:
        """Succeeds at once."""
        await workflow.execute_local_activity(work, 0, start_to_close_timeout=LIMIT)

    async def three_locals(self) -> None:
        """Three side by side."""
        await asyncio.gather(self.local(), self.local(), self.local())

    async def local_third_time(self) -> None:
        """Fails twice within one workflow task."""
        await workflow.execute_local_activity(work, 2, start_to_close_timeout=LIMIT, retry_policy=SOON)

    async def local_backing_off_by_timer(self) -> None:
        """Fails once; the back-off is longer than the SDK waits within a workflow task."""
        await workflow.execute_local_activity(
            work,
            1,
            start_to_close_timeout=LIMIT,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1)),
            local_retry_threshold=timedelta(milliseconds=100),
        )

    async def local_long(self) -> None:
        """10 s, beyond the workflow task's time."""
        await workflow.execute_local_activity(last, 10.0, start_to_close_timeout=LIMIT)

    async def local_very_long(self) -> None:
        """28 s, 4 s from the heartbeats before and after its end."""
        await workflow.execute_local_activity(last, 28.0, start_to_close_timeout=LIMIT)

    async def local_failing_late(self) -> None:
        """Fails after 6 s; the second attempt succeeds at once."""
        await self._failing_late(6, 0)

    async def local_failing_late_and_long(self) -> None:
        """Fails after 6 s; the second attempt takes 5 s."""
        await self._failing_late(6, 5)

    async def local_failing_early_and_long(self) -> None:
        """Fails at once; the second attempt takes 6 s."""
        await self._failing_late(0, 6)

    @staticmethod
    async def _failing_late(first: float, second: float) -> None:
        await workflow.execute_local_activity(
            fail_late, args=[first, second], start_to_close_timeout=LIMIT, retry_policy=SOON
        )
