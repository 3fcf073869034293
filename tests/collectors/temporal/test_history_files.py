"""Files of histories: every form is read to the same events; whatever is cut or no history is refused with a reason."""

import base64
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import Recorded, load
from temporalio.api.enums.v1 import EventType
from temporalio.api.export.v1 import WorkflowExecution, WorkflowExecutions
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.client import WorkflowHistory

from durameter_collectors.temporal.files.read import HistoryFileError, read_history

NAMES = ("conversation", "child", "continued", "signal_with_start", "delayed_then_signal", "reset_old", "reset_new")
HISTORIES = {name: load(name) for name in NAMES}
recorded = st.sampled_from(list(HISTORIES.values()))


def as_sdk(history: Recorded) -> bytes:
    return WorkflowHistory(history.workflow, history.events).to_json().encode()


def as_cli(history: Recorded) -> bytes:
    """The CLI writes a field that is a duration of zero, and indents by two; the SDK drops it."""
    record = json.loads(as_sdk(history))
    record["events"][0]["workflowExecutionStartedEventAttributes"].setdefault("workflowRunTimeout", "0s")
    return json.dumps(record, indent=2).encode()


def as_old(history: Recorded) -> bytes:
    """Enumerations as they were spelled before 2023: `EVENT_TYPE_TIMER_STARTED` as `TimerStarted`."""

    def pascal(match: re.Match[str]) -> str:
        return '"' + "".join(word.capitalize() for word in match[1].split("_")) + '"'

    kinds = "EVENT_TYPE|TASK_QUEUE_KIND|CONTINUE_AS_NEW_INITIATOR|PARENT_CLOSE_POLICY|WORKFLOW_TASK_FAILED_CAUSE"
    return re.sub(rf'"(?:{kinds})_([A-Z_]+)"', pascal, as_sdk(history).decode()).encode()


def as_protobuf(history: Recorded) -> bytes:
    return History(events=history.events).SerializeToString()


def as_list(history: Recorded) -> bytes:
    return json.dumps(json.loads(as_sdk(history))["events"]).encode()


def as_newest_first(history: Recorded) -> bytes:
    """`temporal workflow show --reverse`."""
    return json.dumps({"events": json.loads(as_sdk(history))["events"][::-1]}).encode()


