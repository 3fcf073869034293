"""Real histories, damaged at random: what is damaged is named, and says nothing about the other events.

`test_history_properties.py` has whole events lost, doubled, shuffled or of a newer server. Here they are changed
within, and mixed with those of other runs.
"""

import json
from collections import Counter
from collections.abc import Sequence

import pytest
from google.protobuf.message import DecodeError
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from recorded import Recorded, load
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent

from durameter_collectors.temporal.history import HistoryCount

pytestmark = pytest.mark.long

NAMES = (
    "conversation",
    "child",
    "continued",
    "signal_with_start",
    "delayed_signal_with_start",
    "delayed_then_signal",
    "reset_old",
    "reset_new",
)
HISTORIES = {name: load(name) for name in NAMES}
recorded = st.sampled_from(list(HISTORIES.values()))
STARTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
RESET = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW

Rows = Counter[tuple[str, int, int]]
"""Rule, event and attempt of each unit."""


def rows(count: HistoryCount) -> Rows:
    return Counter((unit.rule, int(unit.evidence.rsplit(" ", 1)[1]), unit.attempt) for unit in count.units)


def of_others(count: HistoryCount, *events: int) -> Rows:
    """What events other than these say."""
    return Counter({row: times for row, times in rows(count).items() if row[1] not in events})


def decides_for_others(event: HistoryEvent) -> bool:
    """A start and a signal beside it are one Action or two; a reset, and the task it schedules, end what is a copy."""
    signalled = event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED and event.event_id == 2
    reset = event.workflow_task_failed_event_attributes.cause == RESET
    return signalled or reset or event.event_type in {STARTED, EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED}


def is_marker(event: HistoryEvent) -> bool:
    """Of the markers of one workflow task only one is the evidence for all."""
    return event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED


def copies(history: Recorded) -> list[HistoryEvent]:
    return [HistoryEvent.FromString(event.SerializeToString()) for event in history.events]


def pick(data: st.DataObject, events: Sequence[HistoryEvent], *, markers: bool = True) -> HistoryEvent:
    """An event of whose loss only its own units depend."""
    return data.draw(
        st.sampled_from([e for e in events if not decides_for_others(e) and (markers or not is_marker(e))])
    )


@given(history=recorded, data=st.data())
def test_a_lost_event_takes_only_its_own_units_and_is_named(history: Recorded, data: st.DataObject) -> None:
    lost = pick(data, history.events, markers=False)
    count = history.count([event for event in history.events if event.event_id != lost.event_id])
    assert rows(count) == of_others(history.count(), lost.event_id)
    if lost.event_id < len(history.events):
        numbers = f"events {lost.event_id} to {lost.event_id}"
        assert numbers in [gap.evidence for gap in count.gaps]


@given(history=recorded, data=st.data())
def test_a_lost_marker_costs_its_task_one_action_at_most(history: Recorded, data: st.DataObject) -> None:
    markers = [event.event_id for event in history.events if is_marker(event)]
    assume(markers)
    lost = data.draw(st.sampled_from(markers))
    count = history.count([event for event in history.events if event.event_id != lost])
    before, after = len(history.count().units), len(count.units)
    assert before - 1 <= after <= before
    assert count.gaps


def test_a_lost_start_is_named() -> None:
    for history in HISTORIES.values():
        count = history.count(history.events[1:])
        assert "events 1 to 1" in [gap.evidence for gap in count.gaps]
        assert len(count.units) <= len(history.count().units)


@given(history=recorded, data=st.data())
def test_a_damaged_copy_beside_the_event_adds_nothing_and_is_named(history: Recorded, data: st.DataObject) -> None:
    """Two exports of one run of which one was damaged: the first is believed."""
    events = copies(history)
    damaged = data.draw(st.sampled_from(events))
    attributes = getattr(damaged, str(damaged.WhichOneof("attributes")))
    attributes.Clear()
    attributes.SetInParent()
    damaged.task_id += 1
    count = history.count([*history.events, *events])
    assert rows(count) == rows(history.count())
    assert len(count.gaps) >= len(events)


@settings(max_examples=300)
@given(history=recorded, data=st.data(), byte=st.binary(min_size=1, max_size=2))
def test_damaged_bytes_of_one_event_do_not_change_what_the_others_say(
    history: Recorded, data: st.DataObject, byte: bytes
) -> None:
    events = copies(history)
    index = data.draw(st.integers(0, len(events) - 1))
    assume(not decides_for_others(events[index]) and not is_marker(events[index]))
    raw = bytearray(events[index].SerializeToString())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + len(byte)] = byte
    try:
        events[index] = HistoryEvent.FromString(bytes(raw))
    except DecodeError:
        return
    assume(not decides_for_others(events[index]) and not is_marker(events[index]))
    count, whole = history.count(events), history.count()
    ids = (index + 1, events[index].event_id)
    assert of_others(count, *ids) == of_others(whole, *ids)
    if events[index].event_id != index + 1 and index + 1 < len(events):
        assert count.gaps


