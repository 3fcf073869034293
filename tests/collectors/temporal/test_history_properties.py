"""Histories that are cut, torn, shuffled, doubled or of a newer server: never a crash, never a unit out of nothing."""

from collections import Counter
from typing import Any

import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import assume, given
from hypothesis import strategies as st
from recorded import Recorded, load
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import History, HistoryEvent

from durameter_collectors.temporal.history import HistoryCount
from durameter_collectors.units import total

UNITS = {
    # The steps of `conversation` in make_histories.py: an activity at its third attempt; timers: one step, two around
    # the second patch, one time-out; tasks with markers: three locals together, one local; with only a patch: two.
    "conversation": {
        "start": 1,
        "activity": 1,
        "activity_retry": 2,
        "timer": 4,
        "markers": 2,
        "markers_of_patches": 2,
        "upsert_by_patch": 2,
        "memo_upsert": 1,
        "child_intent": 1,
        "child_start": 1,
        "signal": 1,
        "continue_as_new": 1,
    },
    # What it costs to start it is its parent's.
    "child": {"activity": 1, "update_accepted": 1, "signal": 1},
    # What it costs to start it is the run's before it.
    "continued": {},
    "signal_with_start": {"signal_with_start": 1},
    "delayed_signal_with_start": {"signal_with_start": 1},
    "delayed_then_signal": {"start": 1, "signal": 1},
    "reset_old": {"start": 1, "activity": 2, "update_accepted": 1, "signal": 1},
    # After the reset the second activity, the update accepted again, and the signal that ends it.
    "reset_new": {"reset": 1, "activity": 1, "update_accepted": 1, "signal": 1},
}
HISTORIES = {name: load(name) for name in UNITS}
RESET_RUN = "reset_new"

recorded = st.sampled_from(list(HISTORIES.values()))
never_reset = st.sampled_from([history for name, history in HISTORIES.items() if name != RESET_RUN])


def check_evidence(count: HistoryCount, events: list[HistoryEvent], history: Recorded) -> None:
    """Every unit points at an event that is there, of a kind of its own."""
    there = {f"{history.workflow} event {event.event_id}" for event in events}
    assert {unit.evidence for unit in count.units} <= there
    assert all(unit.cause for unit in count.units)
    assert all(link.workflow and link.run for link in count.links)


@pytest.mark.parametrize("name", UNITS)
def test_whole_histories(name: str) -> None:
    count = HISTORIES[name].count()
    assert Counter(unit.rule for unit in count.units) == UNITS[name]
    assert count.gaps == []


@given(history=recorded)
def test_the_same_history_counts_the_same(history: Recorded) -> None:
    assert history.count() == history.count(iter(history.events))


@given(history=recorded, cut=st.integers(0, 60))
def test_a_history_that_was_cut_off_never_counts_more(history: Recorded, cut: int) -> None:
    events = list(history.events[:cut])
    count, whole = history.count(events), history.count()
    assert total(count.units) <= total(whole.units)
    assert total(count.units, upper=True) <= total(whole.units, upper=True)
    check_evidence(count, events, history)


@given(history=recorded)
def test_counts_grow_with_the_history(history: Recorded) -> None:
    totals = [total(history.count(history.events[:cut]).units, upper=True) for cut in range(len(history.events) + 1)]
    assert totals == sorted(totals)


def test_a_reset_run_cut_off_before_its_reset_counts_nothing_and_says_so() -> None:
    """All that is left is copies of what the old run was billed for; nothing else in them tells."""
    history = HISTORIES[RESET_RUN]
    reset = next(e.event_id for e in history.events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
    count = history.count(history.events[: reset - 1])
    assert count.units == []
    assert [gap.what for gap in count.gaps] == [
        "a reset made this run, and the reset itself is missing: nothing of it is counted"
    ]


@given(history=recorded, data=st.data())
def test_lost_events_are_named(history: Recorded, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(history.events), max_size=len(history.events)))
    events = [event for event, keep in zip(history.events, kept, strict=True) if keep]
    count = history.count(events)
    check_evidence(count, events, history)
    numbers = [event.event_id for event in events]
    if numbers != list(range(1, len(numbers) + 1)):
        assert any("events are missing" in gap.what for gap in count.gaps)


@given(history=never_reset, data=st.data())
def test_lost_events_never_make_units(history: Recorded, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(history.events), max_size=len(history.events)))
    events = [event for event, keep in zip(history.events, kept, strict=True) if keep]
    assert total(history.count(events).units, upper=True) <= total(history.count().units, upper=True)