def as_decoded(history: Recorded) -> bytes:
    """The web UI's download where it is to be readable: what payloads hold, in their places."""

    def decoded(value: Any) -> Any:
        if isinstance(value, list):
            return [decoded(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "encoding" in value.get("metadata", ()):
            data = base64.b64decode(value.get("data", ""))
            return json.loads(data) if value["metadata"]["encoding"] == "anNvbi9wbGFpbg==" else None
        return {key: decoded(each) for key, each in value.items()}

    record = decoded(json.loads(as_sdk(history)))
    assert "encoding" not in json.dumps(record)
    return json.dumps(record).encode()


def as_http(history: Recorded) -> bytes:
    """`GET /api/v1/namespaces/NAMESPACE/workflows/ID/history` of a server: shorter, and in an object of its own."""

    def shorter(value: Any) -> Any:
        if isinstance(value, list):
            return [shorter(each) for each in value]
        if not isinstance(value, dict):
            return value
        return value["payloads"] if [*value] == ["payloads"] else {key: shorter(each) for key, each in value.items()}

    return json.dumps({"history": shorter(json.loads(as_decoded(history)))}).encode()


FORMS: dict[str, Callable[[Recorded], bytes]] = {
    "SDK": as_sdk,
    "CLI": as_cli,
    "old spelling": as_old,
    "list": as_list,
    "protobuf": as_protobuf,
    "with a byte order mark": lambda history: b"\xef\xbb\xbf" + as_sdk(history),
    "in UTF-16": lambda history: as_sdk(history).decode().encode("utf-16"),
    "newest first": as_newest_first,
    "decoded": as_decoded,
    "HTTP API": as_http,
    "gzipped JSON": lambda history: gzip.compress(as_sdk(history), mtime=0),
    "gzipped protobuf": lambda history: gzip.compress(as_protobuf(history), mtime=0),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", HISTORIES)
def test_every_form_is_read_and_counts_the_same(form: str, name: str, tmp_path: Path) -> None:
    history = HISTORIES[name]
    path = tmp_path / "file"
    path.write_bytes(FORMS[form](history))
    read = read_history(path)
    assert (read.workflow, read.run, read.ended, read.damages) == (history.workflow, history.run, True, ())
    assert history.count(read.events) == history.count()
    assert read_history(path.read_bytes()) == read


def test_old_spelling_is_not_the_new_one() -> None:
    """The conversion above does something."""
    old = as_old(HISTORIES["reset_new"])
    assert b'"WorkflowExecutionStarted"' in old
    assert b'"ResetWorkflow"' in old
    assert b"EVENT_TYPE" not in old


@given(history=recorded, cut=st.integers(1, 100_000))
def test_json_that_was_cut_is_refused(history: Recorded, cut: int) -> None:
    whole = as_sdk(history).rstrip()
    with pytest.raises(HistoryFileError, match="cut off"):
        read_history(whole[: max(1, len(whole) - cut)])


@given(history=recorded, cut=st.integers(1, 10_000))
def test_gzip_that_was_cut_is_refused(history: Recorded, cut: int) -> None:
    whole = gzip.compress(as_sdk(history), mtime=0)
    with pytest.raises(HistoryFileError):
        read_history(whole[: max(2, len(whole) - cut)])


@given(history=recorded, cut=st.integers(1, 100_000))
def test_protobuf_that_was_cut_is_refused_or_says_that_the_end_is_missing(history: Recorded, cut: int) -> None:
    """Between two events nothing tells, except that no end is there."""
    whole = as_protobuf(history)
    ends = {History(events=history.events[:n]).ByteSize() for n in range(len(history.events))}
    part = whole[: max(0, len(whole) - cut)]
    if len(part) in ends - {0}:
        assert not read_history(part).ended
    else:
        with pytest.raises(HistoryFileError):
            read_history(part)


def test_protobuf_that_begins_like_json_is_read() -> None:
    """Field 1 is a line feed, and 123 or 91 bytes of event are a bracket."""
    for bracket in b"{[":
        event = HistoryEvent(event_id=1, event_type=EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
        event.event_time.seconds = 1
        started = event.workflow_execution_started_event_attributes
        started.SetInParent()
        while event.ByteSize() < bracket:
            started.identity += "x"
        raw = History(events=[event]).SerializeToString()
        assert raw[:2] == bytes([10, bracket])
        assert read_history(raw).events == (event,)


def exported(history: Recorded) -> bytes:
    """A Cloud export, which holds many histories."""
    return WorkflowExecutions(items=[WorkflowExecution(history=History(events=history.events))] * 2).SerializeToString()


SECOND_EVENTS = b'{"events": [{"eventId": "1"}], "events": []}'


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"not a history", "neither JSON nor protobuf"),
        (b"{}", 'without a list of "events"'),
        (b'{"events": {}}', 'without a list of "events"'),
        (b'{"events": [1]}', 'without a list of "events"'),
        (b'{"events": []}', "holds no events"),
        (b'{"events": [{"a": 1}]}', "nothing that looks like an event"),
        (b'{"events": [{"eventId": "one"}]}', "not as a server writes them"),
        (b'{"events": [{"eventType": []}]}', "not as a server writes them"),
        (b'{"events": [{"eventTime": "yesterday"}]}', "not as a server writes them"),
        (SECOND_EVENTS, "a key twice"),
        (b"[" * 100_000, "damaged JSON"),
        (exported(HISTORIES["child"]), "nothing that looks like an event"),
    ],
)
def test_what_is_no_history_is_refused(data: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_bytes(data)
    with pytest.raises(HistoryFileError, match=re.escape(why)) as caught:
        read_history(path)
    assert str(path) in str(caught.value)
    assert "temporal workflow show" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryFileError, match=r"missing\.json cannot be read: No such file"):
        read_history(tmp_path / "missing.json")


def test_event_types_of_a_newer_server_are_named() -> None:
    """Readers of JSON drop a name that they do not know; the count then only knows that something was there."""
    record = json.loads(as_sdk(HISTORIES["child"]))
    record["events"][4]["eventType"] = "EVENT_TYPE_SOMETHING_NEW"
    read = read_history(json.dumps(record).encode())
    assert [tuple(damage) for damage in read.damages] == [
        ("no rule knows the event type EVENT_TYPE_SOMETHING_NEW", "event 5")
    ]
    assert "event 5" in [gap.evidence for gap in HISTORIES["child"].count(read.events).gaps]


def test_a_run_that_goes_on_has_no_end() -> None:
    history = HISTORIES["child"]
    assert not read_history(History(events=history.events[:-1]).SerializeToString()).ended


@given(data=st.binary(max_size=400), wrap=st.sampled_from([bytes, gzip.compress, lambda data: b'{"events":' + data]))
def test_any_bytes_are_read_or_refused(data: bytes, wrap: Callable[[bytes], bytes]) -> None:
    try:
        read = read_history(wrap(data))
    except HistoryFileError:
        return
    assert read.events


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(history=recorded, data=st.data())
def test_json_with_a_damaged_value_is_read_or_refused(history: Recorded, data: st.DataObject) -> None:
    """Any value at any depth becomes another one: never another error than ours, never more units."""
    record = json.loads(as_sdk(history))
    at: Any = record["events"]
    while True:
        key = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(JSON)
    try:
        read = read_history(json.dumps(record).encode())
    except HistoryFileError:
        return
    history.count(read.events)
