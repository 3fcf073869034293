"""The decoder on any bytes, cut anyhow."""

import gzip
import json
from typing import Any

import pytest
from http_said import RUN, STEP, Said, asked, decoded, message, posted, replied
from hypothesis import given, settings
from hypothesis import strategies as st

from durameter_collectors.inngest.wire.client import WireRow
from durameter_collectors.inngest.wire.rows import WireProblem, WireUnreached
from durameter_collectors.inngest.wire.runs import counts_on_wire, runs_on_wire
from durameter_collectors.tapping.decoding import Kind

pytestmark = pytest.mark.long


def to_the_app(chunk: int = 0) -> list[Said]:
    """Some of everything: chunks, gzip, a stream, a proposal to upgrade, leave to send, errors, a sync."""
    zipped = gzip.compress(json.dumps(STEP).encode(), mtime=0)
    stream = b"  " + json.dumps({"status": 206, "body": json.dumps(STEP), "headers": {}}).encode()
    return [
        asked(chunk=chunk),
        replied(chunk=chunk),
        asked(attempt=1, headers={"connection": "upgrade", "upgrade": "h2c"}),
        replied(zipped, headers={"content-encoding": "gzip"}, chunk=chunk),
        (Kind.FROM_CLIENT, message("PUT /api/inngest HTTP/1.1")),
        replied({}, 200),
        asked(attempt=2, headers={"Expect": "100-continue"}, step="b" * 40),
        (Kind.FROM_SERVER, b"HTTP/1.1 100 Continue\r\n\r\n"),
        replied(stream, 201, chunk=chunk),
        (Kind.FROM_CLIENT, message("HEAD / HTTP/1.1")),
        replied(b"", 200, headers={"content-length": "12"}),
        asked(attempt=3),
        replied({"message": "no"}, 500, headers={"retry-after": "1"}),
    ]


def to_the_server() -> list[Said]:
    ids = ["01M848CV74K0MSN1HD9N94234E"]
    return [
        posted("/e/key", [{"name": "a"}]),
        replied({"ids": ids, "status": 200}, 200),
        posted("/v0/gql", {"query": "x"}),
        replied({"data": {}}, 200, chunk=3),
        posted(f"/v1/checkpoint/{RUN}/async", {"run_id": RUN, "steps": STEP}),
        replied(b"", 200),
        posted("/fn/register", {"appName": "a", "url": "u", "functions": []}),
        replied({}, 200),
    ]


TALKS = [(to_the_app(), "app"), (to_the_app(chunk=5), "app"), (to_the_server(), "server")]


def test_the_conversations_are_read() -> None:
    assert [[row.record for row in decoded(*talk)] for talk in TALKS] == [
        ["request"] * 4, ["request"] * 4, ["events", "checkpoint", "sync"],
    ]  # fmt: skip


@given(st.data(), st.sampled_from(TALKS))
@settings(max_examples=200, deadline=None)
def test_any_cut_of_the_stream_gives_the_same_rows(data: st.DataObject, talk: tuple[list[Said], str]) -> None:
    said, route = talk
    cut: list[Said] = []
    for side, piece in said:
        places = data.draw(st.lists(st.integers(0, len(piece)), max_size=4).map(sorted))
        cut += [(side, piece[a:b]) for a, b in zip([0, *places], [*places, len(piece)], strict=True)]
    assert decoded(cut, route) == decoded(said, route)


@pytest.mark.parametrize(("said", "route"), TALKS)
def test_byte_by_byte(said: list[Said], route: str) -> None:
    cut = [(side, bytes([byte])) for side, piece in said for byte in piece]
    assert decoded(cut, route) == decoded(said, route)


def done(rows: list[WireRow]) -> list[WireRow]:
    """Rows of exchanges that were seen to their end."""
    return [row for row in rows if not isinstance(row, WireProblem | WireUnreached) and row.status]


@given(st.data(), st.sampled_from(TALKS))
@settings(max_examples=300, deadline=None)
def test_a_connection_that_ends_anywhere_loses_nothing_in_silence(
    data: st.DataObject, talk: tuple[list[Said], str]
) -> None:
    """A prefix has the same rows up to there; the exchange that was under way then is told, if it was to be a row."""
    said, route = talk
    left = end = data.draw(st.integers(0, sum(len(piece) for _, piece in said)))
    cut: list[Said] = []
    for side, piece in said:
        cut.append((side, piece[:left]))
        left -= len(piece[:left])
    rows, whole = decoded(cut, route), decoded(said, route)
    seen = done(rows)
    assert seen == done(whole)[: len(seen)]
    heads, place = 0, 0
    for side, piece in said:
        head = piece.index(b"\r\n\r\n") + 4
        counted = any(word in piece[:head] for word in (b"fnId=", b"/e/", b"checkpoint", b"register"))
        heads += side == Kind.FROM_CLIENT and counted and place + head <= end
        place += len(piece)
    # A sync and events that are cut off are problems, an SDK request is a row and a problem: one number for each.
    assert len({row.call for row in rows} - {0}) == heads


@given(st.binary(min_size=1, max_size=400), st.binary(max_size=400), st.sampled_from(["app", "server"]))
@settings(max_examples=400, deadline=None)
def test_garbage_is_told_and_never_a_crash(client: bytes, server: bytes, route: str) -> None:
    rows = decoded([(Kind.FROM_CLIENT, client), (Kind.FROM_SERVER, server)], route)
    assert all(isinstance(row, WireProblem) for row in rows)
    if server or client.strip(b"\r\n"):
        assert len(rows) == 1


@given(st.data(), st.sampled_from(TALKS))
@settings(max_examples=500, deadline=None)
def test_damaged_bytes_never_crash(data: st.DataObject, talk: tuple[list[Said], str]) -> None:
    said, route = talk
    number = data.draw(st.integers(0, len(said) - 1))
    side, piece = said[number]
    place = data.draw(st.integers(0, len(piece) - 1))
    damage = data.draw(st.binary(min_size=1, max_size=6))
    damaged = [*said]
    damaged[number] = (side, piece[:place] + damage + piece[place + data.draw(st.integers(0, 6)) :])
    counts_on_wire(runs_on_wire(decoded(damaged, route)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["op", "id", "name", "ctx", "data", "ids", "opts", "run_id", "steps"]), inner)
    ),
    max_leaves=12,
)


@given(json_values, json_values, st.sampled_from([200, 201, 206, 500]))
@settings(max_examples=300, deadline=None)
def test_json_of_any_form_is_a_row_or_a_problem(sent: Any, answer: Any, status: int) -> None:
    body = json.dumps(sent).encode()
    rows = decoded([(Kind.FROM_CLIENT, message("POST /?fnId=f HTTP/1.1", body)), replied(answer, status)])
    assert rows[0].record == "request"
    runs_on_wire(rows)
    for path in ("/e/key", "/invoke/f", "/v1/checkpoint/r/async", "/v1/checkpoint", "/fn/register"):
        assert decoded([posted(path, sent), replied(answer, status)], "server")
