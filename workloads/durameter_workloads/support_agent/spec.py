"""The reference agent, said once for all engines: names of its steps, its tools, its limits and how it retries.

A support agent. Each user message begins a turn: the model is called until it answers without a tool call. Tools of
one model call run in parallel. A refund above the limit waits for a person's approval, with a time-out; a hard case is
handed to a sub-agent; a transfer to a person ends the turn. After some turns the user is reminded if silent.
"""

import json
from dataclasses import dataclass
from typing import Any

__all__ = [
    "APPROVAL_SECONDS",
    "FIRST_RETRY_SECONDS",
    "HAND_OVER",
    "LAST_TOOL",
    "MAX_ATTEMPTS",
    "MAX_MODEL_CALLS",
    "MODEL_TIMEOUT_SECONDS",
    "REFUND",
    "REFUND_LIMIT",
    "SILENCE_SECONDS",
    "SPECIALIST_PROMPT",
    "SYSTEM_PROMPT",
    "TOOLS",
    "TOOL_NAMES",
    "TRANSFERRED",
    "AssistantTurn",
    "ToolRequest",
    "approval_step",
    "await_step",
    "filler",
    "is_special",
    "message_step",
    "model_step",
    "needs_approval",
    "publish_step",
    "reminder_step",
    "reply_step",
    "run_tool",
    "send_reminder_step",
    "specialist_name",
    "tool_message",
    "tool_step",
]

REFUND = "issue_refund"
HAND_OVER = "hand_over"
LAST_TOOL = "transfer_to_human"
TRANSFERRED = "You are being transferred to a person."
REFUND_LIMIT = 100.0
"""Refunds above this many dollars need a person's approval."""
MAX_ATTEMPTS = 5
"""Attempts of a model or tool call, the first included; an option changes it for model calls."""
MODEL_TIMEOUT_SECONDS = 150.0
"""How long one attempt of a model call may take, where the engine watches over that."""
FIRST_RETRY_SECONDS = 1.0
"""Wait before the second attempt, where the provider does not say (Retry-After); doubled each time."""
SILENCE_SECONDS = 7 * 24 * 3600.0
"""How long a conversation that is one run waits for the user's next message before it ends."""
APPROVAL_SECONDS = 24 * 3600.0
"""How long a person may take to decide on a refund, where the offer does not say."""
MAX_MODEL_CALLS = 30
"""Model calls of one turn, after which the agent gives up on it."""

SYSTEM_PROMPT = "You are a support agent of an airline. Use the tools; ask before you change a booking."
SPECIALIST_PROMPT = "You are a specialist for hard booking cases. Use the tools and report what you found."


def _tool(name: str, description: str, **properties: str) -> dict[str, Any]:
    schema = {key: {"type": kind} for key, kind in properties.items()}
    parameters = {"type": "object", "properties": schema}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS: tuple[dict[str, Any], ...] = (
    _tool("lookup_order", "Look an order up.", order="string"),
    _tool("search_flights", "Search flights.", query="string"),
    _tool("update_booking", "Change a booking.", order="string", change="string"),
    _tool(REFUND, "Refund an order, in dollars.", order="string", amount="number"),
    _tool(HAND_OVER, "Hand a hard case to a specialist.", topic="string"),
    _tool(LAST_TOOL, "Transfer the customer to a person.", reason="string"),
)
"""Tool definitions in OpenAI's form. A tool's own argument `size` sets the length of its result."""


@dataclass
class ToolRequest:
    """One tool call that the model asks for."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass
class AssistantTurn:
    """One answer of the model."""

    content: str
    tool_calls: list[ToolRequest]

    def as_message(self) -> dict[str, Any]:
        """The answer as a message of the thread, in OpenAI's form."""
        message: dict[str, Any] = {"role": "assistant", "content": self.content}
        if self.tool_calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
                }
                for call in self.tool_calls
            ]
        return message


def tool_message(call: ToolRequest, result: str) -> dict[str, Any]:
    """A tool's result as a message of the thread."""
    return {"role": "tool", "tool_call_id": call.id, "content": result}


def needs_approval(call: ToolRequest) -> bool:
    """Whether a person must be asked first."""
    return call.name == REFUND and float(call.arguments.get("amount", 0)) > REFUND_LIMIT


def is_special(call: ToolRequest) -> bool:
    """Whether a tool call is more than a function: it waits for a person or begins a sub-agent."""
    return call.name == HAND_OVER or needs_approval(call)


# Names of agent-level steps. The same on every engine, so that units can be compared step by step.


def message_step(message: int) -> str:
    """The turn of the user's nth message, from 1."""
    return f"message {message}"


def await_step(turn: str) -> str:
    """The wait for the message that begins a turn, where one run takes many messages."""
    return f"{turn} / await_message"


def model_step(turn: str, call: int) -> str:
    """The nth model call of a turn, or of a hand-over."""
    return f"{turn} / call_model {call}"


def tool_step(model: str, name: str, index: int) -> str:
    """The nth tool call of a model call, also the hand-over itself."""
    return f"{model} / {name} {index}"


def approval_step(tool: str) -> str:
    """The wait for a person before a tool call; also the id by which the decision finds it."""
    return f"{tool} / approval"


def publish_step(model: str, batch: int) -> str:
    """The nth batch of a streamed answer leaves, from 1."""
    return f"{model} / publish {batch}"


def reply_step(turn: str) -> str:
    """The reply leaves."""
    return f"{turn} / send_reply"


def reminder_step(turn: str) -> str:
    """The wait before the reminder."""
    return f"{turn} / reminder"


def send_reminder_step(turn: str) -> str:
    """The reminder leaves."""
    return f"{turn} / send_reminder"


def specialist_name(task: str, hand_over: str) -> str:
    """How the sub-agent of a hand-over names itself to the model's provider."""
    return f"{task} / {hand_over}"


# The agent's tools. They return text of the size that the recorded run had.

TOOL_NAMES = ("lookup_order", "search_flights", "update_booking", REFUND, LAST_TOOL)
"""Tools that run as steps of their own; a hand-over is a sub-agent instead."""

_SENTENCES = (
    "I need help with my booking. ",
    "The flight was changed and I would like another one on the same day. ",
    "My order number is in the message before. ",
    "Please look the details up first and tell me what it would cost. ",
)
_DEFAULT_SIZE = 300


def filler(chars: int) -> str:
    """Plain sentences, exactly `chars` characters long."""
    text = "".join(_SENTENCES)
    return (text * (chars // len(text) + 1))[:chars]


def run_tool(name: str, arguments: dict[str, Any]) -> str:
    """The result of one tool call, as text of the asked size.

    Raises:
        ValueError: there is no such tool.
    """
    if name not in TOOL_NAMES:
        raise ValueError(f"the model asked for a tool that does not exist: {name}")
    return filler(int(arguments.get("size", _DEFAULT_SIZE)))
