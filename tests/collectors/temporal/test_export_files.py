"""Files with many histories, and zstandard: each history is read once, in order, and what is not whole is said."""

import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st
from recorded import Recorded, load
from temporalio.api.export.v1 import WorkflowExecution, WorkflowExecutions
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory

from durameter_collectors.temporal.files.read import (
    HistoryFileError,
    HistoryPlace,
    read_histories,
    read_history,
)

NAMES = ("conversation", "child", "continued", "reset_old", "reset_new")
HISTORIES = [load(name) for name in NAMES]


def as_json(history: Recorded) -> str:
    return WorkflowHistory(history.workflow, history.events).to_json()


def item(history: Recorded) -> WorkflowExecution:
    return WorkflowExecution(history=History(events=history.events))


def as_export(histories: Sequence[Recorded]) -> bytes:
    """The file that Temporal Cloud writes each hour."""
    return WorkflowExecutions(items=[item(each) for each in histories]).SerializeToString()


def as_items(histories: Sequence[Recorded]) -> bytes:
    return json.dumps({"items": [{"history": json.loads(as_json(each))} for each in histories]}).encode()


def as_list(histories: Sequence[Recorded]) -> bytes:
    return json.dumps([json.loads(as_json(each)) for each in histories]).encode()


def as_lines(histories: Sequence[Recorded]) -> bytes:
    return b"".join(json.dumps(json.loads(as_json(each))).encode() + b"\n" for each in histories)


FORMS: dict[str, Callable[[Sequence[Recorded]], bytes]] = {
    "export": as_export,
    "export in JSON": as_items,
    "list": as_list,
    "lines": as_lines,
    "one after the other": lambda histories: b"".join(
        json.dumps(json.loads(as_json(h)), indent=2).encode() for h in histories
    ),
    "lines in UTF-16": lambda histories: as_lines(histories).decode().encode("utf-16"),
    "gzipped export": lambda histories: gzip.compress(as_export(histories)),
    "zstandard export": lambda histories: zstd.compress(as_export(histories)),
    "zstandard lines": lambda histories: zstd.compress(as_lines(histories)),
    "zstandard in two frames": lambda histories: (
        zstd.compress(as_export(histories[:2])) + zstd.compress(as_export(histories[2:]))
    ),
}


def read(data: bytes) -> list[HistoryPlace]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        return list(read_histories(path))


@pytest.mark.parametrize("form", FORMS)
def test_every_history_of_a_file_is_read(form: str) -> None:
    found = read(FORMS[form](HISTORIES))
    assert [(each.problem, each.history.run if each.history else "") for each in found] == [
        ("", each.run) for each in HISTORIES
    ]
    for each, history in zip(found, HISTORIES, strict=True):
        assert each.history is not None
        assert history.count(each.history.events) == history.count()
    assert [each.place.rpartition(", ")[2] for each in found] == [f"history {n}" for n in range(1, 6)]


@pytest.mark.parametrize("history", HISTORIES, ids=NAMES)
def test_one_history_is_read_as_before(history: Recorded) -> None:
    message = History(events=history.events).SerializeToString()
    for data in (as_json(history).encode(), message, zstd.compress(message), gzip.compress(message)):
        (found,) = read(data)
        assert found.history == read_history(data)
        assert found.place.endswith("file")


@given(cut=st.integers(1, 200_000))
def test_an_export_that_was_cut_off_is_read_up_to_the_cut(cut: int) -> None:
    whole = as_export(HISTORIES)
    part = whole[: max(3, len(whole) - cut)]
    sizes = [len(as_export([each])) for each in HISTORIES]
    ends = [sum(sizes[:n]) for n in range(len(sizes) + 1)]
    expected = max(n for n, end in enumerate(ends) if end <= len(part))
    found = read(part)
    assert [each.history.run for each in found if each.history] == [each.run for each in HISTORIES[:expected]]
    problems = [each.problem for each in found if each.history is None]
    assert len(problems) == (0 if len(part) in ends else 1)
    assert all("cut off" in problem for problem in problems)


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
@pytest.mark.parametrize("form", ["export", "lines", "list"])
@given(cut=st.integers(1, 60_000))
def test_packed_files_that_were_cut_off_are_said(form: str, pack: Callable[[bytes], bytes], cut: int) -> None:
    """Wherever the cut is: the library that unpacks zstandard would end in silence."""
    whole = pack(FORMS[form](HISTORIES))
    found = read(whole[: max(4, len(whole) - cut)])
    assert found[-1].history is None
    assert "cut off" in found[-1].problem


