"""The decoder on any bytes, cut anyhow."""

import pytest
from hpack import Encoder, NeverIndexedHeaderTuple
from hyperframe.frame import HeadersFrame
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spoken import Said, Spoken, actions, decoded, problems
from temporalio.api.workflowservice import v1 as api
from test_decoded_calls import ANSWER, SIGNAL, activity_task, completion, schedule, task

from durameter_collectors.tapping.decoding import Kind, RecordReader, pack
from durameter_collectors.temporal.wire.http2 import Direction, Headers

pytestmark = pytest.mark.long


def conversation(**how: int) -> list[Said]:
    """Some of everything: two calls under way at once, a failure, a reset, compression."""
    spoken = Spoken(**how)
    spoken.call("PollWorkflowTaskQueue", api.PollWorkflowTaskQueueRequest(namespace="mine"), task())
    first = spoken.ask("SignalWorkflowExecution", SIGNAL)
    second = spoken.ask("RespondWorkflowTaskCompleted", completion(schedule("step 1"), schedule()), encoding="gzip")
    spoken.answer(second, api.RespondWorkflowTaskCompletedResponse(activity_tasks=[activity_task()]), encoding="gzip")
    spoken.table_size(Kind.FROM_CLIENT, 128)
    spoken.answer(first, ANSWER)
    spoken.fail(spoken.ask("SignalWorkflowExecution", SIGNAL), 5)
    beat = api.RecordActivityTaskHeartbeatRequest(namespace="mine", task_token=b"activity")
    spoken.call("RecordActivityTaskHeartbeat", beat, api.RecordActivityTaskHeartbeatResponse())
    spoken.reset(Kind.FROM_CLIENT, spoken.ask("SignalWorkflowExecution", SIGNAL))
    return spoken.said


WHOLE = conversation()
RULES = ["activity", "activity", "signal", "heartbeat"]
COUNTED_CALLS = 4  # completion, signal, heartbeat, and the signal that is given up


def test_the_conversation_is_read() -> None:
    rows = decoded(WHOLE)
    assert [row.rule for row in actions(rows)] == RULES
    assert len(problems(rows)) == 1


@given(st.data(), st.sampled_from([{}, {"frame_bytes": 5}, {"padding": 3, "header_bytes": 9}]))
@settings(max_examples=150, deadline=None)
def test_any_cut_of_the_stream_gives_the_same_rows(data: st.DataObject, how: dict[str, int]) -> None:
    said = conversation(**how)
    cut: list[Said] = []
    for side, piece in said:
        places = data.draw(st.lists(st.integers(0, len(piece)), max_size=3).map(sorted))
        cut += [(side, piece[a:b]) for a, b in zip([0, *places], [*places, len(piece)], strict=True)]
    assert decoded(cut) == decoded(said)


def test_byte_by_byte() -> None:
    assert decoded([(side, bytes([byte])) for side, piece in WHOLE for byte in piece]) == decoded(WHOLE)


@given(st.integers(0, sum(len(piece) for _, piece in WHOLE)))
@settings(max_examples=200, deadline=None)
def test_a_connection_that_ends_anywhere_loses_nothing_in_silence(end: int) -> None:
    """A prefix has the same rows up to there; each call that may have counted is then a problem."""
    left, cut = end, []
    for side, piece in WHOLE:
        cut.append((side, piece[:left]))
        left -= len(piece[:left])
    rows, whole = decoded(cut), decoded(WHOLE)
    acted = actions(rows)
    assert acted == actions(whole)[: len(acted)]
    calls_seen = len({row.call for row in rows})
    assert calls_seen <= COUNTED_CALLS
    under_way = {row.call for row in rows if row not in acted}
    assert not under_way & {row.call for row in acted}


@given(st.binary(min_size=1, max_size=400), st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_garbage_is_told_and_never_a_crash(client: bytes, server: bytes) -> None:
    rows = decoded([(Kind.FROM_SERVER, server), (Kind.FROM_CLIENT, client)])
    assert actions(rows) == []
    if not client.startswith(b"P"):
        assert len(problems(rows)) == 1


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_damaged_bytes_never_crash_and_are_told(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(WHOLE) - 1))
    side, piece = WHOLE[number]
    place = data.draw(st.integers(0, len(piece) - 1))
    damage = data.draw(st.binary(min_size=1, max_size=6))
    said = [*WHOLE]
    said[number] = (side, piece[:place] + damage + piece[place + data.draw(st.integers(0, 6)) :])
    decoded(said)


@given(st.lists(st.tuples(st.sampled_from(list(Kind)), st.integers(0, 9), st.binary(max_size=50))), st.data())
@settings(deadline=None)
def test_records_arrive_however_the_stream_is_cut(records: list[tuple[Kind, int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(pack(kind, number, 1.5, len(body)) + body for kind, number, body in records)
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=6).map(sorted))
    reader = RecordReader()
    pieces = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    read = [record for piece in pieces for record in reader.feed(piece)]
    assert read == [(kind, number, 1.5, body) for kind, number, body in records]


class Heard:
    """A listener that keeps the headers."""

    def __init__(self) -> None:
        self.blocks: list[list[tuple[bytes, bytes]]] = []

    def headers(self, stream: int, headers: Headers, *, end: bool) -> None:
        self.blocks.append(list(headers))

    def data(self, stream: int, data: bytes, *, end: bool) -> None: ...
    def reset(self, stream: int, code: int) -> None: ...
    def go_away(self, last: int) -> None: ...
    def table_size(self, size: int) -> None: ...


FIELDS = st.lists(
    st.tuples(st.sampled_from([b":path", b"x-a", b"x-b"]), st.sampled_from([b"1", b"2", b"3" * 40]), st.booleans()),
    max_size=4,
)


@example(script=[0, [], 38, 38, [(b":path", b"1", False), (b":path", b"1", False)]])
@given(st.lists(FIELDS | st.integers(0, 200), min_size=1, max_size=30))
@settings(max_examples=300, deadline=None)
def test_repeated_blocks_mean_what_the_table_says(script: list[list[tuple[bytes, bytes, bool]] | int]) -> None:
    """The same bytes mean something else once the table has changed; fields are indexed or not, tables resized."""
    encoder, heard = Encoder(), Heard()
    direction = Direction(heard)
    sent = []
    for step in script:
        if isinstance(step, int):
            if step != encoder.header_table_size:  # hpack's encoder forgets to announce a size that is set twice
                encoder.header_table_size = step
            continue
        # A sensitive field is never put into the table.
        block = encoder.encode([NeverIndexedHeaderTuple(n, v) if secret else (n, v) for n, v, secret in step])
        direction.feed(HeadersFrame(1, data=block, flags=["END_HEADERS"]).serialize())
        sent.append([(name, value) for name, value, _ in step])
    assert heard.blocks == sent
