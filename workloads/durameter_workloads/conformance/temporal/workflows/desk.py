"""A Nexus service for the scenarios, and steps that call it."""

import asyncio
from datetime import timedelta

import nexusrpc
import nexusrpc.handler
from temporalio import nexus, workflow
from temporalio.exceptions import NexusOperationError

from durameter_workloads.conformance.temporal.workflows.attempts import Attempts
from durameter_workloads.conformance.temporal.workflows.change_steps import ChangeSteps

__all__ = ["Desk", "DeskHandler", "Handled", "NexusSteps", "endpoint_of"]

_asked: dict[str, int] = {}
"""Id of an operation → how often its handler was called."""


def endpoint_of(task_queue: str) -> str:
    """Name of the endpoint that leads to the worker of this queue."""
    return f"desk-{task_queue}"


@workflow.defn
class Handled:
    """Runs until it is cancelled."""

    @workflow.run
    async def run(self) -> str:
        """The whole workflow."""
        await asyncio.Event().wait()
        return "never"


@nexusrpc.service
class Desk:
    """One operation per way to answer. The input is the id of the workflow to start, where one is."""

    answer: nexusrpc.Operation[str, str]
    answer_third_time: nexusrpc.Operation[str, str]
    by_workflow: nexusrpc.Operation[str, str]
    without_end: nexusrpc.Operation[str, str]


@nexusrpc.handler.service_handler(service=Desk)
class DeskHandler:
    """Answers at the worker of the same task queue."""

    @nexusrpc.handler.sync_operation
    async def answer(self, _context: nexusrpc.handler.StartOperationContext, _name: str) -> str:
        """At once."""
        return "done"

    @nexusrpc.handler.sync_operation
    async def answer_third_time(self, _context: nexusrpc.handler.StartOperationContext, name: str) -> str:
        """Not before it is asked a third time."""
        _asked[name] = _asked.get(name, 0) + 1
        if _asked[name] < 3:
            raise nexusrpc.HandlerError("not yet", type=nexusrpc.HandlerErrorType.UNAVAILABLE)
        return "done"

    @nexus.workflow_run_operation
    async def by_workflow(self, context: nexus.WorkflowRunOperationContext, name: str) -> nexus.WorkflowHandle[str]:
        """By a workflow that ends at once."""
        return await context.start_workflow(Attempts.run, 1, id=name)

    @nexus.workflow_run_operation
    async def without_end(self, context: nexus.WorkflowRunOperationContext, name: str) -> nexus.WorkflowHandle[str]:
        """By a workflow that has to be cancelled."""
        return await context.start_workflow(Handled.run, id=name)


class NexusSteps(ChangeSteps):
    """One operation per step."""

    async def nexus_answer(self) -> None:
        """Answered at once."""
        await self._desk().execute_operation(Desk.answer, self.own("answer"))

    async def nexus_third_time(self) -> None:
        """The server asks the handler three times."""
        await self._desk().execute_operation(Desk.answer_third_time, self.own("answer"))

    async def nexus_workflow(self) -> None:
        """The handler starts a workflow."""
        await self._desk().execute_operation(Desk.by_workflow, self.own("handled"))

    async def nexus_cancelled(self) -> None:
        """Cancelled once the handler's workflow runs."""
        operation = await self._desk().start_operation(
            Desk.without_end, self.own("handled"), schedule_to_close_timeout=timedelta(minutes=5)
        )
        operation.cancel()
        try:
            await operation
        except NexusOperationError:
            return

    @staticmethod
    def _desk() -> workflow.NexusClient[Desk]:
        return workflow.create_nexus_client(service=Desk, endpoint=endpoint_of(workflow.info().task_queue))
