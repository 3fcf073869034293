"""The drivers that play the user and the person who decides on refunds, one per way in which messages travel."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

import inngest

from durameter import InngestSession, Measured, Task, TaskFailedError
from durameter_collectors.inngest.api.graphql import ENDED
from durameter_collectors.inngest.trace import StepRecord, steps_of
from durameter_workloads.support_agent.inngest.names import Names
from durameter_workloads.support_agent.inngest.steps import AgentSteps
from durameter_workloads.support_agent.options import SupportAgentOptions
from durameter_workloads.support_agent.process import alongside
from durameter_workloads.support_agent.provider import Decisions, Provider
from durameter_workloads.support_agent.shape import Conversation, Message
from durameter_workloads.support_agent.spec import await_step, filler, message_step

__all__ = ["ConversationDriver", "InngestDriver", "MessageDriver"]

_Data = dict[str, str | int | float | None]

_LOOK_SECONDS = 0.2
"""How often the driver looks at a run while it waits. Reading is free."""
_WATCH_SECONDS = 2.0
"""How often it looks whether a run has failed, while it waits for the reply that nearly always comes."""


class InngestDriver(ABC):
    """Sends events and reads GraphQL, which is free."""

    def __init__(
        self,
        session: InngestSession,
        client: inngest.Inngest,
        names: Names,
        steps: AgentSteps,
        provider: Provider,
        options: SupportAgentOptions,
    ) -> None:
        self.names = names
        self._api = session.api
        self._client = client
        self._steps = steps
        self._provider = provider
        self._options = options

    async def drive(self, task: Task, measured: Measured) -> None:
        """One conversation."""
        try:
            await self.converse(measured, Conversation.model_validate(task.shape))
        finally:
            batches = self._steps.published[task.id]
            streamed = {"stream_batches": batches} if batches else {}
            measured.observed = {**self._provider.observed(task.id), **streamed}

    @abstractmethod
    async def converse(self, measured: Measured, conversation: Conversation) -> None:
        """Say every message, and wait for every reply and reminder."""

    async def say(self, event: str, measured: Measured, conversation: Conversation, number: int) -> str:
        """Send the nth message, from 1, by an event of this name. Returns the event's id."""
        message = conversation.messages[number - 1]
        data: _Data = {
            "task": measured.task.id,
            "message": number,
            "text": filler(message.chars),
            "last": number == len(conversation.messages),
            "remind_after": self._options.reminder_seconds if message.reminder else None,
        }
        return await self._send(event, data, measured)

    async def until_answered(self, measured: Measured, number: int, message: Message, event: str) -> None:
        """Wait for the reply to the nth message, and decide on what is asked until then."""
        await alongside(
            alongside(self._steps.threads.replied(measured.task.id, number), self._until_failed(event)),
            self._decide(measured, event, self._provider.decisions(number, message)),
        )

    async def until_ended(self, event: str, *, every: float = _LOOK_SECONDS) -> None:
        """Wait until all runs that an event started have ended well.

        Raises:
            TaskFailedError: one has not.
        """
        while True:
            runs = await self._api.runs_of_event(event)
            for run in runs:
                if run.status in ("FAILED", "CANCELLED"):
                    raise TaskFailedError(f"run {run.id} of {run.function.slug} is {run.status.lower()}")
            if runs and all(run.status in ENDED for run in runs):
                return
            await asyncio.sleep(every)

    async def waits(self, event: str) -> AsyncIterator[StepRecord]:
        """What the runs of an event wait for or have waited for, as the server knows it now."""
        for run in await self._api.runs_of_event(event):
            for step in steps_of(await self._api.trace(run.id)):
                if step.op == "WAIT_FOR_EVENT":
                    yield step

    async def _send(self, name: str, data: _Data, measured: Measured) -> str:
        """Every event is the task's, also one that only ends a wait."""
        [event] = await self._client.send(inngest.Event(name=name, data=data))
        measured.started(event)
        return event

    async def _until_failed(self, event: str) -> None:
        """Watch the run: a reply leaves before its run ends, so a run that has ended without one has failed."""
        await self.until_ended(event, every=_WATCH_SECONDS)
        raise TaskFailedError("the run ended without a reply")

    async def _decide(self, measured: Measured, event: str, decisions: Decisions) -> None:
        """Decide on each refund once the run is seen to wait: an event sent before is lost."""
        done: set[str] = set()
        while decisions.expected:
            async for step in self.waits(event):
                decision = decisions.on(step.name)
                if decision is None or step.name in done:
                    continue
                done.add(step.name)
                if decision != "timed_out":
                    approval = f"{measured.task.id} / {step.name}"
                    data: _Data = {"approval": approval, "approved": decision == "approved"}
                    await self._send(self.names.refund_decided, data, measured)
            await asyncio.sleep(_LOOK_SECONDS)


class MessageDriver(InngestDriver):
    """Each message starts a run."""

    async def converse(self, measured: Measured, conversation: Conversation) -> None:
        """Send an event per message; the next one when the reply is there, or the reminder."""
        for number, message in enumerate(conversation.messages, 1):
            event = await self.say(self.names.message_received, measured, conversation, number)
            await self.until_answered(measured, number, message, event)
            if message.reminder or number == len(conversation.messages):
                await self.until_ended(event)


class ConversationDriver(InngestDriver):
    """The first message starts the run; it waits for the others."""

    async def converse(self, measured: Measured, conversation: Conversation) -> None:
        """Send each further message once the run is seen to wait for it: an event sent before is lost."""
        root = await self.say(self.names.conversation_started, measured, conversation, 1)
        for number, message in enumerate(conversation.messages, 1):
            if number > 1:
                await alongside(self._until_awaited(root, number), self._until_failed(root))
                await self.say(self.names.message_received, measured, conversation, number)
            await self.until_answered(measured, number, message, root)
        await self.until_ended(root)

    async def _until_awaited(self, root: str, number: int) -> None:
        wanted = await_step(message_step(number))
        while not [step async for step in self.waits(root) if step.name == wanted]:
            await asyncio.sleep(_LOOK_SECONDS)
