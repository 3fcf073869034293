"""The shape of one conversation: what decides how many units it costs."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Conversation", "Decision", "Message", "ModelCall", "ToolCall"]

Decision = Literal["approved", "denied", "timed_out"]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolCall(_Shape):
    """One tool call that the model asks for."""

    tool: str
    """Name of the tool; `issue_refund` with an approval and `hand_over` are special."""
    chars: int = Field(ge=0)
    """Size of the tool's result."""
    approval: Decision | None = None
    """A refund above the limit: what the person says."""
    hand_over: tuple["ModelCall", ...] = ()
    """The model calls of the sub-agent to which the case is handed."""


class ModelCall(_Shape):
    """One call of the model: an answer, or one or more tool calls."""

    chars: int = Field(ge=0)
    """Size of the text."""
    tools: tuple[ToolCall, ...] = ()
    """Several run in parallel."""


class Message(_Shape):
    """One message of the user and the turn that it begins."""

    chars: int = Field(ge=1)
    """Size of the text; the agent refuses empty messages."""
    model_calls: tuple[ModelCall, ...]
    reminder: bool = False
    """The user stays silent after this turn until the reminder has been sent."""


class Conversation(_Shape):
    """A whole task."""

    source: str
    """Which recorded run it follows: `task_id/trial` of the trajectories."""
    messages: tuple[Message, ...]

    def covariates(self) -> dict[str, float]:
        """Numbers by which the cost grows; the sub-agents' calls are counted with the others."""
        calls = [call for message in self.messages for call in message.model_calls]
        hand_overs = [tool for call in calls for tool in call.tools if tool.hand_over]
        inner = [call for tool in hand_overs for call in tool.hand_over]
        plain = [tool for call in (*calls, *inner) for tool in call.tools if not tool.hand_over]
        approvals = [tool for tool in plain if tool.approval]
        return {
            "user_messages": len(self.messages),
            "model_calls": len(calls) + len(inner),
            "tool_calls": sum(1 for tool in plain if tool.approval in (None, "approved")),
            "approvals": len(approvals),
            "approvals_answered": sum(1 for tool in approvals if tool.approval != "timed_out"),
            "hand_overs": len(hand_overs),
            "reminders": sum(message.reminder for message in self.messages),
        }
