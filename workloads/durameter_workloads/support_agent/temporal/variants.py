"""The agent's variants on Temporal: what each one is made of."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from durameter import Driver, Implementation, RunContext, Task, TemporalSession
from durameter_workloads.support_agent.crashes import crashing
from durameter_workloads.support_agent.options import SupportAgentOptions, stream_covariates
from durameter_workloads.support_agent.provider import serve_provider
from durameter_workloads.support_agent.temporal.calls import ModelCalls
from durameter_workloads.support_agent.temporal.driver import MessageDriver, SignalDriver, TemporalDriver, UpdateDriver
from durameter_workloads.support_agent.temporal.worker import agent_worker

__all__ = ["TemporalVariant", "temporal_variants"]

_PROCESS = "durameter_workloads.support_agent.temporal.worker_process"


class TemporalVariant(Implementation[TemporalSession]):
    """The agent with one way of sending messages and one way of calling the model."""

    engine = "temporal"

    def __init__(
        self, variant: str, options: SupportAgentOptions, driver: type[TemporalDriver], calls: ModelCalls | None = None
    ) -> None:
        self.variant = variant
        self._options = options
        self._driver = driver
        self._calls = replace(
            calls or ModelCalls(), max_attempts=options.max_attempts, timeout_seconds=options.model_timeout_seconds
        )

    def covariates(self, task: Task) -> dict[str, float]:
        """Seconds of streams, where it streams."""
        return stream_covariates(self.variant, task, self._options)

    @asynccontextmanager
    async def running(self, session: TemporalSession, tasks: Sequence[Task], run: RunContext) -> AsyncIterator[Driver]:
        """Run a worker and the model server."""
        async with serve_provider(self._options, tasks, run.folder, seed=run.seed) as provider:
            driver = self._driver(session, self._options, self._calls, provider)
            if self._options.crashes and provider.log is not None:
                order = {
                    "address": session.address,
                    "namespace": session.client.namespace,
                    "task_queue": session.task_queue,
                    "model_base_url": str(provider.model.client.base_url),
                    "model": provider.model.name,
                }
                async with crashing(_PROCESS, order, log=provider.log, folder=run.folder) as around:
                    yield around(driver.drive)
            else:
                async with agent_worker(session.client, session.task_queue, provider.model, driver.flushed):
                    yield driver.drive


def temporal_variants(options: SupportAgentOptions) -> list[TemporalVariant]:
    """All variants, the default first."""
    set_ = options.variants
    return [
        TemporalVariant("update", options, UpdateDriver),
        TemporalVariant("signal", options, SignalDriver),
        TemporalVariant("workflow_per_message", options, MessageDriver),
        TemporalVariant(
            "local_activity", options, UpdateDriver, ModelCalls(local_retry_seconds=set_.local_retry_seconds)
        ),
        TemporalVariant("heartbeat", options, UpdateDriver, ModelCalls(heartbeat_seconds=set_.heartbeat_seconds)),
        TemporalVariant("stream_100ms", options, UpdateDriver, ModelCalls(stream_ms=100)),
        TemporalVariant("stream_500ms", options, UpdateDriver, ModelCalls(stream_ms=500)),
        TemporalVariant("stream_2s", options, UpdateDriver, ModelCalls(stream_ms=2000)),
    ]
