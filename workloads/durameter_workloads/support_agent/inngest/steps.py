"""What the agent's steps do, in the app: calls of the model and of tools, replies, reminders."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import inngest

from durameter_workloads.support_agent import spec
from durameter_workloads.support_agent.model import Model, ModelCallError
from durameter_workloads.support_agent.spec import run_tool
from durameter_workloads.support_agent.stored_threads import Threads

__all__ = [
    "AgentSteps",
    "Asked",
    "Batches",
    "Publish",
]

# A streamed answer cut into batches.


class Batches:
    """Hands on what each interval of a stream brought, by the stream's own clock, so that jitter moves no batch."""

    def __init__(self, interval_ms: int, leave: Callable[[str], Awaitable[None]]) -> None:
        self._interval_ms = interval_ms
        self._leave = leave
        self._interval = 0
        self._text = ""

    async def take(self, offset_ms: int, text: str) -> None:
        """One piece of text, which came `offset_ms` after the stream began."""
        interval = offset_ms // self._interval_ms
        if interval != self._interval:
            await self.flush()
        self._interval = interval
        self._text += text

    async def flush(self) -> None:
        """Hand on what waits, if anything does."""
        text, self._text = self._text, ""
        if text:
            await self._leave(text)


Publish = Callable[[str, str], Awaitable[None]]
"""Sends a piece of an answer to whoever reads along: the task, and the text."""


@dataclass(frozen=True)
class Asked:
    """Who asks the model, and what came before this turn."""

    user: str
    """As the provider may log it."""
    before: Callable[[], list[dict[str, Any]]]
    """The messages before this turn, as the app or the run has them now."""
    streamed: bool = False
    """Somebody reads along."""


@dataclass(frozen=True)
class AgentSteps:
    """The handlers of the steps."""

    model: Model
    threads: Threads
    publish: Publish
    published: Counter[str] = field(default_factory=Counter)
    """Batches that were published, by task: the publisher's own count."""

    async def call_model(self, asked: Asked, turn: list[dict[str, Any]]) -> dict[str, Any]:
        """One model call; the provider's Retry-After becomes Inngest's."""
        with _retry_after():
            return asdict(await self.model.call(asked.user, [*asked.before(), *turn]))

    async def call_model_and_tools(self, asked: Asked, turn: list[dict[str, Any]]) -> dict[str, Any]:
        """One model call and the tools that it asks for, unless one of them needs a step."""
        with _retry_after():
            answer = await self.model.call(asked.user, [*asked.before(), *turn])
        inline = not any(spec.is_special(call) for call in answer.tool_calls)
        results = [run_tool(call.name, call.arguments) for call in answer.tool_calls] if inline else None
        return {**asdict(answer), "results": results}

    async def stream_model(self, asked: Asked, turn: list[dict[str, Any]], interval_ms: int) -> dict[str, Any]:
        """One streamed model call, and the text that each interval brought: nothing of it has left yet."""
        texts: list[str] = []

        async def keep(text: str) -> None:
            texts.append(text)

        return {**await self._stream(asked, turn, Batches(interval_ms, keep)), "batches": texts}

    async def stream_and_publish(self, asked: Asked, turn: list[dict[str, Any]], interval_ms: int) -> dict[str, Any]:
        """One streamed model call whose batches leave as they come, also those of a stream that breaks off."""
        return await self._stream(asked, turn, Batches(interval_ms, partial(self.publish_batch, asked.user)))

    async def _stream(self, asked: Asked, turn: list[dict[str, Any]], batches: Batches) -> dict[str, Any]:
        try:
            with _retry_after():
                return asdict(await self.model.stream(asked.user, [*asked.before(), *turn], batches.take))
        finally:
            await batches.flush()

    async def publish_batch(self, task: str, text: str) -> None:
        """A piece of an answer leaves."""
        await self.publish(task, text)
        self.published[task] += 1

    async def run_tool(self, name: str, arguments: dict[str, Any]) -> str:
        """One tool call."""
        return run_tool(name, arguments)

    async def send_reply(self, task: str, message: int, turn: list[dict[str, Any]], reply: str) -> None:
        """The turn enters the history and the reply leaves."""
        self.threads.append(task, message, turn, reply)

    async def send_reminder(self) -> None:
        """Would send a mail."""


@contextmanager
def _retry_after() -> Iterator[None]:
    try:
        yield
    except ModelCallError as error:
        if error.retry_after is None:
            raise
        raise inngest.RetryAfterError(str(error), timedelta(seconds=error.retry_after), quiet=True) from error
