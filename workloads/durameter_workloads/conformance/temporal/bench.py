"""What a scenario drives its workflows with: a client, a worker on a task queue of its own, and ids of its own."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from durameter_collectors.temporal.runs import quoted
from durameter_workloads.conformance.common.judging import SurpriseError, expect, until
from durameter_workloads.conformance.temporal.workflows import ACTIVITIES, WORKFLOWS, DeskHandler, Steps

__all__ = ["BACKING_OFF", "RUNNING", "Bench", "Handle", "SurpriseError", "bench", "expect", "until", "worker"]

BACKING_OFF = PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
RUNNING = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED

Handle = WorkflowHandle[Steps, None]


class Bench:
    """One scenario's place on a server. Nothing it does by itself is billed."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._prefix = f"c{uuid.uuid4().hex[:10]}"
        self.task_queue = self._prefix

    def id(self, name: str) -> str:
        """The id that the scenario's own name stands for: two suites in one namespace do not meet."""
        return f"{self._prefix}-{name}"

    async def start(self, *steps: str, workflow: str = "root", **options: Any) -> Handle:
        """Start a workflow that does these steps."""
        settings: dict[str, Any] = {"task_queue": self.task_queue} | options
        return await self.client.start_workflow(Steps.run, list(steps), id=self.id(workflow), **settings)

    async def run(self, *steps: str, **options: Any) -> None:
        """The whole life of a workflow that needs nobody."""
        await (await self.start(*steps, **options)).result()

    def handle(self, workflow: str = "root", run: str | None = None) -> Handle:
        """The workflow that was started under this name."""
        return self.client.get_workflow_handle_for(Steps.run, self.id(workflow), run_id=run)

    async def finish(self, handle: Handle) -> None:
        """Tell a workflow that holds to finish (one signal), and see it end."""
        await handle.signal(Steps.finish)
        await handle.result()

    async def history(self, handle: Handle, kind: str) -> list[HistoryEvent]:
        """All events of that type so far."""
        wanted = EventType.Value(f"EVENT_TYPE_{kind}")
        return [e for e in (await handle.fetch_history()).events if e.event_type == wanted]

    async def events(self, handle: Handle, kind: str) -> list[int]:
        """Ids of all events of that type so far."""
        return [event.event_id for event in await self.history(handle, kind)]

    async def seen(self, handle: Handle, kind: str, times: int = 1) -> None:
        """Wait until the history has so many of them."""

        async def there() -> bool:
            return len(await self.events(handle, kind)) >= times

        await until(there, f"{times} {kind}")

    async def idle(self, handle: Handle) -> None:
        """Wait until no workflow task is open."""

        async def rests() -> bool:
            return not (await handle.describe()).raw_description.HasField("pending_workflow_task")

        await until(rests, "no open workflow task")

    async def pending(self, handle: Handle) -> list[PendingActivityInfo]:
        """Activities that have not closed."""
        return list((await handle.describe()).raw_description.pending_activities)

    async def at_attempt(self, handle: Handle, attempt: int, state: PendingActivityState.ValueType) -> None:
        """Wait for the one pending activity to be there."""

        async def there() -> bool:
            return [(a.attempt, a.state) for a in await self.pending(handle)] == [(attempt, state)]

        await until(there, f"attempt {attempt} in state {state}")

    async def runs(self, query: str) -> list[str]:
        """Ids of the runs of this bench that a list filter finds."""
        found = self.client.list_workflows(f"({query}) AND WorkflowId STARTS_WITH {quoted(self._prefix)}")
        return [each.run_id async for each in found]

    async def reset(self, handle: Handle, event: int) -> Handle:
        """Reset to a workflow task, named by the event that closed it; what came of it is the new run."""
        description = await handle.describe()
        answer = await self.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=description.run_id),
                reason="conformance",
                workflow_task_finish_event_id=event,
                request_id=uuid.uuid4().hex,
            )
        )
        return self.client.get_workflow_handle_for(Steps.run, handle.id, run_id=answer.run_id)


def worker(client: Client, task_queue: str, **options: Any) -> Worker:
    """A worker for all that the scenarios are made of."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=ACTIVITIES,
        nexus_service_handlers=[DeskHandler()],
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=timedelta(0),
        **options,
    )


@asynccontextmanager
async def bench(client: Client) -> AsyncIterator[Bench]:
    """A bench whose worker runs."""
    on = Bench(client)
    async with worker(client, on.task_queue):
        yield on
