"""The agent's variants on Inngest: what each one is made of."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import inngest
from inngest.experimental import realtime

from durameter import Driver, Implementation, InngestSession, RunContext, Task
from durameter.processes.server import free_ports
from durameter_workloads.model_server.server import ModelLog
from durameter_workloads.support_agent.crashes import crashing
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
from durameter_workloads.support_agent.model import Model
from durameter_workloads.support_agent.options import SupportAgentOptions, stream_covariates
from durameter_workloads.support_agent.provider import serve_provider
from durameter_workloads.support_agent.stored_threads import StoredThreads, Threads

__all__ = ["InngestVariant", "inngest_variants"]

MOST_RETRIES = 20
"""That a function may have (`MaxRetries` in `pkg/consts/consts.go` of inngest/inngest v1.44.0)."""
_PROCESS = "durameter_workloads.support_agent.inngest.app_process"
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

    def covariates(self, task: Task) -> dict[str, float]:
        """Seconds of streams, where it streams."""
        return stream_covariates(self.variant, task, self._options)

    @asynccontextmanager
    async def running(self, session: InngestSession, tasks: Sequence[Task], run: RunContext) -> AsyncIterator[Driver]:
        """Serve the app and the model server."""
        names = names_of(self.variant)
        client = session.client(names.app)
        async with serve_provider(self._options, tasks, run.folder, seed=run.seed) as provider:
            if self._options.crashes and provider.log is not None:
                threads = StoredThreads((run.folder / "threads.db").absolute())
                steps, _ = self.app(client, provider.model, threads)
                driver = self._driver(session, client, names, steps, provider, self._options).drive
                async with self._crashing(session, provider.model, provider.log, run.folder) as around:
                    yield around(driver)
            else:
                steps, functions = self.app(client, provider.model, Threads())
                async with session.serve(client, functions):
                    yield self._driver(session, client, names, steps, provider, self._options).drive

    def app(
        self, client: inngest.Inngest, model: Model, threads: Threads
    ) -> tuple[AgentSteps, list[inngest.Function[Any]]]:
        """What the app is made of: the handlers of its steps, and its functions."""
        steps = AgentSteps(model, threads, partial(_publish, client))
        retries = self._options.max_attempts - 1 if self._options.max_attempts else MOST_RETRIES
        agent = Agent(names_of(self.variant), steps, self._calls(steps), self._parallel_tools, retries)
        return steps, self._functions(client, agent)

    @asynccontextmanager
    async def _crashing(
        self, session: InngestSession, model: Model, log: ModelLog, folder: Path
    ) -> AsyncIterator[Callable[[Driver], Driver]]:
        """Serve the app in processes that are killed, all on one port behind the tap."""
        [port] = free_ports(1)
        origin = await session.before_app(f"127.0.0.1:{port}")
        order = {
            "variant": self.variant,
            "options": self._options.model_dump(mode="json"),
            "model_base_url": str(model.client.base_url),
            "address": session.address,
            "port": port,
            "origin": origin,
            "threads": str((folder / "threads.db").absolute()),
        }
        async with crashing(_PROCESS, order, log=log, folder=folder) as around:
            await session.register(names_of(self.variant).app, f"{origin}/api/inngest")
            yield around


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
