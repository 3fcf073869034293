"""A conversation's shape → what the scripted model will say in it."""

from collections.abc import Iterable

from durameter_workloads.model_server import ScriptedReply, ScriptedToolCall, Scripts
from durameter_workloads.support_agent.shape import Conversation, ModelCall, ToolCall
from durameter_workloads.support_agent.spec import (
    HAND_OVER,
    REFUND,
    REFUND_LIMIT,
    filler,
    message_step,
    model_step,
    specialist_name,
    tool_step,
)

__all__ = ["scripts_of"]

_PATIENT_SECONDS = 600.0
"""How long an approval that a person will give is waited for: longer than any measurement's task."""


def scripts_of(conversations: dict[str, Conversation], *, approval_timeout: float) -> Scripts:
    """One script per conversation and per sub-agent in it.

    Args:
        conversations: by task id.
        approval_timeout: seconds after which an approval that nobody answers times out.
    """
    replies: dict[str, tuple[ScriptedReply, ...]] = {}
    for task, conversation in conversations.items():
        calls: list[ModelCall] = []
        for number, message in enumerate(conversation.messages, 1):
            for index, call in enumerate(message.model_calls, 1):
                calls.append(call)
                model = model_step(message_step(number), index)
                for tool_index, tool in enumerate(call.tools, 1):
                    if tool.hand_over:
                        name = specialist_name(task, tool_step(model, HAND_OVER, tool_index))
                        replies[name] = _replies(tool.hand_over, approval_timeout)
        replies[task] = _replies(calls, approval_timeout)
    return Scripts(replies=replies)


def _replies(calls: Iterable[ModelCall], approval_timeout: float) -> tuple[ScriptedReply, ...]:
    return tuple(
        ScriptedReply(
            content=filler(call.chars), tool_calls=tuple(_tool_call(tool, approval_timeout) for tool in call.tools)
        )
        for call in calls
    )


def _tool_call(tool: ToolCall, approval_timeout: float) -> ScriptedToolCall:
    if tool.hand_over:
        return ScriptedToolCall(name=HAND_OVER, arguments={"topic": "a hard case"})
    if tool.tool == REFUND:
        # A refund offer is valid for a while; the agent waits that long for a person to approve it.
        valid = approval_timeout if tool.approval == "timed_out" else _PATIENT_SECONDS
        amount = REFUND_LIMIT * (2.5 if tool.approval else 0.5)
        return ScriptedToolCall(
            name=REFUND, arguments={"order": "A1", "amount": amount, "valid_seconds": valid, "size": tool.chars}
        )
    return ScriptedToolCall(name=tool.tool, arguments={"order": "A1", "size": tool.chars})
