"""How long the streamed answers of a conversation take: a covariate of the variants that stream."""

from durameter import Task
from durameter_workloads.model_server.stream import CHARS_PER_TOKEN
from durameter_workloads.support_agent.options import SupportAgentOptions
from durameter_workloads.support_agent.shape import Conversation

__all__ = ["stream_covariates"]


def stream_covariates(variant: str, task: Task, options: SupportAgentOptions) -> dict[str, float]:
    """`streamed_seconds` of a task, by the streams' own clock; nothing for a variant that does not stream.

    The conversation's own answers are streamed, those of its sub-agents are not.
    """
    if not variant.startswith("stream_"):
        return {}
    calls = [call for message in Conversation.model_validate(task.shape).messages for call in message.model_calls]
    tokens = sum(call.chars for call in calls) / CHARS_PER_TOKEN
    return {"streamed_seconds": tokens / options.variants.tokens_per_second}
