"""A workflow that does the steps it is told, so that a scenario is one line of steps."""

import asyncio
from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError

from durameter_workloads.conformance.temporal.workflows.activity_steps import SOON
from durameter_workloads.conformance.temporal.workflows.attempts import Attempts
from durameter_workloads.conformance.temporal.workflows.desk import NexusSteps
from durameter_workloads.conformance.temporal.workflows.local_steps import LocalSteps

__all__ = ["Steps"]


@workflow.defn
class Steps(LocalSteps, NexusSteps):
    """Each step is a method, here or in a base class. `again` continues as new with the steps that are left."""

    @workflow.run
    async def run(self, steps: list[str]) -> None:
        """Do them one after the other."""
        for number, step in enumerate(steps):
            if step == "again":
                workflow.continue_as_new(steps[number + 1 :])
            method: Callable[[], Awaitable[None]] = getattr(self, step)
            await method()

    async def child(self) -> None:
        """One that ends at once."""
        await workflow.execute_child_workflow(Attempts.run, 1, id=self.own("child"))

    async def child_tree(self) -> None:
        """Two children, one of which has a child and an activity of its own."""
        await asyncio.gather(
            workflow.execute_child_workflow(Steps.run, ["child", "activity"], id=self.own("tree")), self.child()
        )

    async def child_retried(self) -> None:
        """One that succeeds in its second attempt."""
        await workflow.execute_child_workflow(Attempts.run, 2, id=self.own("child"), retry_policy=SOON)

    async def child_refused(self) -> None:
        """Its id is taken."""
        try:
            await workflow.start_child_workflow(Attempts.run, 1, id=self.own("other"))
        except WorkflowAlreadyStartedError:
            return

    async def child_failing(self) -> None:
        """One that fails for good."""
        try:
            await workflow.execute_child_workflow(
                Attempts.run, 2, id=self.own("child"), retry_policy=RetryPolicy(maximum_attempts=1)
            )
        except ChildWorkflowError:
            return

    async def child_waiting(self) -> None:
        """One with an activity that then waits for a signal."""
        await workflow.execute_child_workflow(Steps.run, ["activity", "hold"], id=self.own("child"))

    async def child_continuing(self) -> None:
        """One that continues as new."""
        await workflow.execute_child_workflow(Steps.run, ["activity", "again", "timer"], id=self.own("child"))

    async def child_signalled(self) -> None:
        """One that this workflow itself tells to finish."""
        child = await workflow.start_child_workflow(Steps.run, ["hold"], id=self.own("child"))
        await child.signal("finish")
        await child

    async def child_left_alive(self) -> None:
        """It outlives its parent."""
        await workflow.start_child_workflow(
            Steps.run, ["hold", "timer"], id=self.own("child"), parent_close_policy=workflow.ParentClosePolicy.ABANDON
        )

    async def child_never_started(self) -> None:
        """The command goes out together with the end of this workflow."""
        child = asyncio.create_task(
            workflow.start_child_workflow(
                Attempts.run, 1, id=self.own("child"), parent_close_policy=workflow.ParentClosePolicy.ABANDON
            )
        )
        await asyncio.sleep(0)
        del child

    async def signal_other(self) -> None:
        """To a workflow that this one did not start."""
        await workflow.get_external_workflow_handle(self.own("other")).signal("finish")

    async def cancel_other(self) -> None:
        """A workflow that this one did not start."""
        await workflow.get_external_workflow_handle(self.own("other")).cancel()
