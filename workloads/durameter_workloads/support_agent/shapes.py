"""Shapes of real agent runs, with a seeded overlay of what the recordings leave open.

`shapes.csv`: 120 runs of gpt-4o on tau-bench's airline tasks (30 tasks, 4 trials each; sierra-research/tau-bench, MIT
licence): per step the role, the size in characters and the number of tool calls; no text. 98 runs end with a user
message, which is the user's stop mark and is not sent; 22 end with a tool's result, whose turn ends without another
model call. No step has more than one tool call, and none is an approval, a hand-over or a reminder: those come from
the overlay, and are recorded with each task's shape.
"""

import csv
import random
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from durameter_workloads.support_agent import spec
from durameter_workloads.support_agent.shape import Conversation, Decision, Message, ModelCall, ToolCall

__all__ = ["Overlay", "draw_conversations", "recorded_conversations", "run_away"]

PLAIN_TOOLS = ("lookup_order", "search_flights", "update_booking")
LAST_TOOL = "transfer_to_human"
"""Its result ends the turn without another model call."""
_RUNAWAY_CHARS = 100


class Overlay(BaseModel):
    """Shares of conversations that get what the recordings do not have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approvals: float = Field(default=0.2, ge=0, le=1)
    hand_overs: float = Field(default=0.15, ge=0, le=1)
    parallel_tools: float = Field(default=0.3, ge=0, le=1)
    reminders: float = Field(default=0.15, ge=0, le=1)


@cache
def recorded_conversations() -> tuple[Conversation, ...]:
    """The 120 recorded runs as conversations, without any overlay."""
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    with files("durameter_workloads.support_agent").joinpath("shapes.csv").open() as file:
        for row in csv.DictReader(file):
            rows.setdefault((row["task_id"], row["trial"]), []).append(row)
    return tuple(_conversation(f"{task}/{trial}", steps) for (task, trial), steps in rows.items())


def _conversation(source: str, steps: Sequence[dict[str, str]]) -> Conversation:
    """Group the steps by user message; tools are named in turn, since the recordings have no names."""
    if steps[-1]["role"] == "user":
        steps = steps[:-1]  # the stop mark
    messages: list[tuple[int, list[ModelCall]]] = []
    tools = 0
    for index, step in enumerate(steps):
        size = int(step["chars"])
        if step["role"] == "user":
            messages.append((size, []))
        elif step["role"] == "model":
            messages[-1][1].append(ModelCall(chars=size))
        else:
            name = LAST_TOOL if index == len(steps) - 1 else PLAIN_TOOLS[tools % len(PLAIN_TOOLS)]
            tools += 1
            asked = messages[-1][1][-1]
            messages[-1][1][-1] = asked.model_copy(update={"tools": (*asked.tools, ToolCall(tool=name, chars=size))})
    return Conversation(
        source=source, messages=tuple(Message(chars=size, model_calls=tuple(calls)) for size, calls in messages)
    )


def draw_conversations(count: int, seed: int, overlay: Overlay) -> list[Conversation]:
    """`count` conversations: up to 120 without replacement, in an order drawn by seed, then with replacement."""
    recorded = list(recorded_conversations())
    order = random.Random(seed)  # noqa: S311 - reproducible, not secret
    order.shuffle(recorded)
    drawn = recorded[:count] + order.choices(recorded, k=max(0, count - len(recorded)))
    return [_overlaid(each, random.Random(f"{seed}/{index}"), overlay) for index, each in enumerate(drawn)]  # noqa: S311


def run_away(conversation: Conversation) -> Conversation:
    """The same conversation, but in its last turn the model never stops asking for tools.

    What it asked for in that turn stays; in place of its answer, or of the transfer to a person, it asks for one plain
    tool after another until the agent gives up on the turn.
    """
    *before, last = conversation.messages
    calls = [call for call in last.model_calls if call.tools and call.tools[0].tool != LAST_TOOL]
    for number in range(len(calls), spec.MAX_MODEL_CALLS):
        tool = ToolCall(tool=PLAIN_TOOLS[number % len(PLAIN_TOOLS)], chars=_RUNAWAY_CHARS)
        calls.append(ModelCall(chars=_RUNAWAY_CHARS, tools=(tool,)))
    last = last.model_copy(update={"model_calls": tuple(calls), "reminder": False})
    return conversation.model_copy(update={"messages": (*before, last)})


def _overlaid(conversation: Conversation, chance: random.Random, overlay: Overlay) -> Conversation:
    """Give one conversation what chance says it has."""
    spots = [
        (m, c)
        for m, message in enumerate(conversation.messages)
        for c, call in enumerate(message.model_calls)
        if call.tools and call.tools[0].tool != LAST_TOOL
    ]
    chance.shuffle(spots)
    wanted = {
        "approval": chance.random() < overlay.approvals,
        "hand_over": chance.random() < overlay.hand_overs,
        "parallel": chance.random() < overlay.parallel_tools,
    }
    messages = [list(message.model_calls) for message in conversation.messages]
    for what in (name for name, here in wanted.items() if here):
        if not spots:
            break
        m, c = spots.pop()
        messages[m][c] = messages[m][c].model_copy(update={"tools": _special(what, messages[m][c].tools[0], chance)})
    reminded = -1
    if len(messages) > 1 and chance.random() < overlay.reminders:
        reminded = chance.randrange(len(messages) - 1)  # never after the last message: the workflow ends there
    return conversation.model_copy(
        update={
            "messages": tuple(
                message.model_copy(update={"model_calls": tuple(calls), "reminder": index == reminded})
                for index, (message, calls) in enumerate(zip(conversation.messages, messages, strict=True))
            )
        }
    )


def _special(what: str, tool: ToolCall, chance: random.Random) -> tuple[ToolCall, ...]:
    if what == "approval":
        decision: Decision = chance.choices(("approved", "denied", "timed_out"), weights=(7, 2, 1))[0]
        return (tool.model_copy(update={"tool": "issue_refund", "approval": decision}),)
    if what == "hand_over":
        turns = chance.randint(1, 3)
        inner = [
            ModelCall(
                chars=200,
                tools=(ToolCall(tool=chance.choice(PLAIN_TOOLS), chars=300),) if turn < turns - 1 else (),
            )
            for turn in range(turns)
        ]
        return (tool.model_copy(update={"tool": "hand_over", "hand_over": tuple(inner)}),)
    others = [ToolCall(tool=chance.choice(PLAIN_TOOLS), chars=tool.chars) for _ in range(chance.randint(1, 2))]
    return (tool, *others)
