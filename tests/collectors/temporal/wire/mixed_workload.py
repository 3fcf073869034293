"""A workflow with a bit of everything, and a worker for it."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import nexusrpc
import nexusrpc.handler
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE = "mixed"
_LIMIT = timedelta(seconds=60)
SOON = RetryPolicy(initial_interval=timedelta(milliseconds=20), backoff_coefficient=1)


@activity.defn
async def work(text: str) -> str:
    return text


@activity.defn
async def fail_twice() -> int:
    attempt = activity.info().attempt
    if attempt < 3:
        raise ApplicationError("not yet", category=ApplicationErrorCategory.BENIGN)
    return attempt


@activity.defn
async def beat() -> None:
    """Two heartbeats at once, of which the SDK lets only the first through."""
    activity.heartbeat(1)
    activity.heartbeat(2)
    await asyncio.sleep(0.3)


@activity.defn
def slow(seconds: float) -> None:
    time.sleep(seconds)


@nexusrpc.service
class Desk:
    answer: nexusrpc.Operation[int, str]


@nexusrpc.handler.service_handler(service=Desk)
class DeskHandler:
    @nexusrpc.handler.sync_operation
    async def answer(self, _context: nexusrpc.handler.StartOperationContext, _question: int) -> str:
        return "done"


@workflow.defn
class Echo:
    @workflow.run
    async def run(self, text: str) -> str:
        return text


@workflow.defn
class LongLocal:
    @workflow.run
    async def run(self, seconds: float) -> None:
        await workflow.execute_local_activity(slow, seconds, start_to_close_timeout=_LIMIT)


@workflow.defn
class LocalRetries:
    @workflow.run
    async def run(self, failures_seconds: float) -> None:
        await workflow.execute_local_activity(
            fail_slowly,
            failures_seconds,
            start_to_close_timeout=_LIMIT,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=200), backoff_coefficient=1, maximum_attempts=100
            ),
        )


_FIRST: dict[str, float] = {}


@activity.defn
async def fail_slowly(seconds: float) -> None:
    info = activity.info()
    first = _FIRST.setdefault(info.workflow_run_id or "", time.monotonic())
    if time.monotonic() - first < seconds:
        raise ApplicationError("not yet", category=ApplicationErrorCategory.BENIGN)


@workflow.defn
class Waiting:
    """Waits for its end; signals, queries and updates come and go."""

    def __init__(self) -> None:
        self._signals = 0
        self._ended = False

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self._ended)
        return self._signals

    @workflow.signal
    def note(self, _text: str = "") -> None:
        self._signals += 1

    @workflow.signal
    def end(self) -> None:
        self._ended = True

    @workflow.query
    def notes(self) -> int:
        return self._signals

    @workflow.query
    def broken(self) -> int:
        raise ApplicationError("this query fails")

    @workflow.update
    async def ask(self, text: str) -> str:
        return text

    @ask.validator
    def _ask_validator(self, text: str) -> None:
        if text == "bad":
            raise ApplicationError("no", category=ApplicationErrorCategory.BENIGN)


@workflow.defn
class Everything:
    @workflow.run
    async def run(self, again: bool) -> None:
        if again:
            workflow.continue_as_new(False)
        await workflow.execute_activity(work, "x", start_to_close_timeout=_LIMIT, summary="model call 3")
        await workflow.execute_activity(fail_twice, start_to_close_timeout=_LIMIT, retry_policy=SOON, summary="retry 1")
        await workflow.execute_activity(
            beat, start_to_close_timeout=_LIMIT, heartbeat_timeout=timedelta(seconds=20), summary="beat 1"
        )
        await workflow.sleep(0.01, summary="reminder 2")
        await workflow.execute_local_activity(work, "y", start_to_close_timeout=_LIMIT)
        workflow.upsert_memo({"note": "new"})
        await workflow.execute_child_workflow(Echo.run, "z", id=f"{workflow.info().workflow_id}-child")
        waiting = workflow.get_external_workflow_handle(f"{workflow.info().workflow_id}-waiting")
        await waiting.signal("note")
        await workflow.sleep(0.01)
        workflow.patched("better")
        await workflow.sleep(0.01)
        desk = workflow.create_nexus_client(service=Desk, endpoint=f"desk-{workflow.info().namespace}")
        await desk.execute_operation(Desk.answer, 1)


def worker(client: Client, **options: object) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[Everything, Echo, Waiting, LongLocal, LocalRetries],
        activities=[work, fail_twice, beat, slow, fail_slowly],
        nexus_service_handlers=[DeskHandler()],
        workflow_runner=UnsandboxedWorkflowRunner(),
        activity_executor=ThreadPoolExecutor(4),
        graceful_shutdown_timeout=timedelta(0),
        **options,
    )