def test_an_item_that_is_damaged_is_said_and_the_others_are_read() -> None:
    middle = WorkflowExecution(history=History(events=HISTORIES[1].events[:1])).SerializeToString()
    broken = middle[:2] + bytes(byte ^ 0xFF for byte in middle[2:])
    first, last = (each.SerializeToString() for each in (item(HISTORIES[0]), item(HISTORIES[2])))

    def framed(data: bytes) -> bytes:
        return WorkflowExecutions(items=[WorkflowExecution()]).SerializeToString()[:1] + length(len(data)) + data

    def length(size: int) -> bytes:
        out = b""
        while size >= 0x80:
            out, size = out + bytes([size & 0x7F | 0x80]), size >> 7
        return out + bytes([size])

    # Not the bytes: protobuf writes the entries of a map in any order.
    assert WorkflowExecutions.FromString(framed(first)).items == [item(HISTORIES[0])]
    found = read(framed(first) + framed(broken) + framed(last))
    assert [bool(each.history) for each in found] == [True, False, True]
    assert "file, history 2 is no history, or was damaged" in found[1].problem


def test_a_line_that_is_damaged_is_said_and_the_others_are_read() -> None:
    first, second, third = as_lines(HISTORIES[:3]).splitlines()
    found = read(b"\n".join([first, second[:-7], third]))
    assert [bool(each.history) for each in found] == [True, False, True]
    assert "file, history 2 is damaged JSON or was cut off" in found[1].problem


@pytest.mark.parametrize("place", [0, 2, 5])
def test_what_else_stands_in_the_text_is_said_and_the_histories_are_read(place: int) -> None:
    """As `>> all.json 2>&1` writes it, where a command failed in between."""
    texts = [json.dumps(json.loads(as_json(each)), indent=2) for each in HISTORIES]
    found = read("\n".join([*texts[:place], "{no: history}\nat all", *texts[place:]]).encode())
    assert [each.history.run if each.history else "" for each in found] == [
        *(each.run for each in HISTORIES[:place]),
        "",
        *(each.run for each in HISTORIES[place:]),
    ]
    assert f"file, history {place + 1} is damaged JSON or was cut off" in found[place].problem


def test_an_item_of_a_list_that_is_no_history_is_said() -> None:
    found = read(json.dumps([json.loads(as_json(HISTORIES[0])), {"name": "x"}, 7]).encode())
    assert [bool(each.history) for each in found] == [True, False, False]


def test_lines_of_something_else_are_one_refusal() -> None:
    """A log in JSON may have a million lines."""
    (found,) = read(b'{"level": "info"}\n' * 1000)
    assert found.history is None


def test_a_single_history_in_an_export_is_no_single_history() -> None:
    """The reader of one history says so, and does not count a part."""
    with pytest.raises(HistoryFileError):
        read_history(as_export(HISTORIES[:2]))


def test_a_trace_of_inngest_is_named() -> None:
    (found,) = read(b'{"id": "01K", "status": "COMPLETED", "trace": {"spanID": "a"}}')
    assert "is a trace of an Inngest run, which is counted on its server (--inngest URL)" in found.problem


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (found,) = read_histories(tmp_path / "missing")
    assert found.problem == f"{tmp_path / 'missing'} cannot be read: No such file or directory."


@given(
    data=st.binary(max_size=300),
    wrap=st.sampled_from([bytes, gzip.compress, zstd.compress, lambda data: b"\x0a\x80\x01\x0a" + data]),
)
def test_any_bytes_are_read_or_refused(data: bytes, wrap: Callable[[bytes], bytes]) -> None:
    found = read(wrap(data))
    assert found
    assert all(bool(each.history) != bool(each.problem) for each in found)


@given(name=st.sampled_from(range(len(HISTORIES))), at=st.integers(0, 5000), byte=st.integers(0, 255))
def test_an_export_with_a_wrong_byte_is_read_or_refused(name: int, at: int, byte: int) -> None:
    whole = bytearray(as_export([HISTORIES[name]] * 2))
    whole[at % len(whole)] = byte
    found = read(bytes(whole))
    assert found
    assert all(bool(each.history) != bool(each.problem) for each in found)
