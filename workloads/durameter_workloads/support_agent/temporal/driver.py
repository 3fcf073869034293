"""The drivers that play the user and the person who decides on refunds, one per way in which messages travel."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError

from durameter import Measured, Task, TaskFailedError, TemporalSession
from durameter_collectors.temporal.history import summary_of
from durameter_workloads.support_agent.options import SupportAgentOptions
from durameter_workloads.support_agent.process import alongside
from durameter_workloads.support_agent.provider import Decisions, Provider
from durameter_workloads.support_agent.shape import Conversation
from durameter_workloads.support_agent.spec import filler, message_step, send_reminder_step
from durameter_workloads.support_agent.temporal.agent import Agent
from durameter_workloads.support_agent.temporal.calls import Decision, MessageStart, ModelCalls, UserMessage
from durameter_workloads.support_agent.temporal.conversations import (
    OneMessage,
    Reminder,
    SignalledConversation,
    SupportConversation,
)

__all__ = ["MessageDriver", "SignalDriver", "TemporalDriver", "UpdateDriver"]

_Handle = WorkflowHandle[Any, Any]

_LOOK_SECONDS = 0.1
"""How often the driver reads the history while it waits for the agent. Reading is free."""


class TemporalDriver(ABC):
    """Reads histories to see when to act, which is free."""

    def __init__(
        self, session: TemporalSession, options: SupportAgentOptions, calls: ModelCalls, provider: Provider
    ) -> None:
        self.session = session
        self.options = options
        self.calls = calls
        self.flushed: Counter[str] = Counter()
        """Batches of streamed answers, by task: the publisher's own count."""
        self._provider = provider

    async def drive(self, task: Task, measured: Measured) -> None:
        """One conversation."""
        try:
            await self.converse(task, measured, Conversation.model_validate(task.shape))
        except WorkflowUpdateFailedError as error:
            raise TaskFailedError(f"a message was not answered: {error.cause}") from error
        except WorkflowFailureError as error:
            raise TaskFailedError(f"the conversation failed: {error.cause}") from error
        finally:
            measured.observed = self.observed(task.id)

    def observed(self, task: str) -> dict[str, float]:
        """What happened in one task by the model server's log and the publisher's own count."""
        batches = {} if self.calls.stream_ms is None else {"stream_batches": self.flushed[task]}
        return {**self._provider.observed(task), **batches}

    @abstractmethod
    async def converse(self, task: Task, measured: Measured, conversation: Conversation) -> None:
        """Say every message, and wait for every reply and reminder."""

    def user_message(self, conversation: Conversation, number: int) -> UserMessage:
        """The nth message of a conversation, from 1."""
        message = conversation.messages[number - 1]
        return UserMessage(
            number=number,
            text=filler(message.chars),
            last=number == len(conversation.messages),
            remind_after=self.options.reminder_seconds if message.reminder else None,
        )

    async def decide(self, handle: _Handle, conversation: Conversation, number: int) -> None:
        """Decide on each refund once its timer has started: a signal before it would save the agent the timer."""
        decisions: Decisions = self._provider.decisions(number, conversation.messages[number - 1])
        done: set[str] = set()
        while decisions.expected:
            for step in await _steps(handle, EventType.EVENT_TYPE_TIMER_STARTED):
                decision = decisions.on(step)
                if decision is None or step in done:
                    continue
                done.add(step)
                if decision != "timed_out":
                    await handle.signal(Agent.decide_refund, Decision(step, decision == "approved"))
            await asyncio.sleep(_LOOK_SECONDS)


class _OneWorkflow(TemporalDriver):
    """A conversation is one workflow."""

    workflow: type[SupportConversation] | type[SignalledConversation]

    async def converse(self, task: Task, measured: Measured, conversation: Conversation) -> None:
        """Start it, say every message, and wait for its end."""
        measured.started(task.id)
        handle = await self.session.client.start_workflow(
            self.workflow.__name__, self.calls, id=task.id, task_queue=self.session.task_queue
        )
        for number, message in enumerate(conversation.messages, 1):
            await alongside(
                self.say(handle, self.user_message(conversation, number)),
                self.decide(handle, conversation, number),
            )
            if message.reminder:
                await _until_reminded(handle, send_reminder_step(message_step(number)))
        await handle.result()

    @abstractmethod
    async def say(self, handle: _Handle, message: UserMessage) -> str:
        """Say one message and wait for its reply."""


class UpdateDriver(_OneWorkflow):
    """A message is an Update that returns the reply."""

    workflow = SupportConversation

    async def say(self, handle: _Handle, message: UserMessage) -> str:
        """Say one message and wait for its reply."""
        return await handle.execute_update(SupportConversation.message, message, id=message_step(message.number))


class SignalDriver(_OneWorkflow):
    """A message is a Signal; the reply is polled by Query. Queries are in no history, so they are counted here."""

    workflow = SignalledConversation

    def __init__(
        self, session: TemporalSession, options: SupportAgentOptions, calls: ModelCalls, provider: Provider
    ) -> None:
        super().__init__(session, options, calls, provider)
        self._queries: Counter[str] = Counter()

    def observed(self, task: str) -> dict[str, float]:
        """The queries that succeeded, beside the rest."""
        return {**super().observed(task), "queries": self._queries[task]}

    async def say(self, handle: _Handle, message: UserMessage) -> str:
        """Say one message and ask for its reply until it is there, or until the conversation has failed."""
        await handle.signal(SignalledConversation.message, message)
        end = asyncio.create_task(handle.result())
        try:
            while True:
                await asyncio.sleep(self.options.variants.reply_poll_ms / 1000)
                if end.done():
                    await end  # raises if it failed; a query under way is never given up, since it is billed
                reply = await handle.query(SignalledConversation.reply, message.number)
                self._queries[handle.id] += 1
                if reply is not None:
                    return reply
        finally:
            end.cancel()
            await asyncio.gather(end, return_exceptions=True)


class MessageDriver(TemporalDriver):
    """A message is a workflow whose result is the reply; this driver is the app that keeps the thread."""

    async def converse(self, task: Task, measured: Measured, conversation: Conversation) -> None:
        """Start a workflow per message, and one per reminder."""
        thread: list[dict[str, Any]] = []
        for number, message in enumerate(conversation.messages, 1):
            said = self.user_message(conversation, number)
            measured.started(root := f"{task.id}-message-{number}")
            handle = await self.session.client.start_workflow(
                OneMessage.run,
                MessageStart(task.id, said, self.calls, thread),
                id=root,
                task_queue=self.session.task_queue,
            )
            turn = await alongside(handle.result(), self.decide(handle, conversation, number))
            thread = turn.thread
            if message.reminder:
                measured.started(root := f"{task.id}-reminder-{number}")
                await self.session.client.execute_workflow(
                    Reminder.run,
                    message_step(number),
                    id=root,
                    task_queue=self.session.task_queue,
                    start_delay=timedelta(seconds=self.options.reminder_seconds),
                )


async def _until_reminded(handle: _Handle, step: str) -> None:
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
