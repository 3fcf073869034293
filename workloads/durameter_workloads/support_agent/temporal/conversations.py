"""The agent's workflows, one class per way in which messages and replies travel."""

from functools import partial

from temporalio import workflow

from durameter_workloads.support_agent.temporal.agent import Agent
from durameter_workloads.support_agent.temporal.calls import (
    MessageStart,
    MessageTurn,
    ModelCalls,
    UserMessage,
    send_reminder,
)

__all__ = ["OneMessage", "Reminder", "SignalledConversation", "SupportConversation"]


@workflow.defn
class SupportConversation(Agent):
    """One conversation, from the first message to the last reply; a message is an Update that returns the reply."""

    @workflow.init
    def __init__(self, calls: ModelCalls) -> None:
        super().__init__(workflow.info().workflow_id, calls)
        self._heard = 0
        self._over = False
        self._silent_after: UserMessage | None = None

    @workflow.run
    async def run(self, _calls: ModelCalls) -> int:
        """Wait for messages, remind a silent user, and return the number of messages after the last reply."""
        while not self._over:
            await workflow.wait_condition(lambda: self._over or self._silent_after is not None)
            if self._silent_after is not None:
                silent, self._silent_after = self._silent_after, None
                await self.remind(silent, partial(self._heard_more_than, silent.number))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._heard

    @workflow.update
    async def message(self, message: UserMessage) -> str:
        """Take one user message through its turn; return the reply."""
        self._heard = message.number
        reply = await self.take(message)
        self._over = message.last
        if message.remind_after is not None:
            self._silent_after = message
        return reply

    @message.validator
    def _not_empty(self, message: UserMessage) -> None:
        if not message.text:
            raise ValueError("an empty message is refused")

    @workflow.query
    def heard(self) -> int:
        """Number of messages that have come."""
        return self._heard

    def _heard_more_than(self, number: int) -> bool:
        return self._heard > number


@workflow.defn
class SignalledConversation(Agent):
    """One conversation; a message is a Signal, and the reply is asked for by Query until it is there."""

    @workflow.init
    def __init__(self, calls: ModelCalls) -> None:
        super().__init__(workflow.info().workflow_id, calls)
        self._inbox: list[UserMessage] = []
        self._replies: dict[int, str] = {}

    @workflow.run
    async def run(self, _calls: ModelCalls) -> int:
        """Take the messages one after the other, and return their number after the last reply."""
        while True:
            await workflow.wait_condition(lambda: bool(self._inbox))
            message = self._inbox.pop(0)
            self._replies[message.number] = await self.take(message)
            if message.last:
                return message.number
            if message.remind_after is not None:
                await self.remind(message, lambda: bool(self._inbox))

    @workflow.signal
    def message(self, message: UserMessage) -> None:
        """The user wrote a message."""
        self._inbox.append(message)

    @workflow.query
    def reply(self, number: int) -> str | None:
        """The reply to the nth message, if it is there."""
        return self._replies.get(number)


@workflow.defn
class OneMessage(Agent):
    """One message, in a workflow of its own; the app keeps the thread."""

    @workflow.init
    def __init__(self, start: MessageStart) -> None:
        super().__init__(start.task, start.calls, start.thread)

    @workflow.run
    async def run(self, start: MessageStart) -> MessageTurn:
        """Take the message through its turn."""
        return MessageTurn(await self.take(start.message), self._thread)


@workflow.defn
class Reminder:
    """A reminder to a silent user, started with a delay."""

    @workflow.run
    async def run(self, turn: str) -> None:
        """The user was silent after this turn."""
        await send_reminder(turn)
