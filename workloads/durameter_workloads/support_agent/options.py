"""What a user may set of the reference agent."""

import os

from pydantic import BaseModel, ConfigDict, Field

from durameter_workloads.model_server import Faults
from durameter_workloads.support_agent.shapes import Overlay

__all__ = ["NO_KEY", "SupportAgentOptions", "VariantOptions", "model_key"]

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


def model_key() -> str:
    """The key of a real model, from the environment."""
    return os.environ.get("DURAMETER_MODEL_API_KEY") or os.environ.get("OPENAI_API_KEY") or NO_KEY
