"""A workflow with a stream that others publish on and subscribe to."""

from temporalio import workflow
from temporalio.contrib.workflow_streams import WorkflowStream

from durameter_workloads.conformance.temporal.workflows.activity_steps import ActivitySteps
from durameter_workloads.conformance.temporal.workflows.messages import Messages

__all__ = ["Streaming"]


@workflow.defn
class Streaming(ActivitySteps, Messages):
    """Publishes some words itself, calls a publishing activity if asked, and waits to be told to finish."""

    @workflow.init
    def __init__(self, _own_words: int, _activities: int) -> None:
        """Take part in a stream."""
        super().__init__()
        self._stream = WorkflowStream()

    @workflow.run
    async def run(self, own_words: int, activities: int) -> None:
        """The whole workflow."""
        words = self._stream.topic("words", type=str)
        for number in range(own_words):
            words.publish(f"word {number}")
        for _ in range(activities):
            await self.activity_publishing()
        await workflow.wait_condition(lambda: self._finished)
        self._stream.detach_pollers()
        await workflow.wait_condition(workflow.all_handlers_finished)