@given(history=recorded, data=st.data())
def test_order_does_not_matter(history: Recorded, data: st.DataObject) -> None:
    events = data.draw(st.permutations(history.events))
    count = history.count(events)
    assert count.units == history.count().units
    assert bool(count.gaps) == (events != list(history.events))


@given(history=recorded, data=st.data())
def test_nothing_is_counted_twice(history: Recorded, data: st.DataObject) -> None:
    extra = data.draw(st.lists(st.sampled_from(history.events), max_size=10))
    count = history.count([*history.events, *extra])
    assert count.units == history.count().units
    assert sum("more than once" in gap.what for gap in count.gaps) == len(extra)


@given(history=recorded)
def test_a_run_exported_twice_is_counted_once(history: Recorded) -> None:
    assert history.count([*history.events, *history.events]).units == history.count().units


def test_two_events_of_one_number_are_named() -> None:
    history = HISTORIES["signal_with_start"]
    other = HistoryEvent()
    other.CopyFrom(history.events[1])
    other.workflow_execution_signaled_event_attributes.signal_name = "another"
    count = history.count([*history.events, other])
    assert count.units == history.count().units
    assert [gap.what for gap in count.gaps] == ["two events have the same number: the first one is counted"]


@given(history=recorded, data=st.data(), kind=st.integers(1_000, 2**31 - 1))
def test_event_types_of_a_newer_server_are_flagged(history: Recorded, data: st.DataObject, kind: int) -> None:
    events = [HistoryEvent.FromString(event.SerializeToString()) for event in history.events]
    changed = data.draw(st.sampled_from(events))
    changed.event_type = kind  # type: ignore[assignment]  # what a newer server would send
    count = history.count(events)
    flag = (f"no rule knows the event type number {kind}", f"event {changed.event_id}")
    assert flag in [(gap.what, gap.evidence) for gap in count.gaps]
    assert changed.event_id not in {int(unit.evidence.rsplit(" ", 1)[1]) for unit in count.units}
    check_evidence(count, events, history)


@given(history=recorded, data=st.data())
def test_an_event_without_its_attributes_is_no_evidence(history: Recorded, data: st.DataObject) -> None:
    events = [HistoryEvent.FromString(event.SerializeToString()) for event in history.events]
    changed = data.draw(st.sampled_from(events))
    changed.ClearField(changed.WhichOneof("attributes"))
    count = history.count(events)
    assert any("lacks the attributes" in gap.what for gap in count.gaps)
    assert f"{history.workflow} event {changed.event_id}" not in {unit.evidence for unit in count.units}
    check_evidence(count, events, history)


@pytest.mark.parametrize(("field", "complaint"), [("event_id", "has no number"), ("event_time", "has no valid time")])
def test_an_event_without_number_or_time_is_no_evidence(field: Any, complaint: str) -> None:
    events = [HistoryEvent.FromString(event.SerializeToString()) for event in HISTORIES["conversation"].events]
    for event in events:
        event.ClearField(field)
    count = HISTORIES["conversation"].count(events)
    assert count.units == []
    assert count.gaps and all(complaint in gap.what or gap.what == "the history is empty" for gap in count.gaps)


def clear_a_field(message: Message, data: st.DataObject) -> None:
    """Clear one field that is set, at any depth."""
    fields = [field for field, _ in message.ListFields()]
    if not fields:
        return
    field = data.draw(st.sampled_from(fields))
    value = getattr(message, field.name)
    if isinstance(value, Message) and data.draw(st.booleans()):
        clear_a_field(value, data)
    else:
        message.ClearField(field.name)


@given(history=recorded, data=st.data())
def test_any_field_may_be_absent(history: Recorded, data: st.DataObject) -> None:
    events = [HistoryEvent.FromString(event.SerializeToString()) for event in history.events]
    for event in data.draw(st.lists(st.sampled_from(events), max_size=8)):
        clear_a_field(event, data)
    check_evidence(history.count(events), events, history)


@given(history=recorded, place=st.integers(0), byte=st.binary(min_size=1, max_size=3))
def test_damaged_bytes_that_still_decode_do_no_harm(history: Recorded, place: int, byte: bytes) -> None:
    raw = bytearray(History(events=history.events).SerializeToString())
    at = place % len(raw)
    raw[at : at + len(byte)] = byte
    try:
        events = list(History.FromString(bytes(raw)).events)
    except DecodeError:
        return
    # A billion attempts would be a billion units, truly.
    assume(all(event.activity_task_started_event_attributes.attempt < 1_000 for event in events))
    check_evidence(history.count(events), events, history)


def test_an_empty_history_is_named() -> None:
    count = HISTORIES["conversation"].count([])
    assert count.units == []
    assert [gap.what for gap in count.gaps] == ["the history is empty"]
