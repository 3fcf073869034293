"""The agent's variants on Inngest: what each one is made of."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import inngest
from inngest.experimental import realtime

from durameter import Driver, Implementation, InngestSession, RunContext, Task
from durameter_workloads.support_agent.inngest.agent import Agent
from durameter_workloads.support_agent.inngest.calls import (
    InferCalls,
    InlinedTools,
    ModelCalls,
    PublishingCalls,
    StepCalls,
    StreamedCalls,
)
from durameter_workloads.support_agent.inngest.driver import ConversationDriver, InngestDriver, MessageDriver
from durameter_workloads.support_agent.inngest.functions import conversation_functions, message_functions
from durameter_workloads.support_agent.inngest.names import names_of
from durameter_workloads.support_agent.inngest.steps import AgentSteps
from durameter_workloads.support_agent.options import SupportAgentOptions
from durameter_workloads.support_agent.provider import serve_provider
from durameter_workloads.support_agent.threads import Threads

__all__ = ["InngestVariant", "inngest_variants"]

TOPIC = "answer"
"""Of a conversation's realtime channel: pieces of the model's answers."""


class InngestVariant(Implementation[InngestSession]):
    """The agent with one way of taking messages, of calling the model and of running tools."""

    engine = "inngest"

    def __init__(
        self,
        variant: str,
        options: SupportAgentOptions,
        *,
        calls: Callable[[AgentSteps], ModelCalls] = StepCalls,
        long_run: bool = False,
        parallel_tools: bool = True,
    ) -> None:
        self.variant = variant
        self._options = options
        self._calls = calls
        self._driver: type[InngestDriver] = ConversationDriver if long_run else MessageDriver
        self._functions = conversation_functions if long_run else message_functions
        self._parallel_tools = parallel_tools

    @asynccontextmanager
    async def running(self, session: InngestSession, tasks: Sequence[Task], run: RunContext) -> AsyncIterator[Driver]:
        """Serve the app and the model server."""
        names = names_of(self.variant)
        client = session.client(names.app)
        async with serve_provider(self._options, tasks, run.folder, seed=run.seed) as provider:
            steps = AgentSteps(provider.model, Threads(), partial(_publish, client))
            agent = Agent(names, steps, self._calls(steps), self._parallel_tools)
            async with session.serve(client, self._functions(client, agent)):
                yield self._driver(session, client, names, steps, provider, self._options).drive


async def _publish(client: inngest.Inngest, task: str, text: str) -> None:
    """By the server's realtime endpoint, from the app: this SDK has no step that publishes."""
    data: dict[str, Any] = {"text": text}
    await realtime.publish(client, channel=f"conversation:{task}", topic=TOPIC, data=data)


def inngest_variants(options: SupportAgentOptions) -> list[InngestVariant]:
    """All variants, the default first."""
    return [
        InngestVariant("run_per_message", options),
        InngestVariant("long_run", options, long_run=True),
        InngestVariant("ai_infer", options, calls=InferCalls),
        InngestVariant("sequential_tools", options, parallel_tools=False),
        InngestVariant("inlined_tools", options, calls=InlinedTools),
        InngestVariant("stream_100ms", options, calls=partial(StreamedCalls, interval_ms=100)),
        InngestVariant("stream_500ms", options, calls=partial(StreamedCalls, interval_ms=500)),
        InngestVariant("stream_2s", options, calls=partial(StreamedCalls, interval_ms=2000)),
        InngestVariant("stream_in_step", options, calls=partial(PublishingCalls, interval_ms=100)),
    ]
