"""The agent's model provider during a measurement, and what the people around the agent will do."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from durameter import Task
from durameter_workloads.model_server import ModelServer, serve_model
from durameter_workloads.model_server.server import ModelLog
from durameter_workloads.support_agent.model import Model
from durameter_workloads.support_agent.options import NO_KEY, SupportAgentOptions, model_key
from durameter_workloads.support_agent.script import scripts_of
from durameter_workloads.support_agent.shape import Conversation, Decision, Message
from durameter_workloads.support_agent.spec import approval_step, message_step, model_step, tool_step

__all__ = ["Decisions", "Provider", "serve_provider"]


@dataclass(frozen=True)
class Decisions:
    """What the person who is asked about refunds says in one turn."""

    by_step: dict[str, Decision]
    scripted: bool

    @property
    def expected(self) -> bool:
        """Whether a decision may be asked for; a real model may always ask."""
        return bool(self.by_step) or not self.scripted

    def on(self, step: str) -> Decision | None:
        """The decision on this approval step; None for a step that waits for something else."""
        if self.scripted:
            return self.by_step.get(step)
        return "approved" if step.endswith(approval_step("")) else None


@dataclass(frozen=True)
class Provider:
    """A model, and the record of what it was asked."""

    model: Model
    log: ModelLog | None
    """None for a real model, which keeps its own."""

    def observed(self, task: str) -> dict[str, float]:
        """Model requests of one task, from the model server's own log."""
        return self.log.observed(task) if self.log is not None else {}

    def decisions(self, number: int, message: Message) -> Decisions:
        """Decisions in the turn of the nth message, from 1."""
        by_step: dict[str, Decision] = {}
        for index, call in enumerate(message.model_calls, 1):
            for tool_index, tool in enumerate(call.tools, 1):
                if tool.approval is not None:
                    model = model_step(message_step(number), index)
                    by_step[approval_step(tool_step(model, tool.tool, tool_index))] = tool.approval
        return Decisions(by_step, scripted=self.log is not None)


@asynccontextmanager
async def serve_provider(
    options: SupportAgentOptions, tasks: Sequence[Task], folder: Path, *, seed: int
) -> AsyncIterator[Provider]:
    """The scripted model server with these tasks' scripts, or the real model that the options name.

    Args:
        options: which model, how fast, how faulty.
        tasks: whose conversations it can play.
        folder: gets `model_calls.jsonl`, one line per answered request.
        seed: of latencies and faults.
    """
    if options.model_base_url:
        model = Model.at(options.model_base_url, key=model_key(), name=options.model)
        try:
            yield Provider(model, log=None)
        finally:
            await model.close()
        return
    conversations = {task.id: Conversation.model_validate(task.shape) for task in tasks}
    server = ModelServer(
        scripts=scripts_of(conversations, approval_timeout=options.approval_timeout_seconds),
        seed=seed,
        latency_ms=options.latency_ms,
        faults=options.faults.model_copy(update={"held_attempts": options.faults.held_attempts or options.crashes}),
        requests_per_minute=options.requests_per_minute,
        tokens_per_second=options.variants.tokens_per_second,
        stream_pace=options.variants.stream_pace,
    )
    async with serve_model(server, log_file=folder / "model_calls.jsonl") as (url, log):
        model = Model.at(url, key=NO_KEY, name=options.model, keep_alive=False)
        try:
            yield Provider(model, log)
        finally:
            await model.close()
