"""The agent's activities: `call_model`, one per tool, and `send_reminder`."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.contrib.workflow_streams import WorkflowStreamClient
from temporalio.exceptions import ApplicationError

from durameter_workloads.support_agent.model import Model, ModelCallError
from durameter_workloads.support_agent.spec import TOOL_NAMES, AssistantTurn, run_tool
from durameter_workloads.support_agent.temporal.calls import ModelRequest

__all__ = ["TOPIC", "Publisher", "agent_activities"]

TOPIC = "answer"
"""Of the conversation's stream: pieces of the model's answers, as text."""

_BEATS_PER_TIMEOUT = 4


def agent_activities(model: Model, flushed: Counter[str]) -> list[Callable[..., Any]]:
    """All activities.

    Args:
        model: what `call_model` calls.
        flushed: is counted up with each batch of a streamed answer, by the user of the request.
    """

    @activity.defn
    async def call_model(request: ModelRequest) -> AssistantTurn:
        try:
            async with _heartbeats(activity.info().heartbeat_timeout):
                if request.stream_ms is None:
                    return await model.call(request.user, request.messages)
                async with _published(request.stream_ms, request.user, flushed) as publisher:
                    return await model.stream(request.user, request.messages, publisher.take)
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


@asynccontextmanager
async def _heartbeats(limit: timedelta | None) -> AsyncIterator[None]:
    """Heartbeat at once, and on until the context ends; the SDK sends one per 0.8 of the time-out `limit`."""
    if limit is None:
        yield
        return
    activity.heartbeat()

    async def beat() -> None:
        while True:
            await asyncio.sleep(limit.total_seconds() / _BEATS_PER_TIMEOUT)
            activity.heartbeat()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


class Publisher:
    """Sends a stream's text to the conversation in batches, by the stream's own clock.

    A batch is what one interval of that clock brought, so jitter on the way to here moves no batch. `flush` of the
    Workflow Stream is one signal.
    """

    def __init__(self, client: WorkflowStreamClient, interval_ms: int, user: str, flushed: Counter[str]) -> None:
        self._client = client
        self._topic = client.topic(TOPIC, type=str)
        self._interval_ms = interval_ms
        self._user = user
        self._flushed = flushed
        self._waits = False
        self._interval = 0

    async def take(self, offset_ms: int, text: str) -> None:
        """One piece of text, which came `offset_ms` after the stream began."""
        interval = offset_ms // self._interval_ms
        if interval != self._interval:
            await self.flush()
        self._interval = interval
        self._topic.publish(text)
        self._waits = True

    async def flush(self) -> None:
        """Send what waits, if anything does."""
        if self._waits:
            await self._client.flush()
            self._waits = False
            self._flushed[self._user] += 1


@asynccontextmanager
async def _published(interval_ms: int, user: str, flushed: Counter[str]) -> AsyncIterator[Publisher]:
    """A publisher to the workflow that scheduled this activity; a stream that breaks off sends what it has."""
    publisher = Publisher(WorkflowStreamClient.from_within_activity(), interval_ms, user, flushed)
    try:
        yield publisher
    finally:
        await publisher.flush()
