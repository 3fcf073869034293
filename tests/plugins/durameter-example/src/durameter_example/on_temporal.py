"""Orders on Temporal."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from temporalio.worker import Worker

from durameter import Driver, Implementation, Measured, RunContext, Task, TemporalSession
from durameter_example.order_workflow import Activities, Order, OrderWorkflow


class OnTemporal(Implementation[TemporalSession]):
    """A workflow per order; items are packed by an activity each, or by one for all."""

    engine = "temporal"

    def __init__(self, variant: str, payment_failures: int) -> None:
        self.variant = variant
        self._failures = payment_failures

    @asynccontextmanager
    async def running(self, session: TemporalSession, tasks: Sequence[Task], run: RunContext) -> AsyncIterator[Driver]:
        """Run the worker while tasks are driven."""
        acts = Activities(self._failures)

        async def drive(task: Task, measured: Measured) -> None:
            order = Order(task.id, int(task.covariates["items"]), at_once=self.variant == "at_once")
            measured.started(task.id)
            await session.client.execute_workflow(OrderWorkflow.run, order, id=task.id, task_queue=session.task_queue)
            measured.observed = {"payment_failures": self._failures}

        async with Worker(
            session.client,
            task_queue=session.task_queue,
            workflows=[OrderWorkflow],
            activities=[acts.pay, acts.pack, acts.send],
        ):
            yield drive
