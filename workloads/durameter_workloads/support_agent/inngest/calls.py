"""How the functions call the model: by a step of the app, by the server, with the tools inside, or streamed."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import inngest
from inngest.experimental.ai import openai

from durameter.errors import UsageError
from durameter_workloads.support_agent import spec
from durameter_workloads.support_agent.inngest.steps import AgentSteps, Asked
from durameter_workloads.support_agent.model import read_completion
from durameter_workloads.support_agent.options import NO_KEY

__all__ = ["Answered", "InferCalls", "InlinedTools", "ModelCalls", "PublishingCalls", "StepCalls", "StreamedCalls"]


@dataclass(frozen=True)
class Answered:
    """What a model call came to."""

    answer: spec.AssistantTurn
    results: list[str] | None = None
    """Results of its tools, where the step of the model has run them as well."""


class ModelCalls(ABC):
    """One way of calling the model."""

    def __init__(self, steps: AgentSteps) -> None:
        self.steps = steps

    @abstractmethod
    async def ask(self, ctx: inngest.Context, step: str, asked: Asked, turn: list[dict[str, Any]]) -> Answered:
        """One model call.

        Args:
            ctx: of the run.
            step: the agent-level step.
            asked: who asks.
            turn: the messages of this turn.
        """


class StepCalls(ModelCalls):
    """By `step.run`: the app calls the model."""

    async def ask(self, ctx: inngest.Context, step: str, asked: Asked, turn: list[dict[str, Any]]) -> Answered:
        """One step."""
        return Answered(_read(await ctx.step.run(step, self.steps.call_model, asked, turn)))


class InferCalls(ModelCalls):
    """By `step.ai.infer`: the server calls the model, and tries again by itself whatever the error is.

    Raises:
        UsageError: the model has a key. It travels to the server with each request, and the dev server writes it into
            its database (seen on 1.44.0), which is in the measurement's folder.
    """

    def __init__(self, steps: AgentSteps) -> None:
        super().__init__(steps)
        if steps.model.client.api_key != NO_KEY:
            raise UsageError(
                "The variant ai_infer would hand the model's key to the Inngest server, which keeps it in its "
                "database. Unset DURAMETER_MODEL_API_KEY and OPENAI_API_KEY, and name a model_base_url that needs no "
                "key, such as a proxy of yours that adds it."
            )

    async def ask(self, ctx: inngest.Context, step: str, asked: Asked, turn: list[dict[str, Any]]) -> Answered:
        """One step, whose request travels through the server."""
        model = self.steps.model
        adapter = openai.Adapter(auth_key=model.client.api_key, base_url=str(model.client.base_url), model=model.name)
        body = model.request(asked.user, [*asked.before(), *turn])
        return Answered(read_completion(await ctx.step.ai.infer(step, adapter=adapter, body=body)))


class InlinedTools(ModelCalls):
    """By `step.run`, which also runs the tools: they have no steps, and no durability, of their own."""

    async def ask(self, ctx: inngest.Context, step: str, asked: Asked, turn: list[dict[str, Any]]) -> Answered:
        """One step; tools that need a step themselves are left to the caller."""
        raw = await ctx.step.run(step, self.steps.call_model_and_tools, asked, turn)
        return Answered(_read(raw), raw["results"])


class StreamedCalls(StepCalls):
    """By `step.run`, whose text leaves in batches after it: steps cannot be nested, so none runs while it streams."""

    def __init__(self, steps: AgentSteps, interval_ms: int) -> None:
        super().__init__(steps)
        self._interval_ms = interval_ms

    async def ask(self, ctx: inngest.Context, step: str, asked: Asked, turn: list[dict[str, Any]]) -> Answered:
        """One step, and one more per batch if somebody reads along."""
        if not asked.streamed:
            return await super().ask(ctx, step, asked, turn)
        raw = await ctx.step.run(step, self.steps.stream_model, asked, turn, self._interval_ms)
        for number, text in enumerate(raw["batches"], 1):
            await ctx.step.run(spec.publish_step(step, number), self.steps.publish_batch, asked.user, text)
        return Answered(_read(raw))


class PublishingCalls(StepCalls):
    """By `step.run`, which publishes the text itself while it streams: live, and without further steps."""

    def __init__(self, steps: AgentSteps, interval_ms: int) -> None:
        super().__init__(steps)
        self._interval_ms = interval_ms

    async def ask(self, ctx: inngest.Context, step: str, asked: Asked, turn: list[dict[str, Any]]) -> Answered:
        """One step."""
        if not asked.streamed:
            return await super().ask(ctx, step, asked, turn)
        return Answered(_read(await ctx.step.run(step, self.steps.stream_and_publish, asked, turn, self._interval_ms)))


def _read(raw: Mapping[str, Any]) -> spec.AssistantTurn:
    """A step's result, which travelled as JSON."""
    return spec.AssistantTurn(raw["content"], [spec.ToolRequest(**call) for call in raw["tool_calls"]])
