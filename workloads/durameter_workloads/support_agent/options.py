"""What a user may set of the reference agent."""

import os

from pydantic import BaseModel, ConfigDict, Field

from durameter_workloads.model_server import Faults
from durameter_workloads.support_agent.shapes import Overlay

__all__ = ["SupportAgentOptions", "model_key"]


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


def model_key() -> str:
    """The key of a real model, from the environment."""
    return os.environ.get("DURAMETER_MODEL_API_KEY") or os.environ.get("OPENAI_API_KEY") or "none"
