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
from durameter_workloads.support_agent.shape import Conversation, Message, ModelCall, ToolCall
from durameter_workloads.support_agent.spec import filler


@dataclass
class Expected:
    """Units per kind: as documented, and what the open question of retries would add."""

    documented: Counter[str] = field(default_factory=Counter)
    upper: Counter[str] = field(default_factory=Counter)
    model_requests: int = 0
    stream_batches: int = 0
    events: int = 0
    """Inngest: what the driver sends."""
    plannings: int = 0
    """Inngest: requests that only plan a parallel group."""

    @property
    def sdk_requests(self) -> int:
        """Inngest: one per attempt of a step, one at the end of each run, and the plannings."""
        return self.documented.total() + self.upper.total() + self.plannings


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


def gives_up(message: Message) -> bool:
    """Whether the turn ends without a reply: the model still asks for tools at its 30th call."""
    last = message.model_calls[-1]
    return len(message.model_calls) == 30 and bool(last.tools) and last.tools[0].tool != "transfer_to_human"


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
            self.expected.events += 1
            self.message(number)
            for index, call in enumerate(message.model_calls, 1):
                self._model_call(self._task, position, call)
                position += 1
                plain = not any(tool.approval or tool.hand_over for tool in call.tools)
                if plain and len(call.tools) > 1:
                    self.several_tools()
                for tool_index, tool in enumerate(call.tools, 1):
                    self._tool(tool, f"message {number} / call_model {index} / hand_over {tool_index}", plain=plain)
            if gives_up(message):
                return
            self.reply()
            if message.reminder:
                self.reminder()

    def _model_call(self, user: str, position: int, call: ModelCall) -> None:
        statuses = faults_of_call(self.faults, seed=self.seed, user=user, position=position)
        self.expected.model_requests += 1 + len(statuses)
        self.model_call(Call(user, position, call.chars, statuses, user != self._task))

    def _tool(self, tool: ToolCall, hand_over: str, *, plain: bool) -> None:
        if tool.hand_over:
            self.hand_over()
            user = f"{self._task} / {hand_over}"
            for position, call in enumerate(tool.hand_over):
                self._specialist_call(user, position, call)
            return
        if tool.approval:
            self.approval()
            if tool.approval != "timed_out":
                self.expected.events += 1
                self.decision()
        if tool.approval in (None, "approved"):
            self.tool(plain=plain)

    def _specialist_call(self, user: str, position: int, call: ModelCall) -> None:
        self._model_call(user, position, call)
        if len(call.tools) > 1:
            self.several_tools()
        for _ in call.tools:
            self.tool(plain=True)

    def begin(self) -> None: ...
    def message(self, number: int) -> None: ...
    def model_call(self, call: Call) -> None: ...
    def tool(self, *, plain: bool) -> None:
        """A tool call; `plain` if no tool of the same model call is a refund to approve or a hand-over."""

    def several_tools(self) -> None: ...
    def approval(self) -> None: ...
    def decision(self) -> None: ...
    def hand_over(self) -> None: ...
    def reply(self) -> None: ...
    def reminder(self) -> None: ...


class _Temporal(_Walk):
    """Variant `update`."""

    def begin(self) -> None:
        self.add("start_workflow")

    def message(self, number: int) -> None:
        self.add("accept_workflow_update")

    def model_call(self, call: Call) -> None:
        self.add("schedule_activity")
        self.add("retry_activity", len(call.statuses))

    def tool(self, *, plain: bool) -> None:
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

    def message(self, number: int) -> None:
        self.add("signal_workflow")


class _WorkflowPerMessage(_Temporal):
    """A workflow per message and one per reminder, which starts with a delay instead of a timer."""

    def begin(self) -> None: ...

    def message(self, number: int) -> None:
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


