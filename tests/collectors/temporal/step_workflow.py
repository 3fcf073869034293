"""A workflow that does the steps it is told, so that a scenario is one line of steps."""

import asyncio
from datetime import timedelta

import nexusrpc
import nexusrpc.handler
from temporalio import activity, nexus, workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ApplicationErrorCategory,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
)

COLOUR = SearchAttributeKey.for_keyword("Colour")
SIZE = SearchAttributeKey.for_int("Size")

_LIMIT = timedelta(seconds=30)
_SOON = RetryPolicy(initial_interval=timedelta(milliseconds=50), backoff_coefficient=1)
_LONGER_AND_LONGER = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), backoff_coefficient=10, maximum_interval=timedelta(seconds=20)
)
"""0.1 s, 1 s, 10 s: the third back-off leaves a test time to look at it."""


@activity.defn
async def work(failures: int = 0) -> str:
    """Fail so many times, then succeed."""
    if activity.info().attempt <= failures:
        raise ApplicationError("not yet", category=ApplicationErrorCategory.BENIGN)
    return "done"


@activity.defn
async def refuse() -> None:
    raise ApplicationError("never", non_retryable=True, category=ApplicationErrorCategory.BENIGN)


@activity.defn
async def beat() -> None:
    """Three heartbeats at once, of which the SDK lets only the first through."""
    for _ in range(3):
        activity.heartbeat()


@activity.defn
async def stick_at_third() -> None:
    """Fail twice, then never end."""
    if activity.info().attempt <= 2:
        raise ApplicationError("not yet", category=ApplicationErrorCategory.BENIGN)
    await asyncio.Event().wait()


@workflow.defn
class Attempts:
    """Succeeds in the given attempt of the whole workflow."""

    @workflow.run
    async def run(self, successful: int) -> str:
        if workflow.info().attempt < successful:
            raise ApplicationError("not yet", category=ApplicationErrorCategory.BENIGN)
        return "done"


@nexusrpc.service
class Desk:
    answer: nexusrpc.Operation[int, str]
    handle: nexusrpc.Operation[int, str]


@nexusrpc.handler.service_handler(service=Desk)
class DeskHandler:
    @nexusrpc.handler.sync_operation
    async def answer(self, _context: nexusrpc.handler.StartOperationContext, _question: int) -> str:
        return "done"

    @nexus.workflow_run_operation
    async def handle(self, context: nexus.WorkflowRunOperationContext, attempt: int) -> nexus.WorkflowHandle[str]:
        return await context.start_workflow(Attempts.run, attempt, id="handled")