@settings(max_examples=300)
@given(history=recorded, data=st.data())
def test_many_damages_at_once_do_no_harm(history: Recorded, data: st.DataObject) -> None:
    """Never a crash, and no event makes more of one rule than it says."""
    events: list[HistoryEvent] = []
    for event in history.events:
        raw = bytearray(event.SerializeToString())
        for at, value in data.draw(
            st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=2), label="bytes"
        ):
            raw[at] = value
        try:
            events.append(HistoryEvent.FromString(bytes(raw)))
        except DecodeError:
            continue
    count = history.count(events)
    there = {event.event_id for event in events}
    for (rule, event, attempt), times in rows(count).items():
        assert event in there
        assert attempt >= 1
        assert times == 1 or rule in {"scheduled", "local_activity_retry"}
    if len(events) < len(history.events):
        assert count.gaps or {event.event_id for event in events} == set(range(1, len(events) + 1))


@given(one=recorded, other=recorded, data=st.data())
def test_two_runs_in_one_record_are_named_and_no_number_is_counted_twice(
    one: Recorded, other: Recorded, data: st.DataObject
) -> None:
    assume(one.run != other.run and other.run)
    taken = data.draw(st.lists(st.sampled_from(other.events), min_size=1, unique_by=lambda event: event.event_id))
    mixed = data.draw(st.permutations([*one.events, *taken]))
    count = one.count(mixed)
    assert count.gaps
    assert all(times == 1 or rule == "local_activity_retry" for (rule, _, _), times in rows(count).items())


def test_the_rest_of_another_run_is_named() -> None:
    """No number is there twice and none is missing: only what the events say of one another tells."""
    for one in HISTORIES.values():
        for other in HISTORIES.values():
            if other.workflow == one.workflow or len(other.events) <= len(one.events):
                continue
            count = one.count([*one.events, *other.events[len(one.events) :]])
            assert any("several runs may be mixed" in gap.what for gap in count.gaps)


def test_a_start_is_the_first_event_or_none() -> None:
    history = HISTORIES["conversation"]
    extra = copies(history)[0]
    extra.event_id = len(history.events) + 1
    count = history.count([*history.events, extra])
    assert rows(count) == rows(history.count())
    assert any("starts the run and is not its first" in gap.what for gap in count.gaps)


@given(history=recorded, data=st.data(), attempt=st.sampled_from([-(2**31), -1, 0, 100_001, 2**31 - 1]))
def test_attempts_past_belief_are_named_and_make_no_rows(history: Recorded, data: st.DataObject, attempt: int) -> None:
    events = copies(history)
    started = [event for event in events if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED]
    assume(started)
    changed = data.draw(st.sampled_from(started))
    changed.activity_task_started_event_attributes.attempt = attempt
    count = history.count(events)
    assert rows(count) == of_others(history.count(), changed.event_id)
    # In a reset run it may be a copy, which is not read for retries.
    copied = [event.event_id for event in events if event.workflow_task_failed_event_attributes.cause == RESET]
    if attempt < 1 or not copied or changed.event_id > copied[-1]:
        assert any("attempt" in gap.what for gap in count.gaps)


def test_ninety_thousand_retries_are_counted() -> None:
    """An activity that polls once a second for a day."""
    history = HISTORIES["conversation"]
    events = copies(history)
    changed = next(e for e in events if e.activity_task_started_event_attributes.attempt == 3)
    changed.activity_task_started_event_attributes.attempt = 90_000
    count = history.count(events)
    assert Counter(unit.rule for unit in count.units)["activity_retry"] == 89_999
    assert count.gaps == []


@given(
    history=recorded, data=st.data(), seconds=st.integers(-(2**63), 2**63 - 1), nanos=st.integers(-(2**31), 2**31 - 1)
)
def test_absurd_times_are_named(history: Recorded, data: st.DataObject, seconds: int, nanos: int) -> None:
    events = copies(history)
    changed = pick(data, events[1:-1], markers=False)
    true = changed.event_time.seconds
    changed.event_time.seconds, changed.event_time.nanos = seconds, nanos
    assume(abs(seconds - true) > 600 or not 0 <= nanos < 10**9)
    count = history.count(events)
    assert any("dated" in gap.what or "no valid time" in gap.what for gap in count.gaps)
    assert set(rows(count)) <= set(rows(history.count()))


@pytest.mark.parametrize("name", NAMES)
def test_clocks_that_differ_by_seconds_are_not_named(name: str) -> None:
    """The machines of a cluster, and an activity whose start is written when it closes."""
    events = copies(HISTORIES[name])
    for event in events[1::2]:
        event.event_time.seconds -= 10
    assert HISTORIES[name].count(events).gaps == []


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 100_000,
        b'"\\ud800"',
        b"\xff",
        b"9" * 5_000,
        b"",
        b'{"activity_type": "\\ud800"}',
        b'{"activity_type": {}}',
    ],
    ids=["deep", "half a character", "no text", "long number", "empty", "half a name", "no name"],
)
def test_payloads_of_the_user_s_own_may_hold_anything(payload: bytes) -> None:
    """Summaries and the records of local activities are payloads that the user's converter wrote."""
    history = HISTORIES["conversation"]
    events = copies(history)
    for event in events:
        event.user_metadata.summary.metadata["encoding"] = b"json/plain"
        event.user_metadata.summary.data = payload
        if is_marker(event):
            for each in event.marker_recorded_event_attributes.details.values():
                for one in each.payloads:
                    one.data = payload
    count = history.count(events)
    assert rows(count) == rows(history.count())
    assert all(json.loads(unit.model_dump_json()) for unit in count.units)
