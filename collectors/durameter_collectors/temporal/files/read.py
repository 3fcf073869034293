"""Histories that lie in files: JSON of the CLI, the web UI or an SDK, and protobuf; plain, gzipped or zstandard.

A file has one history, or many: an export of Temporal Cloud, a list of histories, or one after the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import pairwise
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseError
from google.protobuf.message import DecodeError
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.export.v1 import WorkflowExecution
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.client import WorkflowHistory

from durameter_collectors.temporal.files.compression import COMPRESSION_ERRORS, opened
from durameter_collectors.temporal.files.json_forms import documents, parsed, utf8, with_encoded_payloads
from durameter_collectors.temporal.integrity import Damage

__all__ = [
    "CutOffError",
    "HistoryFileError",
    "HistoryPlace",
    "ReadHistory",
    "is_export",
    "items_of",
    "read_histories",
    "read_history",
]

# Protobuf files of histories, taken apart as a stream: one history, or an export of Temporal Cloud with many.

_ITEM = b"\x0a"
"""Tag of field 1 with a length: `WorkflowExecutions.items`, `WorkflowExecution.history`, `History.events`."""
_LONGEST_LENGTH = 5
"""Bytes. Protobuf allows no message of 2 GiB or more."""


class CutOffError(Exception):
    """The file ends within an item, or is no such file from there on."""


def is_export(head: bytes) -> bool:
    """Whether protobuf that begins so holds many histories. In that of one, an event's number stands in that place."""
    size = next((n for n, byte in enumerate(head[1 : 1 + _LONGEST_LENGTH], 1) if byte < 0x80), 0)
    return bool(size) and head.startswith(_ITEM) and head[1 + size : 2 + size] == _ITEM


def items_of(stream: "BufferedReader[Any]", *, most: int) -> Iterator[bytes]:
    """The items of an export, each a serialized `WorkflowExecution`.

    Args:
        stream: at its beginning.
        most: bytes of one item; no server keeps more of a run.

    Raises:
        CutOffError: the next item is not whole, or larger.
    """
    while tag := stream.read(1):
        if tag != _ITEM:
            raise CutOffError("what follows is no history")
        size = _length(stream)
        if size > most:
            raise CutOffError(f"the next history has {size} bytes, more than a server keeps of a run")
        item = stream.read(size)
        if len(item) < size:
            raise CutOffError("it was cut off within the next history")
        yield item


def _length(stream: "BufferedReader[Any]") -> int:
    """A length in base 128, the lowest seven bits first (protobuf's own encoding of numbers)."""
    size = 0
    for place in range(_LONGEST_LENGTH):
        byte = stream.read(1)
        if not byte:
            break
        size |= (byte[0] & 0x7F) << (7 * place)
        if byte[0] < 0x80:
            return size
    raise CutOffError("it was cut off before the next history")


_FIRST_EVENT_OF_LENGTH_OF_A_BRACKET = (b"\n{\x08", b"\n[\x08")
"""Protobuf that would pass for JSON: field 1, its length in a byte, and in it field 1, the event's number."""
_HEAD = 8
"""Bytes by which one history is told from many."""
_MOST_BYTES = 512 * 1024 * 1024
"""Decompressed. A server ends a workflow at 50 MB of history; JSON and payloads in it may be several times that."""
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


@dataclass(frozen=True)
class HistoryPlace:
    """A place in a file where a history was looked for."""

    place: str
    """The file; where it holds many histories, also which of them."""
    history: ReadHistory | None
    problem: str = ""
    """Why there is none, as a sentence that names the place and says what to do."""


def read_history(source: Path | bytes) -> ReadHistory:
    """Read one run's history.

    JSON as `temporal workflow show --output json`, the web UI and the SDKs' `to_json` write it, with the old
    (`WorkflowExecutionStarted`) or new (`EVENT_TYPE_WORKFLOW_EXECUTION_STARTED`) spelling of enumerations, and the
    protobuf message `temporal.api.history.v1.History`. Payloads may be as they are stored or decoded, as the web UI and
    a server's HTTP API write them, and events may stand newest first. Any of them may be compressed by gzip or
    zstandard.

    Args:
        source: a file, or what was in it.

    Raises:
        HistoryFileError: it cannot be read, is no history or was cut off within an event. The message names the file.
    """
    name = "The data" if isinstance(source, bytes) else f"{source}"
    try:
        with opened(source) as (stream, compression):
            return _read(_whole(stream, compression))
    except OSError as error:
        raise HistoryFileError(f"{name} cannot be read: {error.strerror or error}.") from error
    except _NotHistoryError as error:
        raise HistoryFileError(_refusal(name, error)) from error


