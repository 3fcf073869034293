"""What the model will say: one list of replies per conversation."""

from pydantic import BaseModel, ConfigDict, JsonValue

__all__ = ["ScriptedReply", "ScriptedToolCall", "Scripts"]


class ScriptedToolCall(BaseModel):
    """One tool call of a reply."""

    model_config = ConfigDict(frozen=True)

    name: str
    arguments: dict[str, JsonValue]


class ScriptedReply(BaseModel):
    """One reply of the model: text, and the tool calls that it asks for."""

    model_config = ConfigDict(frozen=True)

    content: str
    tool_calls: tuple[ScriptedToolCall, ...] = ()


class Scripts(BaseModel):
    """All conversations that a server can play."""

    model_config = ConfigDict(frozen=True)

    replies: dict[str, tuple[ScriptedReply, ...]]
    """By the request's `user`. The reply at index n answers a request that holds n messages of the assistant."""
