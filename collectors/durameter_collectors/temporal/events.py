"""A run's events, checked and put in order before anything is counted: what is damaged is set aside and named."""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

__all__ = ["Damage", "in_order", "name_of"]

_LAST_SECOND = 253_402_300_799
"""The end of the year 9999: no later time can be written down."""


class Damage(NamedTuple):
    """Something about the record of a run that a whole and sound history does not have."""

    what: str
    evidence: str


def name_of(event: HistoryEvent) -> str:
    """Name of the event's type, without its prefix; a type of a newer server has a number only."""
    if event.event_type in EventType.values():
        return EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
    return f"number {event.event_type}"


def in_order(events: Iterable[HistoryEvent]) -> tuple[list[HistoryEvent], list[Damage]]:
    """Sort events by their numbers and take each number once.

    A server numbers the events of a run 1, 2, 3, ... Histories that come out of files may be cut, merged or damaged.

    Args:
        events: what was read, in any order.

    Returns:
        The sound events by number, and what was wrong with the rest. The end of a history that was cut off cannot be
        told from a run that still goes on, so that is not among it.
    """
    damages: list[Damage] = []
    by_number: dict[int, HistoryEvent] = {}
    sorted_so_far = True
    last = 0
    for event in events:
        reason = _unsound(event)
        known = by_number.get(event.event_id)
        if reason:
            damages.append(Damage(f"an event {reason}: it is not counted", _evidence(event)))
        elif known is None:
            sorted_so_far = sorted_so_far and event.event_id > last
            last = event.event_id
            by_number[event.event_id] = event
        elif known == event:
            damages.append(Damage("an event is there more than once: it is counted once", _evidence(event)))
        else:
            damages.append(Damage("two events have the same number: the first one is counted", _evidence(event)))
    ordered = [by_number[number] for number in sorted(by_number)]
    if not sorted_so_far:
        damages.append(Damage("the events were out of order: they are counted in the order of their numbers", ""))
    damages.extend(_holes(ordered))
    return ordered, damages


def _evidence(event: HistoryEvent) -> str:
    return f"event {event.event_id}, {name_of(event)}"


def _unsound(event: HistoryEvent) -> str:
    """Why this event cannot be evidence for anything, or an empty string."""
    if event.event_id < 1:
        return "has no number"
    moment = event.event_time
    if not (0 < moment.seconds <= _LAST_SECOND and 0 <= moment.nanos < 1_000_000_000):
        return "has no valid time"
    known = event.event_type in EventType.values() and event.event_type != EventType.EVENT_TYPE_UNSPECIFIED
    # By the vendor's naming, an event of type X carries its attributes in the field x_event_attributes.
    if known and event.WhichOneof("attributes") != f"{name_of(event).lower()}_event_attributes":
        return "lacks the attributes of its type"
    return ""


def _holes(ordered: list[HistoryEvent]) -> list[Damage]:
    """Numbers that are missing below the highest one."""
    numbers = [0, *(event.event_id for event in ordered)]
    return [
        Damage("events are missing: what they say is not counted", f"events {before + 1} to {after - 1}")
        for before, after in pairwise(numbers)
        if after > before + 1
    ]
