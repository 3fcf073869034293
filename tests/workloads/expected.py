"""The units that a conversation should cost, from the table in docs/reference-agent.md and nothing else.

Imports nothing from the collectors, and from the workload only the shape and which faults the model server has in
store for a call: a second way to the same numbers.
"""

from collections import Counter
from dataclasses import dataclass, field

from durameter_workloads.model_server.faults import Faults, faults_of_call
from durameter_workloads.support_agent.shape import Conversation, ModelCall, ToolCall


@dataclass
class Expected:
    """Units per kind: as documented, and what the open question of retries would add."""

    documented: Counter[str] = field(default_factory=Counter)
    upper: Counter[str] = field(default_factory=Counter)
    model_requests: int = 0


def expected_units(engine: str, task: str, conversation: Conversation, *, faults: Faults, seed: int) -> Expected:
    """Units of one task on one engine."""
    walk = {"temporal": _Temporal, "inngest": _Inngest}[engine](task, faults, seed)
    walk.conversation(conversation)
    return walk.expected


class _Walk:
    """Goes through a conversation as the agent does, and notes what the table says at each part."""

    def __init__(self, task: str, faults: Faults, seed: int) -> None:
        self.expected = Expected()
        self._task = task
        self._faults = faults
        self._seed = seed

    def add(self, kind: str, times: int = 1) -> None:
        if times:
            self.expected.documented[kind] += times

    def conversation(self, conversation: Conversation) -> None:
        self.begin()
        position = 0
        for number, message in enumerate(conversation.messages, 1):
            self.message()
            for index, call in enumerate(message.model_calls, 1):
                self._model_call(self._task, position)
                position += 1
                for tool_index, tool in enumerate(call.tools, 1):
                    self._tool(tool, f"message {number} / call_model {index} / hand_over {tool_index}")
            self.reply()
            if message.reminder:
                self.reminder()

    def _model_call(self, user: str, position: int) -> None:
        retries = len(faults_of_call(self._faults, seed=self._seed, user=user, position=position))
        self.expected.model_requests += 1 + retries
        self.model_call(retries)

    def _tool(self, tool: ToolCall, hand_over: str) -> None:
        if tool.hand_over:
            self.hand_over()
            user = f"{self._task} / {hand_over}"
            for position, call in enumerate(tool.hand_over):
                self._specialist_call(user, position, call)
            return
        if tool.approval:
            self.approval()
            if tool.approval != "timed_out":
                self.decision()
        if tool.approval in (None, "approved"):
            self.tool()

    def _specialist_call(self, user: str, position: int, call: ModelCall) -> None:
        self._model_call(user, position)
        for _ in call.tools:
            self.tool()

    def begin(self) -> None: ...
    def message(self) -> None: ...
    def model_call(self, retries: int) -> None: ...
    def tool(self) -> None: ...
    def approval(self) -> None: ...
    def decision(self) -> None: ...
    def hand_over(self) -> None: ...
    def reply(self) -> None: ...
    def reminder(self) -> None: ...


class _Temporal(_Walk):
    def begin(self) -> None:
        self.add("start_workflow")

    def message(self) -> None:
        self.add("accept_workflow_update")

    def model_call(self, retries: int) -> None:
        self.add("schedule_activity")
        self.add("retry_activity", retries)

    def tool(self) -> None:
        self.add("schedule_activity")

    def approval(self) -> None:
        self.add("start_timer")

    def decision(self) -> None:
        self.add("signal_workflow")

    def hand_over(self) -> None:
        self.add("start_child_workflow", 2)

    def reminder(self) -> None:
        self.add("start_timer")
        self.add("schedule_activity")


class _Inngest(_Walk):
    def message(self) -> None:
        self.add("function_run")

    def model_call(self, retries: int) -> None:
        self.add("step.run")
        if retries:
            self.expected.upper["step_retry"] += retries

    def tool(self) -> None:
        self.add("step.run")

    def approval(self) -> None:
        self.add("step.wait_for_event")

    def hand_over(self) -> None:
        self.add("step.invoke")
        self.add("function_run")

    def reply(self) -> None:
        self.add("step.run")

    def reminder(self) -> None:
        self.add("step.sleep")
        self.add("step.run")
