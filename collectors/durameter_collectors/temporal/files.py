"""Histories that lie in files: JSON of the CLI, the web UI or an SDK, and protobuf; plain or gzipped."""

import gzip
import json
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseError
from google.protobuf.message import DecodeError
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.client import WorkflowHistory

from durameter_collectors.temporal.events import Damage

__all__ = ["HistoryFileError", "ReadHistory", "read_history"]

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_FIRST_EVENT_OF_LENGTH_OF_A_BRACKET = (b"\n{\x08", b"\n[\x08")
"""Protobuf that would pass for JSON: field 1, its length in a byte, and in it field 1, the event's number."""
_MOST_BYTES = 512 * 1024 * 1024
"""Unpacked. A server ends a workflow at 50 MB of history; JSON and payloads in it may be several times that."""
_ENDS = frozenset(
    EventType.Value(f"EVENT_TYPE_WORKFLOW_EXECUTION_{name}")
    for name in ("COMPLETED", "FAILED", "TIMED_OUT", "CANCELED", "TERMINATED", "CONTINUED_AS_NEW")
)


class HistoryFileError(Exception):
    """A file is no event history, or only a part of one."""


@dataclass(frozen=True)
class ReadHistory:
    """One run's record as a file has it. Whether its events are sound is for `count_history` to say."""

    events: tuple[HistoryEvent, ...]
    workflow: str
    """Workflow id; empty where the file does not say (servers of before 2024 wrote none)."""
    run: str
    """Run id; empty where the file does not say."""
    ended: bool
    """Whether the run's end is there. If not, it ran on when the file was made, or the end was cut off."""
    damages: tuple[Damage, ...] = ()
    """What of the file could not be kept: event types that only newer servers know, by name."""


def read_history(source: Path | bytes) -> ReadHistory:
    """Read one run's history.

    JSON as `temporal workflow show --output json`, the web UI and the SDKs' `to_json` write it, with the old
    (`WorkflowExecutionStarted`) or new (`EVENT_TYPE_WORKFLOW_EXECUTION_STARTED`) spelling of enumerations, and the
    protobuf message `temporal.api.history.v1.History`. Any of them may be gzipped.

    Args:
        source: a file, or what was in it.

    Raises:
        HistoryFileError: it cannot be read, is no history or was cut off within an event. The message names the file.
    """
    name = "The data" if isinstance(source, bytes) else f"{source}"
    try:
        raw = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise HistoryFileError(f"{name} cannot be read: {error.strerror or error}.") from error
    try:
        return _read(_unpacked(raw))
    except _NotHistoryError as error:
        raise HistoryFileError(
            f"{name} {error}. A history is what `temporal workflow show --output json` prints, "
            "or a protobuf message temporal.api.history.v1.History."
        ) from error


class _NotHistoryError(Exception):
    """Says why, to stand after the file's name."""


def _unpacked(raw: bytes) -> bytes:
    if not raw.startswith(_GZIP):
        return raw
    try:
        with gzip.open(BytesIO(raw)) as packed:
            data = packed.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _NotHistoryError(f"is gzipped, and damaged or cut off ({error})") from error
    if len(data) > _MOST_BYTES:
        raise _NotHistoryError(f"unpacks to more than {_MOST_BYTES // 1024**2} MiB, more than a server keeps of a run")
    return data


def _read(data: bytes) -> ReadHistory:
    text = data.removeprefix(_BOM).lstrip()
    if not text:
        raise _NotHistoryError("is empty")
    damages: list[Damage] = []
    if text.startswith((b"{", b"[")) and not data.startswith(_FIRST_EVENT_OF_LENGTH_OF_A_BRACKET):
        events, damages = _from_json(text)
    else:
        events = _from_protobuf(data)
    if not any(event.event_id and event.HasField("event_time") for event in events):
        raise _NotHistoryError("holds nothing that looks like an event" if events else "holds no events")
    started = events[0].workflow_execution_started_event_attributes
    return ReadHistory(
        events=tuple(events),
        workflow=started.workflow_id,
        run=_made_by_reset(events) or started.original_execution_run_id,
        ended=any(event.event_type in _ENDS for event in events),
        damages=tuple(damages),
    )


def _made_by_reset(events: list[HistoryEvent]) -> str:
    """The run that a reset made: its start event is a copy that names the first run."""
    cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
    failed = [event.workflow_task_failed_event_attributes for event in events]
    return next((each.new_run_id for each in reversed(failed) if each.cause == cause), "")


def _from_protobuf(data: bytes) -> list[HistoryEvent]:
    try:
        return list(History.FromString(data).events)
    except DecodeError as error:
        raise _NotHistoryError("is neither JSON nor protobuf of a history, or was cut off") from error


def _from_json(text: bytes) -> tuple[list[HistoryEvent], list[Damage]]:
    try:
        parsed = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise _NotHistoryError(f"is damaged JSON or was cut off ({error})") from error
    record = {"events": parsed} if isinstance(parsed, list) else parsed
    raw = record.get("events")
    if not isinstance(raw, list) or not all(isinstance(event, dict) for event in raw):
        raise _NotHistoryError('is JSON without a list of "events"')
    try:
        events = list(WorkflowHistory.from_json("", record).events)
    except (ParseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # The SDK repairs old spellings before it checks anything, hence so many kinds.
        raise _NotHistoryError(f"has events that are not as a server writes them ({error})") from error
    newer = [
        Damage(f"no rule knows the event type {event.get('eventType')}", f"event {event.get('eventId')}")
        for event, read in zip(raw, events, strict=True)
        if read.event_type == EventType.EVENT_TYPE_UNSPECIFIED
    ]
    return events, newer


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: of two lists of events the reader would drop one.

    Raises:
        ValueError: a key is there twice.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("an object has a key twice")
    return made
