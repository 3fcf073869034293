"""What a scenario drives its workflows with: a client and a worker in a namespace of its own."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from step_workflow import Attempts, DeskHandler, Steps, beat, refuse, stick_at_third, work
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest, ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE = "steps"
Handle = WorkflowHandle[Steps, None]


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask until it holds; servers offer nothing to wait on, and asking is free."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"never saw {what}")


class Bench:
    def __init__(self, client: Client) -> None:
        self.client = client

    async def start(self, *steps: str, workflow: str = "root", **options: object) -> Handle:
        return await self.client.start_workflow(Steps.run, list(steps), id=workflow, task_queue=QUEUE, **options)

    async def run(self, *steps: str) -> None:
        """The whole life of a workflow that needs nobody."""
        await (await self.start(*steps)).result()

    def handle(self, workflow: str = "root", run: str | None = None) -> Handle:
        return self.client.get_workflow_handle_for(Steps.run, workflow, run_id=run)

    async def events(self, handle: Handle, kind: str) -> list[int]:
        """Ids of all events of that type so far."""
        wanted = EventType.Value(f"EVENT_TYPE_{kind}")
        return [e.event_id for e in (await handle.fetch_history()).events if e.event_type == wanted]

    async def seen(self, handle: Handle, kind: str, times: int = 1) -> None:
        async def there() -> bool:
            return len(await self.events(handle, kind)) >= times

        await until(there, f"{times} {kind}")

    async def idle(self, handle: Handle) -> None:
        """Wait until no workflow task is open."""

        async def rests() -> bool:
            return not (await handle.describe()).raw_description.HasField("pending_workflow_task")

        await until(rests, "no open workflow task")

    async def pending(self, handle: Handle) -> list[PendingActivityInfo]:
        return list((await handle.describe()).raw_description.pending_activities)

    async def at_attempt(self, handle: Handle, attempt: int, state: int) -> None:
        """Wait for the one pending activity to be there."""

        async def there() -> bool:
            return [(a.attempt, a.state) for a in await self.pending(handle)] == [(attempt, state)]

        await until(there, f"attempt {attempt} in state {state}")

    async def reset(self, handle: Handle, event: int) -> Handle:
        """Reset to a workflow task, named by the event that closed it; what came of it is the new run."""
        description = await handle.describe()
        answer = await self.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=self.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=description.run_id),
                reason="test",
                workflow_task_finish_event_id=event,
                request_id=uuid.uuid4().hex,
            )
        )
        return self.handle(handle.id, answer.run_id)


@asynccontextmanager
async def bench(address: str) -> AsyncIterator[Bench]:
    """A bench with a worker, in a new namespace whose name needs no translation in the meter's labels."""
    namespace = f"scenario{uuid.uuid4().hex[:12]}"
    anywhere = await Client.connect(address)
    await anywhere.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=Duration(seconds=86_400))
    )
    client = await Client.connect(address, namespace=namespace)

    async def usable() -> bool:
        try:
            await client.count_workflows()
        except RPCError:
            return False
        return True

    await until(usable, "the namespace")
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[Steps, Attempts],
        activities=[work, refuse, beat, stick_at_third],
        nexus_service_handlers=[DeskHandler()],
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=timedelta(0),
    )
    async with worker:
        yield Bench(client)
