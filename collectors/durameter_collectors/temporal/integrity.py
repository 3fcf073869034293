"""A run's events, checked and put in order before anything is counted: what is damaged is set aside and named."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

__all__ = ["ENDS", "Damage", "in_order", "name_of"]

_LAST_SECOND = 253_402_300_799
"""The end of the year 9999: no later time can be written down."""
_NAMES: dict[int, str] = {number: name.removeprefix("EVENT_TYPE_") for name, number in EventType.items()}
_SKEW_SECONDS = 60
"""How far the clocks of a cluster's machines may disagree without being named."""

ENDS = frozenset(
    f"WORKFLOW_EXECUTION_{name}"
    for name in ("COMPLETED", "FAILED", "TIMED_OUT", "CANCELED", "TERMINATED", "CONTINUED_AS_NEW")
)
_REFERENCES = ("scheduled_event_id", "started_event_id", "initiated_event_id", "workflow_task_completed_event_id")
"""Fields by which an event names an earlier one, whose type ends as the field begins."""


class Damage(NamedTuple):
    """Something about the record of a run that a whole and sound history does not have."""

    what: str
    evidence: str


def name_of(event: HistoryEvent) -> str:
    """Name of the event's type, without its prefix; a type of a newer server has a number only."""
    return _NAMES.get(event.event_type) or f"number {event.event_type}"


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
    damages.extend(_strays(by_number, ordered))
    damages.extend(_misdated(ordered))
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
    known = event.event_type in _NAMES and event.event_type != EventType.EVENT_TYPE_UNSPECIFIED
    # By the vendor's naming, an event of type X carries its attributes in the field x_event_attributes.
    if known and event.WhichOneof("attributes") != f"{name_of(event).lower()}_event_attributes":
        return "lacks the attributes of its type"
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED and event.event_id != 1:
        return "starts the run and is not its first"
    attempt = event.activity_task_started_event_attributes.attempt
    if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED and attempt < 1:
        return "does not say which attempt of an activity it is"
    return ""


def _holes(ordered: list[HistoryEvent]) -> list[Damage]:
    """Numbers that are missing below the highest one."""
    numbers = [0, *(event.event_id for event in ordered)]
    return [
        Damage("events are missing: what they say is not counted", f"events {before + 1} to {after - 1}")
        for before, after in pairwise(numbers)
        if after > before + 1
    ]


def _strays(by_number: Mapping[int, HistoryEvent], ordered: list[HistoryEvent]) -> list[Damage]:
    """Events that cannot be of the same run as the others, such as those of two files in one.

    They are counted: nothing tells which of the two is in the wrong place.
    """
    strays = []
    end = next((event.event_id for event in ordered if name_of(event) in ENDS), 0)
    if end and ordered[-1].event_id > end:
        strays.append(Damage("events stand after the run's end: several runs may be mixed", f"events after {end}"))
    for event in ordered:
        field = event.WhichOneof("attributes")
        attributes = getattr(event, field) if field else None
        for reference in _REFERENCES:
            named = by_number.get(getattr(attributes, reference, 0))
            if named is not None and not name_of(named).endswith(reference.removesuffix("_event_id").upper()):
                what = f"an event names event {named.event_id}, which is {name_of(named)}: several runs may be mixed"
                strays.append(Damage(what, _evidence(event)))
    return strays


def _misdated(ordered: list[HistoryEvent]) -> list[Damage]:
    """Events from before the run's start or after its end, by the servers' clocks. They are counted."""
    start = next((event.event_time.seconds for event in ordered if event.event_id == 1), 0)
    end = next((event.event_time.seconds for event in ordered if name_of(event) in ENDS), _LAST_SECOND)
    odd = [e for e in ordered if not start - _SKEW_SECONDS <= e.event_time.seconds <= end + _SKEW_SECONDS]
    if not odd:
        return []
    return [Damage(f"{len(odd)} events are dated before the run's start or after its end", _evidence(odd[0]))]
