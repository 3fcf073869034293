"""The agent on Temporal, variant `update`: worker, activities, and the driver that plays the user."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from durameter import Driver, Implementation, Measured, RunContext, Task, TaskFailedError, TemporalSession
from durameter_collectors.temporal.history import summary_of
from durameter_workloads.support_agent.model import Model, ModelCallError
from durameter_workloads.support_agent.options import SupportAgentOptions
from durameter_workloads.support_agent.provider import Decisions, Provider, serve_provider
from durameter_workloads.support_agent.shape import Conversation, Message
from durameter_workloads.support_agent.spec import AssistantTurn, message_step, send_reminder_step
from durameter_workloads.support_agent.temporal_workflow import (
    Decision,
    ModelRequest,
    Specialist,
    SupportConversation,
    UserMessage,
)
from durameter_workloads.support_agent.tools import TOOL_NAMES, filler, run_tool
from durameter_workloads.support_agent.waiting import alongside

__all__ = ["UpdateConversations"]

_Handle = WorkflowHandle[Any, Any]

_LOOK_SECONDS = 0.1
"""How often the driver reads the history while it waits for the agent. Reading is free."""


def _activities(model: Model) -> list[Callable[..., Any]]:
    """`call_model`, one activity per tool, and `send_reminder`."""

    @activity.defn
    async def call_model(request: ModelRequest) -> AssistantTurn:
        try:
            return await model.call(request.user, request.messages)
        except ModelCallError as error:
            wait = None if error.retry_after is None else timedelta(seconds=error.retry_after)
            raise ApplicationError(str(error), type="ModelCallError", next_retry_delay=wait) from error

    @activity.defn
    async def send_reminder() -> None:
        """Would send a mail."""

    def tool(name: str) -> Callable[..., Any]:
        @activity.defn(name=name)
        async def use(arguments: dict[str, Any]) -> str:
            return run_tool(name, arguments)

        return use

    return [call_model, send_reminder, *(tool(name) for name in TOOL_NAMES)]


class UpdateConversations(Implementation[TemporalSession]):
    """One workflow per conversation; each message is an Update that returns the reply."""

    engine = "temporal"
    variant = "update"

    def __init__(self, options: SupportAgentOptions) -> None:
        self._options = options

    @asynccontextmanager
    async def running(self, session: TemporalSession, tasks: Sequence[Task], run: RunContext) -> AsyncIterator[Driver]:
        """Run a worker and the model server."""
        async with (
            serve_provider(self._options, tasks, run.folder, seed=run.seed) as provider,
            Worker(
                session.client,
                task_queue=session.task_queue,
                workflows=[SupportConversation, Specialist],
                activities=_activities(provider.model),
            ),
        ):
            yield _Driver(session, self._options, provider).drive


class _Driver:
    """Plays the user and the person who decides on refunds. Reads histories to see when, which is free."""

    def __init__(self, session: TemporalSession, options: SupportAgentOptions, provider: Provider) -> None:
        self._session = session
        self._options = options
        self._provider = provider

    async def drive(self, task: Task, measured: Measured) -> None:
        """One conversation."""
        conversation = Conversation.model_validate(task.shape)
        measured.started(task.id)
        handle = await self._session.client.start_workflow(
            SupportConversation.run, id=task.id, task_queue=self._session.task_queue
        )
        try:
            for number, message in enumerate(conversation.messages, 1):
                await self._say(handle, conversation, number, message)
            await handle.result()
        except WorkflowUpdateFailedError as error:
            raise TaskFailedError(f"a message was not answered: {error.cause}") from error
        except WorkflowFailureError as error:
            raise TaskFailedError(f"the conversation failed: {error.cause}") from error
        finally:
            measured.observed = self._provider.observed(task.id)

    async def _say(self, handle: _Handle, conversation: Conversation, number: int, message: Message) -> None:
        said = UserMessage(
            number=number,
            text=filler(message.chars),
            last=number == len(conversation.messages),
            remind_after=self._options.reminder_seconds if message.reminder else None,
        )
        await alongside(
            handle.execute_update(SupportConversation.message, said, id=message_step(number)),
            self._decide(handle, self._provider.decisions(number, message)),
        )
        if message.reminder:
            await self._until_reminded(handle, send_reminder_step(message_step(number)))

    async def _decide(self, handle: _Handle, decisions: Decisions) -> None:
        """Decide on each refund once its timer has started: a signal before it would save the agent the timer."""
        done: set[str] = set()
        while decisions.expected:
            for step in await _steps(handle, EventType.EVENT_TYPE_TIMER_STARTED):
                decision = decisions.on(step)
                if decision is None or step in done:
                    continue
                done.add(step)
                if decision != "timed_out":
                    await handle.signal(SupportConversation.decide_refund, Decision(step, decision == "approved"))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _until_reminded(self, handle: _Handle, step: str) -> None:
        """Stay silent until the reminder has been sent."""
        while step not in await _steps(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED):
            await asyncio.sleep(_LOOK_SECONDS)


async def _steps(handle: _Handle, event_type: EventType.ValueType) -> list[str]:
    """Agent-level steps of all events of one type in the history so far."""
    events = (await handle.fetch_history()).events
    scheduled = {event.event_id: summary_of(event) for event in events}
    return [
        scheduled[event.activity_task_completed_event_attributes.scheduled_event_id]
        if event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
        else summary_of(event)
        for event in events
        if event.event_type == event_type
    ]
