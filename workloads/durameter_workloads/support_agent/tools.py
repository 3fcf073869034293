"""The agent's tools. They return text of the size that the recorded run had."""

from typing import Any

from durameter_workloads.support_agent.spec import LAST_TOOL, REFUND

__all__ = ["TOOL_NAMES", "filler", "run_tool"]

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
