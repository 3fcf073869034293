"""The units that a conversation should cost, from the tables in docs/ and nothing else.

Imports nothing from the collectors, and from the workload only the shape, and what the model server has in store for a
call (which faults, and when each piece of a streamed answer comes): a second way to the same numbers.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from durameter_workloads.model_server.faults import Faults, breaks_off, faults_of_call
from durameter_workloads.model_server.stream import pieces_of
from durameter_workloads.support_agent.shape import Conversation, ModelCall, ToolCall
from durameter_workloads.support_agent.tools import filler


@dataclass
class Expected:
    """Units per kind: as documented, and what the open question of retries would add."""

    documented: Counter[str] = field(default_factory=Counter)
    upper: Counter[str] = field(default_factory=Counter)
    model_requests: int = 0
    stream_batches: int = 0


class Call(NamedTuple):
    """One model call: who asks, which call of that conversation it is, what it says, what it meets before."""

    user: str
    position: int
    chars: int
    statuses: Sequence[int]
    by_sub_agent: bool


def expected_units(
    engine: str, task: str, conversation: Conversation, *, faults: Faults, seed: int, variant: str = ""
) -> Expected:
    """Units of one task on one engine; without `variant`, of its default."""
    walk = _WALKS[engine, variant](task, faults, seed)
    walk.conversation(conversation)
    return walk.expected


class _Walk:
    """Goes through a conversation as the agent does, and notes what the table says at each part."""

    def __init__(self, task: str, faults: Faults, seed: int) -> None:
        self.expected = Expected()
        self.faults = faults
        self.seed = seed
        self._task = task

    def add(self, kind: str, times: int = 1) -> None:
        if times:
            self.expected.documented[kind] += times

    def conversation(self, conversation: Conversation) -> None:
        self.begin()
        position = 0
        for number, message in enumerate(conversation.messages, 1):
            self.message()
            for index, call in enumerate(message.model_calls, 1):
                self._model_call(self._task, position, call)
                position += 1
                for tool_index, tool in enumerate(call.tools, 1):
                    self._tool(tool, f"message {number} / call_model {index} / hand_over {tool_index}")
            self.reply()
            if message.reminder:
                self.reminder()

    def _model_call(self, user: str, position: int, call: ModelCall) -> None:
        statuses = faults_of_call(self.faults, seed=self.seed, user=user, position=position)
        self.expected.model_requests += 1 + len(statuses)
        self.model_call(Call(user, position, call.chars, statuses, user != self._task))

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
        self._model_call(user, position, call)
        for _ in call.tools:
            self.tool()

    def begin(self) -> None: ...
    def message(self) -> None: ...
    def model_call(self, call: Call) -> None: ...
    def tool(self) -> None: ...
    def approval(self) -> None: ...
    def decision(self) -> None: ...
    def hand_over(self) -> None: ...
    def reply(self) -> None: ...
    def reminder(self) -> None: ...


class _Temporal(_Walk):
    """Variant `update`."""

    def begin(self) -> None:
        self.add("start_workflow")

    def message(self) -> None:
        self.add("accept_workflow_update")

    def model_call(self, call: Call) -> None:
        self.add("schedule_activity")
        self.add("retry_activity", len(call.statuses))

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


class _Signal(_Temporal):
    """Each message is a signal. The queries depend on how long replies take: the driver counts them."""

    def message(self) -> None:
        self.add("signal_workflow")


class _WorkflowPerMessage(_Temporal):
    """A workflow per message and one per reminder, which starts with a delay instead of a timer."""

    def begin(self) -> None: ...

    def message(self) -> None:
        self.add("start_workflow")

    def reminder(self) -> None:
        self.add("start_workflow")
        self.add("schedule_activity")


class _LocalActivity(_Temporal):
    """A model call ends in a workflow task of its own: 1 for its marker.

    After a 429 the wait is what Retry-After says, after a 500 at attempt n it is 2^(n-1) s. Up to 1.5 s the worker
    waits within the workflow task, which is free. A longer wait is noted by a marker (in a workflow task of its own: 1)
    and is a timer (1).
    """

    def model_call(self, call: Call) -> None:
        waits = [
            self.faults.retry_after_seconds if status == 429 else 2**attempt
            for attempt, status in enumerate(call.statuses)
        ]
        long = sum(wait > 1.5 for wait in waits)
        self.add("record_activity_markers", 1 + long)
        self.add("start_timer", long)


class _Heartbeat(_Temporal):
    """Every attempt heartbeats at once; the next one would be let through 0.8 x 30 s later, after its end."""

    def model_call(self, call: Call) -> None:
        super().model_call(call)
        self.add("record_activity_heartbeat", 1 + len(call.statuses))


class _Stream(_Temporal):
    """A batch is a signal: one per interval of the stream's own clock in which a piece of text came.

    50 tokens of four letters a second; nobody reads along with the sub-agent; an attempt that meets a 429 or 500 has
    no stream; a stream that breaks off after half of its pieces has sent that half, and the retry streams all again.
    """

    interval_ms: int

    def model_call(self, call: Call) -> None:
        super().model_call(call)
        if call.by_sub_agent:
            return
        user, position = call.user, call.position
        pieces = pieces_of(filler(call.chars), tokens_per_second=50, seed=self.seed, user=user, position=position)
        times = [piece.offset_ms for piece in pieces]
        streams = [times]
        if breaks_off(self.faults, seed=self.seed, user=user, position=position):
            self.add("retry_activity")
            self.expected.model_requests += 1
            streams.append(times[: (len(times) + 1) // 2])
        batches = sum(len({time // self.interval_ms for time in stream}) for stream in streams)
        self.add("signal_workflow", batches)
        self.expected.stream_batches += batches


class _Stream100(_Stream):
    interval_ms = 100


class _Stream500(_Stream):
    interval_ms = 500


class _Stream2000(_Stream):
    interval_ms = 2000


class _Inngest(_Walk):
    def message(self) -> None:
        self.add("function_run")

    def model_call(self, call: Call) -> None:
        self.add("step.run")
        if call.statuses:
            self.expected.upper["step_retry"] += len(call.statuses)

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


_WALKS: dict[tuple[str, str], type[_Walk]] = {
    ("temporal", ""): _Temporal,
    ("temporal", "update"): _Temporal,
    ("temporal", "signal"): _Signal,
    ("temporal", "workflow_per_message"): _WorkflowPerMessage,
    ("temporal", "local_activity"): _LocalActivity,
    ("temporal", "heartbeat"): _Heartbeat,
    ("temporal", "stream_100ms"): _Stream100,
    ("temporal", "stream_500ms"): _Stream500,
    ("temporal", "stream_2s"): _Stream2000,
    ("inngest", ""): _Inngest,
}
