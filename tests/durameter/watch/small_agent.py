"""A small program with the plain SDK, as `durameter watch` gets it: the first argument says what it does."""

import asyncio
import os
import signal
import sys
from datetime import timedelta

import nexusrpc
from temporalio import activity, nexus, workflow
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import CreateNexusEndpointRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    ScheduleState,
)
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE = "small"
ENDPOINT = "watched-endpoint"


@activity.defn
async def greet(name: str) -> str:
    return name


@workflow.defn
class Empty:
    @workflow.run
    async def run(self) -> None: ...

    @workflow.query
    def word(self) -> str:
        return "yes"


@workflow.defn
class Greeting:
    @workflow.run
    async def run(self, name: str) -> str:
        return await workflow.execute_activity(greet, name, start_to_close_timeout=timedelta(seconds=5))


@workflow.defn
class Twice:
    @workflow.run
    async def run(self, rounds: int) -> None:
        if rounds > 1:
            workflow.continue_as_new(rounds - 1)


@workflow.defn
class Waits:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(3600)


@workflow.defn
class Fails:
    @workflow.run
    async def run(self) -> None:
        raise ApplicationError("no such order", non_retryable=True)


@workflow.defn
class Parent:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_child_workflow(Empty.run, id=f"{workflow.info().workflow_id}/child")


@nexusrpc.service
class Service:
    work: nexusrpc.Operation[str, str]


@nexusrpc.handler.service_handler(service=Service)
class Handler:
    @nexus.workflow_run_operation
    async def work(self, context: nexus.WorkflowRunOperationContext, name: str) -> nexus.WorkflowHandle[str]:
        return await context.start_workflow(Greeting.run, name, id=f"nexus-{name}")


@workflow.defn
class Caller:
    @workflow.run
    async def run(self) -> None:
        client = workflow.create_nexus_client(service=Service, endpoint=ENDPOINT)
        await client.execute_operation(Service.work, "x")


@workflow.defn
class Tells:
    @workflow.run
    async def run(self, whom: str) -> None:
        await workflow.get_external_workflow_handle(whom).signal("told")


WORKFLOWS = [Empty, Greeting, Twice, Waits, Fails, Parent, Caller, Tells]


async def connect() -> Client:
    return await Client.connect(os.environ["TEMPORAL_ADDRESS"], namespace=os.environ["TEMPORAL_NAMESPACE"])


def worker(client: Client) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=WORKFLOWS,
        activities=[greet],
        nexus_service_handlers=[Handler()],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


async def everything(client: Client) -> None:
    """All kinds of roots."""
    await client.execute_workflow(Twice.run, 2, id="chain", task_queue=QUEUE)
    for _ in range(2):
        await client.execute_workflow(Empty.run, id="reused", task_queue=QUEUE)
    await client.get_workflow_handle("reused").query(Empty.word)
    await client.execute_workflow(Parent.run, id="parent", task_queue=QUEUE)
    await client.execute_activity(
        greet, "you", id="alone", task_queue=QUEUE, start_to_close_timeout=timedelta(seconds=5)
    )
    target = EndpointTarget(worker=EndpointTarget.Worker(namespace=client.namespace, task_queue=QUEUE))
    await client.operator_service.create_nexus_endpoint(
        CreateNexusEndpointRequest(spec=EndpointSpec(name=ENDPOINT, target=target))
    )
    await client.execute_workflow(Caller.run, id="caller", task_queue=QUEUE)
    nightly = await client.create_schedule(
        "nightly",
        Schedule(
            action=ScheduleActionStartWorkflow(Empty.run, id="nightly-run", task_queue=QUEUE),
            spec=ScheduleSpec(),
            state=ScheduleState(paused=True),
        ),
    )
    await nightly.trigger()
    while not [each async for each in client.list_workflows("TemporalScheduledById = 'nightly'") if each.close_time]:
        await asyncio.sleep(0.2)


async def failing(client: Client) -> None:
    """One that fails, one that waits for ever."""
    await client.start_workflow(Waits.run, id="waits", task_queue=QUEUE)
    await client.start_workflow(Fails.run, id="fails", task_queue=QUEUE)
    await asyncio.sleep(1)


async def orders(client: Client) -> None:
    """Tasks until Ctrl-C, which lets the one that is under way end."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)
    number = 0
    while not stopped.is_set():
        await client.execute_workflow(Empty.run, id=f"order-{number}", task_queue=QUEUE)
        print(f"order {number} done", flush=True)
        number += 1
        await asyncio.sleep(0.1)


async def three(client: Client) -> None:
    """Three tasks with memos, and one of them with nothing."""
    for number in range(3):
        memo = {"conversation": f"c{number % 2}"} if number < 2 else None
        await client.execute_workflow(Empty.run, id=f"talk-{number}", task_queue=QUEUE, memo=memo)


async def telling(client: Client) -> None:
    """Signals somebody else's workflow."""
    await client.execute_workflow(Tells.run, "theirs", id="tells", task_queue=QUEUE)


async def start_only(client: Client) -> None:
    """Nobody works on it."""
    await client.start_workflow(Empty.run, id="nobody", task_queue="a-queue-without-a-worker")


async def main(what: str) -> None:
    client = await connect()
    if what == "start_only":
        await start_only(client)
    elif what == "wait_for_work":
        async with worker(client):
            await asyncio.sleep(3600)
    elif what == "start_and_go":
        await client.start_workflow(Greeting.run, "you", id="in-background", task_queue=QUEUE)
    else:
        async with worker(client):
            await globals()[what](client)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1]))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # with SDK threads, the interpreter's finalization may die (temporalio/sdk-python issue 300)
