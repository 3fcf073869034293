"""The model server, over real HTTP and through OpenAI's own client."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durameter_workloads.model_server import Faults, ModelServer, ScriptedReply, ScriptedToolCall, Scripts, serve_model
from durameter_workloads.model_server.faults import faults_of_call
from durameter_workloads.model_server.server import ModelLog, Served
from durameter_workloads.model_server.stream import pieces_of
from durameter_workloads.support_agent.model import Model, ModelCallError
from durameter_workloads.support_agent.spec import AssistantTurn

SCRIPTS = Scripts(
    replies={
        "ann": (
            ScriptedReply(
                content="Let me look.", tool_calls=(ScriptedToolCall(name="lookup_order", arguments={"order": "A1"}),)
            ),
            ScriptedReply(content="It leaves at nine, from gate twelve, on the second floor."),
        )
    }
)
ASKED = {"role": "user", "content": "When does my flight leave?"}
FIRST = {"role": "assistant", "content": "Let me look."}


@asynccontextmanager
async def served(
    file: Path | None = None, **settings: object
) -> AsyncIterator[tuple[openai.AsyncOpenAI, ModelLog, str]]:
    server = ModelServer.model_validate({"scripts": SCRIPTS, "latency_ms": 0, **settings})
    async with (
        serve_model(server, log_file=file) as (url, log),
        openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client,
    ):
        yield client, log, url


async def ask(
    client: openai.AsyncOpenAI, *messages: dict[str, str], user: str = "ann"
) -> openai.types.chat.ChatCompletion:
    return await client.chat.completions.create(model="any", messages=list(messages), user=user)  # type: ignore[arg-type]  # plain dictionaries


async def test_the_reply_depends_on_the_place_in_the_conversation() -> None:
    async with served() as (client, _, _):
        first = (await ask(client, ASKED)).choices[0]
        second = (await ask(client, ASKED, FIRST)).choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.tool_calls is not None
    [call] = first.message.tool_calls
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("lookup_order", '{"order": "A1"}')
    assert (second.finish_reason, second.message.content) == ("stop", SCRIPTS.replies["ann"][1].content)


async def test_streaming_gives_the_same_answer_in_pieces() -> None:
    async with served() as (client, _, _):
        stream = await client.chat.completions.create(
            model="any",
            messages=[ASKED, FIRST],  # type: ignore[list-item]  # plain dictionaries
            user="ann",
            stream=True,
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(pieces) == SCRIPTS.replies["ann"][1].content
    assert len([piece for piece in pieces if piece]) > 1


def test_the_times_of_a_stream_are_drawn_by_seed() -> None:
    """Four letters a token; at 50 tokens a second the gaps are around 20 ms, and their mean is 20 x exp(0.5^2 / 2)."""
    pieces = pieces_of("x" * 4001, tokens_per_second=50, seed=1, user="ann", position=0)
    assert pieces == pieces_of("x" * 4001, tokens_per_second=50, seed=1, user="ann", position=0)
    assert pieces != pieces_of("x" * 4001, tokens_per_second=50, seed=1, user="ann", position=1)
    assert [len(piece.text) for piece in pieces] == [4] * 1000 + [1]
    assert pieces[0].offset_ms == 0
    assert 20_000 < pieces[-1].offset_ms < 26_000
    assert all(one.offset_ms <= next_.offset_ms for one, next_ in pairwise(pieces))


async def test_a_stream_takes_its_time_and_says_it() -> None:
    """The same offsets at any pace; the real time is the last offset times the pace."""
    text = SCRIPTS.replies["ann"][1].content
    for pace in (0.0, 2.0):
        heard: list[tuple[int, str]] = []
        async with served(stream_pace=pace) as (_, _, url):
            model = Model.at(url, key="none", name="any")
            began = time.monotonic()
            turn = await model.stream("ann", [ASKED, FIRST], partial(_hear, heard))
            took = time.monotonic() - began
            await model.close()
        assert turn == AssistantTurn(content=text, tool_calls=[])
        assert heard == pieces_of(text, tokens_per_second=50, seed=0, user="ann", position=1)
        assert took >= heard[-1][0] / 1000 * pace


async def test_tool_calls_come_out_of_a_stream() -> None:
    heard: list[tuple[int, str]] = []
    async with served() as (_, _, url):
        model = Model.at(url, key="none", name="any")
        turn = await model.stream("ann", [ASKED], partial(_hear, heard))
        whole = await model.call("ann", [ASKED])
        await model.close()
    assert turn == whole
    assert [call.name for call in turn.tool_calls] == ["lookup_order"]
    assert "".join(text for _, text in heard) == "Let me look."


async def test_a_stream_breaks_off_half_way_once() -> None:
    """Probability 1: the first stream ends in an error after half of its pieces, and may be tried again."""
    pieces = pieces_of(SCRIPTS.replies["ann"][1].content, tokens_per_second=50, seed=0, user="ann", position=1)
    heard: list[tuple[int, str]] = []
    async with served(faults=Faults(broken_streams=1.0), stream_pace=0) as (_, log, url):
        model = Model.at(url, key="none", name="any")
        with pytest.raises(ModelCallError, match="broke off"):
            await model.stream("ann", [ASKED, FIRST], partial(_hear, heard))
        assert heard == pieces[: (len(pieces) + 1) // 2]
        await model.stream("ann", [ASKED, FIRST], partial(_hear, heard))
        await model.call("ann", [ASKED, FIRST])  # what is not streamed does not break off
        await model.close()
    assert heard[(len(pieces) + 1) // 2 :] == pieces
    assert [(line.status, line.stream) for line in log.served] == [(200, True), (200, True), (200, False)]


async def _hear(heard: list[tuple[int, str]], offset_ms: int, text: str) -> None:
    heard.append((offset_ms, text))


async def test_faults_come_first_and_are_logged(tmp_path: Path) -> None:
    """Probability 1 and two in a row: attempts 1 and 2 are 429 with Retry-After, attempt 3 succeeds."""
    faults = Faults(rate_limited=1.0, most_in_a_row=2, retry_after_seconds=7)
    async with served(tmp_path / "log.jsonl", faults=faults) as (client, log, _):
        for _ in range(2):
            with pytest.raises(openai.RateLimitError) as caught:
                await ask(client, ASKED)
            assert caught.value.response.headers["retry-after"] == "7"
        await ask(client, ASKED)
    assert [(line.attempt, line.status) for line in log.served] == [(1, 429), (2, 429), (3, 200)]
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [Served.model_validate_json(line) for line in lines] == log.served
    assert log.observed("ann") == {
        "model_requests": 3, "model_replies": 1, "model_rate_limited": 2, "model_errors": 0,
    }  # fmt: skip


async def test_a_rate_limit_is_real() -> None:
    """Two requests a minute over all conversations: the third is refused and told how long to wait."""
    async with served(requests_per_minute=2) as (client, _, _):
        await ask(client, ASKED)
        await ask(client, ASKED)
        with pytest.raises(openai.RateLimitError) as caught:
            await ask(client, ASKED)
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


async def test_an_outage_is_a_server_error() -> None:
    async with served(faults=Faults(fails_for_good=("ann",))) as (client, _, _):
        await ask(client, ASKED)
        with pytest.raises(openai.InternalServerError):
            await ask(client, ASKED, FIRST)


async def test_who_is_not_in_the_script_is_told_so() -> None:
    async with served() as (client, _, url):
        with pytest.raises(openai.BadRequestError, match="'bob' is not in the script"):
            await ask(client, ASKED, user="bob")
        with pytest.raises(openai.BadRequestError, match="has only so many replies"):
            await ask(client, ASKED, FIRST, FIRST)
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{url}/models")).json()["data"][0]["id"] == "scripted"


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 6), st.integers(), st.text(max_size=10), st.integers(0, 50))
def test_faults_are_the_same_for_the_same_call(
    limited: float, errors: float, most: int, seed: int, user: str, position: int
) -> None:
    faults = Faults(rate_limited=limited, server_errors=errors, most_in_a_row=most)
    drawn = faults_of_call(faults, seed=seed, user=user, position=position)
    assert drawn == faults_of_call(faults, seed=seed, user=user, position=position)
    assert len(drawn) <= most
    assert set(drawn) <= {429, 500}
    if limited == errors == 0:
        assert drawn == []
