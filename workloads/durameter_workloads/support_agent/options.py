"""What a user may set of the reference agent."""

import os
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from durameter import Task
from durameter_workloads.model_server import Faults
from durameter_workloads.model_server.stream import CHARS_PER_TOKEN
from durameter_workloads.support_agent.shape import Conversation
from durameter_workloads.support_agent.shapes import Overlay
from durameter_workloads.support_agent.spec import MAX_ATTEMPTS, MODEL_TIMEOUT_SECONDS

__all__ = [
    "NO_KEY",
    "SupportAgentOptions",
    "VariantOptions",
    "model_key",
    "stream_covariates",
]

NO_KEY = "none"
"""Stands for the key of a model that needs none."""


class VariantOptions(BaseModel):
    """What single variants need."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reply_poll_ms: float = Field(default=250.0, gt=0)
    """`signal`: how often the reply is asked for. Each query is billed."""
    local_retry_seconds: float = Field(default=1.5, ge=0)
    """`local_activity`: a longer wait before another attempt becomes a timer. Shorter waits hold the workflow task."""
    heartbeat_seconds: float = Field(default=30.0, gt=0)
    """`heartbeat`: time-out of the model calls' heartbeats."""
    tokens_per_second: float = Field(default=50.0, gt=0)
    """`stream_*`: how fast the scripted model's answers come, by the stream's own clock."""
    stream_pace: float = Field(default=1.0, ge=0)
    """`stream_*`: real seconds per second of the stream's own clock; 0 sends all at once. The count does not depend
    on it."""


class SupportAgentOptions(BaseModel):
    """Options of `durameter/support_agent`; in `durameter.toml` under `[workloads."durameter/support_agent"]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_base_url: str = ""
    """An OpenAI-compatible API, such as `https://api.openai.com/v1`; by default the scripted model server.
    The key comes from DURAMETER_MODEL_API_KEY or OPENAI_API_KEY and is never recorded."""
    model: str = "gpt-4o"
    latency_ms: float = Field(default=50.0, ge=0)
    """Median latency of the scripted model."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    """A real rate limit of the scripted model, over all conversations."""
    faults: Faults = Faults(rate_limited=0.03, server_errors=0.01)
    overlay: Overlay = Overlay()
    reminder_seconds: float = Field(default=1.0, gt=0)
    """Silence before a reminder is sent. The count does not depend on it."""
    approval_timeout_seconds: float = Field(default=2.0, gt=0)
    """How long an approval that nobody answers is waited for. The count does not depend on it."""
    variants: VariantOptions = VariantOptions()
    max_attempts: int = Field(default=MAX_ATTEMPTS, ge=0)
    """Attempts of a model call, the first included; 0 for the most that the engine's own policy has. On Inngest it
    holds for all steps of a function: retries are a setting of functions there."""
    model_timeout_seconds: float = Field(default=MODEL_TIMEOUT_SECONDS, gt=0)
    """Temporal: how long an attempt of a model call may take (start-to-close)."""
    runaway: bool = False
    """In the last turn of each conversation the model never stops asking for tools."""
    crashes: int = Field(default=0, ge=0, le=1)
    """How often the agent's process is killed (SIGKILL) in the middle of the first model call of each conversation.
    The worker or app is then a process of its own, with another one that stands by. Once at most: on Inngest a call
    that was cut off twice was seen to be asked for once more than its attempts say; why is not known."""

    @model_validator(mode="after")
    def _scripted(self) -> Self:
        if self.model_base_url and (self.crashes or self.runaway):
            raise ValueError("crashes and runaway need the scripted model: leave model_base_url out")
        return self


def model_key() -> str:
    """The key of a real model, from the environment."""
    return os.environ.get("DURAMETER_MODEL_API_KEY") or os.environ.get("OPENAI_API_KEY") or NO_KEY


# How long the streamed answers of a conversation take: a covariate of the variants that stream.


def stream_covariates(variant: str, task: Task, options: SupportAgentOptions) -> dict[str, float]:
    """`streamed_seconds` of a task, by the streams' own clock; nothing for a variant that does not stream.

    The conversation's own answers are streamed, those of its sub-agents are not.
    """
    if not variant.startswith("stream_"):
        return {}
    calls = [call for message in Conversation.model_validate(task.shape).messages for call in message.model_calls]
    tokens = sum(call.chars for call in calls) / CHARS_PER_TOKEN
    return {"streamed_seconds": tokens / options.variants.tokens_per_second}
