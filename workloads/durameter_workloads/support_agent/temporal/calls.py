"""What travels between the workflows, the driver and the activities, and how the workflows call model and tools."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from durameter_workloads.support_agent import spec

__all__ = [
    "Decision",
    "MessageStart",
    "MessageTurn",
    "ModelCalls",
    "ModelRequest",
    "SpecialistStart",
    "UserMessage",
    "call_model",
    "run_tool",
    "send_reminder",
]

RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=spec.FIRST_RETRY_SECONDS),
    backoff_coefficient=2.0,
    maximum_attempts=spec.MAX_ATTEMPTS,
)
_ALL_ATTEMPTS_TIMEOUT = timedelta(seconds=900)
"""Of a local activity. No time-out per attempt: the SDK (temporalio 1.35) leaves its watch running when the attempt is
retried, which panics in a thread of its own when it runs out after the worker's end. The model's client has one."""
_TOOL_TIMEOUT = timedelta(seconds=30)


@dataclass(frozen=True)
class ModelCalls:
    """How the model is called: by a plain activity, unless one of these says otherwise."""

    local_retry_seconds: float | None = None
    """By a local activity; the wait before another attempt is a timer when it is longer than this."""
    heartbeat_seconds: float | None = None
    """The activity heartbeats, with this time-out."""
    stream_ms: int | None = None
    """The activity streams the answer to the conversation, in batches of this interval."""
    max_attempts: int = spec.MAX_ATTEMPTS
    """Attempts of one call; 0 for as many as it takes."""
    timeout_seconds: float = spec.MODEL_TIMEOUT_SECONDS
    """Of one attempt; local activities have one for all attempts together."""


@dataclass
class UserMessage:
    """What the user wrote."""

    number: int
    """From 1."""
    text: str
    last: bool = False
    """The conversation ends after this turn."""
    remind_after: float | None = None
    """Seconds of silence after this turn before the user is reminded."""


@dataclass
class Decision:
    """What a person says about a refund."""

    approval: str
    """The step that waits."""
    approved: bool


@dataclass
class ModelRequest:
    """One call of the model."""

    user: str
    messages: list[dict[str, Any]]
    stream_ms: int | None = None
    """Stream the answer in batches of this interval."""


@dataclass
class SpecialistStart:
    """A case that is handed over."""

    task: str
    step: str
    """The hand-over's step, under which the sub-agent's own steps stand."""
    topic: str
    calls: ModelCalls


@dataclass
class MessageStart:
    """One message for a workflow of its own, with the thread so far."""

    task: str
    message: UserMessage
    calls: ModelCalls
    thread: list[dict[str, Any]]


@dataclass
class MessageTurn:
    """What a workflow of one message returns."""

    reply: str
    thread: list[dict[str, Any]]


async def call_model(
    calls: ModelCalls, user: str, messages: list[dict[str, Any]], step: str, *, streamed: bool = False
) -> spec.AssistantTurn:
    """One model call, in the way that `calls` says; `streamed` where somebody reads along."""
    request = ModelRequest(user, messages, stream_ms=calls.stream_ms if streamed else None)
    retry = replace(RETRY, maximum_attempts=calls.max_attempts)
    answer: spec.AssistantTurn
    if calls.local_retry_seconds is not None:
        answer = await workflow.execute_local_activity(
            "call_model",
            request,
            result_type=spec.AssistantTurn,
            schedule_to_close_timeout=_ALL_ATTEMPTS_TIMEOUT,
            retry_policy=retry,
            local_retry_threshold=timedelta(seconds=calls.local_retry_seconds),
            summary=step,
        )
    else:
        heartbeat = calls.heartbeat_seconds
        answer = await workflow.execute_activity(
            "call_model",
            request,
            result_type=spec.AssistantTurn,
            start_to_close_timeout=timedelta(seconds=calls.timeout_seconds),
            heartbeat_timeout=None if heartbeat is None else timedelta(seconds=heartbeat),
            retry_policy=retry,
            summary=step,
        )
    return answer


async def run_tool(call: spec.ToolRequest, step: str) -> str:
    """One tool call: an activity of the tool's name."""
    result: str = await workflow.execute_activity(
        call.name,
        call.arguments,
        result_type=str,
        start_to_close_timeout=_TOOL_TIMEOUT,
        retry_policy=RETRY,
        summary=step,
    )
    return result


async def send_reminder(turn: str) -> None:
    """Remind the user who was silent after this turn."""
    await workflow.execute_activity(
        "send_reminder",
        start_to_close_timeout=_TOOL_TIMEOUT,
        retry_policy=RETRY,
        summary=spec.send_reminder_step(turn),
    )
