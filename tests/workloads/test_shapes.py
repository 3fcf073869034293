"""Shapes against the recordings they come from, and what the overlay may and may not do."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from durameter_workloads.support_agent.shape import Conversation
from durameter_workloads.support_agent.shapes import Overlay, draw_conversations, recorded_conversations

NONE = Overlay(approvals=0, hand_overs=0, parallel_tools=0, reminders=0)


def _calls(conversation: Conversation) -> int:
    return sum(len(message.model_calls) for message in conversation.messages)


def test_the_recordings_are_as_their_source_says() -> None:
    """120 runs; 22 end with a tool's result; model turns: mean 14.15 (the fact sheet: 14.2, variance / mean 2.6)."""
    recorded = recorded_conversations()
    assert len(recorded) == 120
    assert sum(bool(each.messages[-1].model_calls[-1].tools) for each in recorded) == 22
    counts = [_calls(each) for each in recorded]
    mean = sum(counts) / 120
    assert mean == 14.15
    variance = sum((count - mean) ** 2 for count in counts) / 119
    assert round(variance / mean, 1) == 2.6


def test_the_first_recording_by_hand() -> None:
    """Task 0, trial 0: the steps of the file, grouped by user message."""
    first = recorded_conversations()[0]
    assert first.source == "0/0"
    assert [len(message.model_calls) for message in first.messages] == [1, 1, 3, 2, 2, 4, 2]
    assert (first.messages[0].chars, first.messages[0].model_calls[0].chars) == (70, 91)


def test_all_120_are_drawn_before_any_comes_again() -> None:
    drawn = [each.source for each in draw_conversations(130, 1, NONE)]
    assert len(set(drawn[:120])) == 120
    assert set(drawn[120:]) <= set(drawn[:120])


@given(st.integers(0, 10**6), st.integers(1, 40))
def test_the_same_seed_draws_the_same_tasks_and_more_tasks_begin_with_the_same(seed: int, count: int) -> None:
    overlay = Overlay()
    assert draw_conversations(count, seed, overlay) == draw_conversations(40, seed, overlay)[:count]


@given(st.integers(0, 10**6))
def test_without_an_overlay_the_recordings_come_unchanged(seed: int) -> None:
    recorded = {each.source: each for each in recorded_conversations()}
    assert all(each == recorded[each.source] for each in draw_conversations(5, seed, NONE))


@given(st.integers(0, 10**6))
def test_a_full_overlay_changes_no_model_call_of_the_main_agent(seed: int) -> None:
    everything = Overlay(approvals=1, hand_overs=1, parallel_tools=1, reminders=1)
    recorded = {each.source: each for each in recorded_conversations()}
    for each in draw_conversations(10, seed, everything):
        assert _calls(each) == _calls(recorded[each.source])
        assert not each.messages[-1].reminder
        special = Counter(
            (tool.approval is not None, bool(tool.hand_over))
            for message in each.messages
            for call in message.model_calls
            for tool in call.tools
        )
        assert special[True, False] <= 1
        assert special[False, True] <= 1