def read_histories(path: Path) -> Iterator[HistoryPlace]:
    """Read every history of a file, one after the other: nothing of it is passed over in silence.

    What `read_history` reads, and files with many histories: `temporal.api.export.v1.WorkflowExecutions` as Temporal
    Cloud exports it, its JSON (`{"items": [{"history": ...}]}`), a JSON list of histories, and histories in JSON one
    after the other, each on a line of its own or not. Any of them may be compressed by gzip or zstandard.

    Args:
        path: the file.

    Yields:
        At least one entry: the histories in their order, and what could not be read, in its place. An export that was
        cut off yields what is whole, and then the reason.
    """
    number = 0
    try:
        with opened(path) as (stream, compression):
            for read in _all(stream, compression):
                number += 1
                place = f"{path}" if isinstance(read, ReadHistory) else f"{path}, history {number}"
                if isinstance(read, ReadHistory):
                    yield HistoryPlace(place, read)
                elif isinstance(read.found, ReadHistory):
                    yield HistoryPlace(place, read.found)
                else:
                    yield HistoryPlace(place, None, _refusal(place, read.found))
    except OSError as error:
        yield HistoryPlace(f"{path}", None, f"{path} cannot be read: {error.strerror or error}.")
    except CutOffError as error:
        what = f"{path} is an export, and after {number} histories {error}: those are counted. Download it again."
        yield HistoryPlace(f"{path}", None, what)
    except _NotHistoryError as error:
        yield HistoryPlace(f"{path}", None, _refusal(f"{path}", error))


class _NotHistoryError(Exception):
    """Says why, to stand after the file's name."""


class _DamagedJsonError(_NotHistoryError):
    """It may be several values, one after the other."""


@dataclass(frozen=True)
class _OneOfMany:
    """What a file of many histories has in one place."""

    found: ReadHistory | _NotHistoryError


def _refusal(name: str, error: _NotHistoryError) -> str:
    return (
        f"{name} {error}. A history is what `temporal workflow show --output json` prints, "
        "or a protobuf message temporal.api.history.v1.History."
    )


def _whole(stream: "BufferedReader[Any]", compression: str) -> bytes:
    """All that is left in it; text in UTF-8 without a byte order mark."""
    try:
        data = stream.read(_MOST_BYTES + 1)
    except COMPRESSION_ERRORS as error:
        raise _NotHistoryError(f"{compression}, and damaged or cut off ({error})") from error
    if len(data) > _MOST_BYTES:
        raise _NotHistoryError(f"unpacks to more than {_MOST_BYTES // 1024**2} MiB, more than a server keeps of a run")
    try:
        return utf8(data)
    except ValueError as error:
        raise _NotHistoryError(f"is damaged text or was cut off ({error})") from error


def _all(stream: "BufferedReader[Any]", compression: str) -> Iterator[ReadHistory | _OneOfMany]:
    """The one history of a file, or each of many."""
    try:
        head = stream.peek(_HEAD)[:_HEAD]
    except COMPRESSION_ERRORS as error:
        raise _NotHistoryError(f"{compression}, and damaged or cut off ({error})") from error
    # An item of an export is longer than the 123 or 91 bytes at which its length would pass for a bracket.
    if is_export(head) and not head.lstrip().startswith((b"{", b"[")):
        items = items_of(stream, most=_MOST_BYTES)
        while True:
            try:
                item = next(items, None)
            except COMPRESSION_ERRORS as error:
                raise CutOffError(f"it is damaged or was cut off ({error})") from error
            if item is None:
                return
            yield _OneOfMany(_exported(item))
    data = _whole(stream, compression)
    if _is_json(data):
        yield from _all_of_json(data.lstrip())
    else:
        yield _read(data)