@workflow.defn
class Steps:
    """Each step is a method below."""

    def __init__(self) -> None:
        self._pokes = 0
        self._finished = False

    @workflow.run
    async def run(self, steps: list[str]) -> None:
        for number, step in enumerate(steps):
            if step == "again":
                workflow.continue_as_new(steps[number + 1 :])
            await getattr(self, step)()

    @workflow.signal
    def poke(self) -> None:
        self._pokes += 1

    @workflow.signal
    def finish(self) -> None:
        self._finished = True

    @workflow.query
    def pokes(self) -> int:
        return self._pokes

    @workflow.update
    async def ask(self, _question: str) -> str:
        return "answer"

    @ask.validator
    def _ask_validator(self, _question: str) -> None:
        if _question == "bad":
            raise ValueError("no")

    async def activity(self) -> None:
        await workflow.execute_activity(work, 0, start_to_close_timeout=_LIMIT, summary="model 1")

    async def activity_third_time(self) -> None:
        await workflow.execute_activity(work, 2, start_to_close_timeout=_LIMIT, retry_policy=_SOON)

    async def activity_refused(self) -> None:
        try:
            await workflow.execute_activity(refuse, start_to_close_timeout=_LIMIT)
        except ActivityError:
            return

    async def activity_limited(self) -> None:
        await asyncio.wait_for(workflow.execute_activity(work, 0, start_to_close_timeout=_LIMIT), 20)

    async def activity_beating(self) -> None:
        await workflow.execute_activity(beat, start_to_close_timeout=_LIMIT, heartbeat_timeout=timedelta(seconds=20))

    async def activity_never(self) -> None:
        await workflow.execute_activity(work, 1_000, start_to_close_timeout=_LIMIT, retry_policy=_LONGER_AND_LONGER)

    async def activity_left_behind(self) -> None:
        workflow.start_activity(work, 1_000, start_to_close_timeout=_LIMIT, retry_policy=_LONGER_AND_LONGER)

    async def activity_sticking(self) -> None:
        await workflow.execute_activity(stick_at_third, start_to_close_timeout=_LIMIT, retry_policy=_SOON)

    async def timer(self) -> None:
        await workflow.sleep(0.01)

    async def timer_cancelled(self) -> None:
        timer = asyncio.create_task(workflow.sleep(60))
        await self.activity()
        timer.cancel()

    async def timer_cancelled_at_once(self) -> None:
        timer = asyncio.create_task(workflow.sleep(60))
        await asyncio.sleep(0)
        timer.cancel()

    async def condition_true(self) -> None:
        await workflow.wait_condition(lambda: True, timeout=_LIMIT)

    async def condition_poked(self) -> None:
        await workflow.wait_condition(lambda: self._pokes > 0, timeout=_LIMIT)

    async def condition_late(self) -> None:
        try:
            await workflow.wait_condition(lambda: False, timeout=timedelta(milliseconds=10))
        except TimeoutError:
            return

    async def local(self) -> None:
        await workflow.execute_local_activity(work, 0, start_to_close_timeout=_LIMIT)

    async def three_locals(self) -> None:
        await asyncio.gather(self.local(), self.local(), self.local())

    async def patch(self) -> None:
        workflow.patched("better")

    async def patch_too(self) -> None:
        """In a workflow task of its own, when a timer comes before and after it."""
        await self.timer()
        workflow.patched("better too")
        await self.timer()

    async def attributes(self) -> None:
        workflow.upsert_search_attributes([COLOUR.value_set("red"), SIZE.value_set(3)])

    async def memo(self) -> None:
        workflow.upsert_memo({"note": "new"})

    async def child(self) -> None:
        await workflow.execute_child_workflow(Attempts.run, 1, id="child")

    async def child_retried(self) -> None:
        await workflow.execute_child_workflow(Attempts.run, 2, id="child", retry_policy=_SOON)

    async def child_refused(self) -> None:
        try:
            await workflow.start_child_workflow(Attempts.run, 1, id="other")
        except WorkflowAlreadyStartedError:
            return

    async def child_failing(self) -> None:
        try:
            await workflow.execute_child_workflow(
                Attempts.run, 2, id="child", retry_policy=RetryPolicy(maximum_attempts=1)
            )
        except ChildWorkflowError:
            return

    async def child_waiting(self) -> None:
        await workflow.execute_child_workflow(Steps.run, ["activity", "hold"], id="child")

    async def child_left_alive(self) -> None:
        await workflow.start_child_workflow(
            Steps.run, ["hold", "timer"], id="child", parent_close_policy=workflow.ParentClosePolicy.ABANDON
        )

    async def child_never_started(self) -> None:
        """The command goes out together with the end of this workflow."""
        child = asyncio.create_task(
            workflow.start_child_workflow(
                Attempts.run, 1, id="child", parent_close_policy=workflow.ParentClosePolicy.ABANDON
            )
        )
        await asyncio.sleep(0)
        del child

    async def signal_other(self) -> None:
        await workflow.get_external_workflow_handle("other").signal("finish")

    async def nexus_answer(self) -> None:
        await self._desk().execute_operation(Desk.answer, 1)

    async def nexus_workflow(self) -> None:
        await self._desk().execute_operation(Desk.handle, 1)

    @staticmethod
    def _desk() -> workflow.NexusClient[Desk]:
        return workflow.create_nexus_client(service=Desk, endpoint=f"desk-{workflow.info().namespace}")

    async def wait(self) -> None:
        """For one poke."""
        await workflow.wait_condition(lambda: self._pokes > 0)
        self._pokes -= 1

    async def hold(self) -> None:
        await workflow.wait_condition(lambda: self._finished)
