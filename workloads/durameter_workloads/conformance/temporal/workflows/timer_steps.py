"""Steps with timers, also implicit ones."""

import asyncio
from datetime import timedelta

from temporalio import workflow

from durameter_workloads.conformance.temporal.workflows.activity_steps import LIMIT, ActivitySteps
from durameter_workloads.conformance.temporal.workflows.messages import Messages

__all__ = ["TimerSteps"]


class TimerSteps(ActivitySteps, Messages):
    """A timer per step, or none where none is needed."""

    async def timer(self) -> None:
        """A short one."""
        await workflow.sleep(0.01)

    async def timer_cancelled(self) -> None:
        """Started, and cancelled in a later workflow task."""
        timer = asyncio.create_task(workflow.sleep(60))
        await self.activity()
        timer.cancel()

    async def timer_cancelled_at_once(self) -> None:
        """Cancelled before the command went out."""
        timer = asyncio.create_task(workflow.sleep(60))
        await asyncio.sleep(0)
        timer.cancel()

    async def condition_true(self) -> None:
        """Nothing to wait for."""
        await workflow.wait_condition(lambda: True, timeout=LIMIT)

    async def condition_poked(self) -> None:
        """Met by a signal."""
        await workflow.wait_condition(lambda: self._pokes > 0, timeout=LIMIT)

    async def condition_late(self) -> None:
        """Never met."""
        try:
            await workflow.wait_condition(lambda: False, timeout=timedelta(milliseconds=10))
        except TimeoutError:
            return