def _batches(walk: _Walk, call: Call, interval_ms: int) -> list[int]:
    """Batches of each stream of a call, the one that ends well first.

    A batch is an interval of the stream's own clock in which a piece of text came: 50 tokens of four letters a second.
    A stream may break off after half of its pieces; then all is streamed again. An attempt that meets a 429 or 500 has
    no stream.
    """
    user, position = call.user, call.position
    pieces = pieces_of(filler(call.chars), tokens_per_second=50, seed=walk.seed, user=user, position=position)
    times = [piece.offset_ms for piece in pieces]
    streams = [times]
    if breaks_off(walk.faults, seed=walk.seed, user=user, position=position):
        walk.expected.model_requests += 1
        streams.append(times[: (len(times) + 1) // 2])
    return [len({time // interval_ms for time in stream}) for stream in streams]


class _Stream(_Temporal):
    """A batch is a signal, also of a stream that breaks off; nobody reads along with the sub-agent."""

    interval_ms: int

    def model_call(self, call: Call) -> None:
        super().model_call(call)
        if call.by_sub_agent:
            return
        batches = _batches(self, call, self.interval_ms)
        self.add("retry_activity", len(batches) - 1)
        self.add("signal_workflow", sum(batches))
        self.expected.stream_batches += sum(batches)


class _Stream100(_Stream):
    interval_ms = 100


class _Stream500(_Stream):
    interval_ms = 500


class _Stream2000(_Stream):
    interval_ms = 2000


class _Inngest(_Walk):
    """Variant `run_per_message`."""

    def message(self, number: int) -> None:
        self.add("function_run")

    def model_call(self, call: Call) -> None:
        self.add("step.run")
        self.retried(len(call.statuses))

    def retried(self, times: int) -> None:
        if times:
            self.expected.upper["step_retry"] += times

    def tool(self, *, plain: bool) -> None:
        self.add("step.run")

    def several_tools(self) -> None:
        self.expected.plannings += 1

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


class _Sequential(_Inngest):
    """Tools one after the other: as many executions, and nothing is planned."""

    def several_tools(self) -> None: ...


class _LongRun(_Inngest):
    """The first message starts the run, each further one ends a wait; the silence before a reminder is a wait too."""

    def begin(self) -> None:
        self.add("function_run")

    def message(self, number: int) -> None:
        if number > 1:
            self.add("step.wait_for_event")

    def reminder(self) -> None:
        self.add("step.wait_for_event")
        self.add("step.run")


class _Infer(_Inngest):
    """The server calls the model, and calls it again after a 429 as after a 500."""

    def model_call(self, call: Call) -> None:
        self.add("step.ai")
        self.retried(len(call.statuses))


class _Inlined(_Inngest):
    """Tools run in the model's step, unless one of them is a refund to approve or a hand-over."""

    def tool(self, *, plain: bool) -> None:
        if not plain:
            self.add("step.run")

    def several_tools(self) -> None: ...


class _InngestStream(_Inngest):
    """A batch is a step after the model's; a stream that breaks off is an attempt and has published nothing."""

    interval_ms: int

    def model_call(self, call: Call) -> None:
        super().model_call(call)
        if call.by_sub_agent:
            return
        batches, *broken = _batches(self, call, self.interval_ms)
        self.retried(len(broken))
        self.add("step.run", batches)
        self.expected.stream_batches += batches


class _InngestStream100(_InngestStream):
    interval_ms = 100


class _InngestStream500(_InngestStream):
    interval_ms = 500


class _InngestStream2000(_InngestStream):
    interval_ms = 2000


class _InngestStreamInStep(_Inngest):
    """Batches of 100 ms leave from within the model's step, also those of a stream that breaks off."""

    def model_call(self, call: Call) -> None:
        super().model_call(call)
        if call.by_sub_agent:
            return
        batches = _batches(self, call, 100)
        self.retried(len(batches) - 1)
        self.expected.stream_batches += sum(batches)


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
    ("inngest", "run_per_message"): _Inngest,
    ("inngest", "sequential_tools"): _Sequential,
    ("inngest", "long_run"): _LongRun,
    ("inngest", "ai_infer"): _Infer,
    ("inngest", "inlined_tools"): _Inlined,
    ("inngest", "stream_100ms"): _InngestStream100,
    ("inngest", "stream_500ms"): _InngestStream500,
    ("inngest", "stream_2s"): _InngestStream2000,
    ("inngest", "stream_in_step"): _InngestStreamInStep,
}