def _exported(item: bytes) -> ReadHistory | _NotHistoryError:
    try:
        return _sound(list(WorkflowExecution.FromString(item).history.events), [])
    except DecodeError:
        return _NotHistoryError("is no history, or was damaged")
    except _NotHistoryError as error:
        return error


def _all_of_json(text: bytes) -> Iterator[ReadHistory | _OneOfMany]:
    try:
        yield from _of_value(_parsed(text))
    except _DamagedJsonError as error:
        yield from _one_after_the_other(text, error)


def _of_value(value: object) -> Iterator[ReadHistory | _OneOfMany]:
    items = value.get("items") if isinstance(value, dict) else value
    if isinstance(items, list) and any(_holds_history(each) for each in items):
        for each in items:
            yield _OneOfMany(_one_of_json(each))
    else:
        yield _of_record(value)


def _one_after_the_other(text: bytes, damage: "_DamagedJsonError") -> Iterator[_OneOfMany]:
    """Each of several values. Where none is a history, a log in JSON may be, they are one refusal."""
    refused: list[_OneOfMany] = []
    is_of_histories = False
    for value in documents(text):
        is_of_histories = is_of_histories or _holds_history(value)
        refused += _several_of_value(value)
        if is_of_histories:
            yield from refused
            refused = []
    if not is_of_histories:
        raise damage


def _several_of_value(value: object) -> Iterator[_OneOfMany]:
    try:
        if isinstance(value, ValueError):
            raise _damaged(value)
        for each in _of_value(value):
            yield each if isinstance(each, _OneOfMany) else _OneOfMany(each)
    except _NotHistoryError as error:
        yield _OneOfMany(error)


def _holds_history(record: object) -> bool:
    """Whether this is a history in JSON, or an item of an export with one in it."""
    return isinstance(record, dict) and any(name in record for name in ("events", "history"))


def _one_of_json(found: object) -> ReadHistory | _NotHistoryError:
    """One of many: a history, or an item of an export with one in it."""
    try:
        return _of_record(found)
    except _NotHistoryError as error:
        return error


def _is_json(data: bytes) -> bool:
    text = data.lstrip()
    return text.startswith((b"{", b"[")) and not data.startswith(_FIRST_EVENT_OF_LENGTH_OF_A_BRACKET)


def _read(data: bytes) -> ReadHistory:
    text = data.lstrip()
    if not text:
        raise _NotHistoryError("is empty")
    return _of_record(_parsed(text)) if _is_json(data) else _sound(_from_protobuf(data), [])


def _of_record(record: object) -> ReadHistory:
    return _sound(*_from_json(record))


def _sound(events: list[HistoryEvent], damages: list[Damage]) -> ReadHistory:
    if all(one.event_id > other.event_id for one, other in pairwise(events)):
        events = [*reversed(events)]  # newest first, as `temporal workflow show --reverse` prints them
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


def _parsed(text: bytes) -> object:
    try:
        return parsed(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> "_DamagedJsonError":
    return _DamagedJsonError(f"is damaged JSON or was cut off ({error})")


def _from_json(parsed: object) -> tuple[list[HistoryEvent], list[Damage]]:
    record = {"events": parsed} if isinstance(parsed, list) else parsed
    if not isinstance(record, dict):
        raise _NotHistoryError('is JSON without a list of "events"')
    if isinstance(record.get("trace"), dict) or "spanID" in record:
        raise _NotHistoryError("is a trace of an Inngest run, which is counted on its server (--inngest URL)")
    if isinstance(record.get("history"), dict):  # an item of an export, or a page of a server's HTTP API
        record = record["history"]
    raw = record.get("events")
    if not isinstance(raw, list) or not all(isinstance(event, dict) for event in raw):
        raise _NotHistoryError('is JSON without a list of "events"')
    try:
        events = list(WorkflowHistory.from_json("", {"events": [with_encoded_payloads(event) for event in raw]}).events)
    except (ParseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # The SDK repairs old spellings before it checks anything, hence so many kinds.
        raise _NotHistoryError(f"has events that are not as a server writes them ({error})") from error
    newer = [
        Damage(f"no rule knows the event type {event.get('eventType')}", f"event {event.get('eventId')}")
        for event, read in zip(raw, events, strict=True)
        if read.event_type == EventType.EVENT_TYPE_UNSPECIFIED
    ]
    return events, newer
