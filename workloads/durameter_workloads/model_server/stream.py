"""Streamed answers: pieces of text at seeded times, and OpenAI's server-sent events that carry them."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

__all__ = ["CHARS_PER_TOKEN", "Piece", "pieces_of", "server_sent_events"]

CHARS_PER_TOKEN = 4
_SPREAD = 0.5
"""Sigma of the log-normal gaps between tokens."""


class Piece(NamedTuple):
    """One token of an answer."""

    offset_ms: int
    """When it comes, after the first one, by the stream's own clock."""
    text: str


def pieces_of(text: str, *, tokens_per_second: float, seed: int, user: str, position: int) -> list[Piece]:
    """The tokens of one answer, the same at every attempt of the same call.

    The gaps between them are log-normal around `1 / tokens_per_second` (median), drawn by seed.
    """
    chance = random.Random(f"stream/{seed}/{user}/{position}")  # noqa: S311 - reproducible, not secret
    pieces: list[Piece] = []
    seconds = 0.0
    for start in range(0, len(text), CHARS_PER_TOKEN):
        if start:
            seconds += chance.lognormvariate(0, _SPREAD) / tokens_per_second
        pieces.append(Piece(int(seconds * 1000), text[start : start + CHARS_PER_TOKEN]))
    return pieces


async def server_sent_events(
    answer: dict[str, Any], pieces: Sequence[Piece], *, pace: float, breaks: bool
) -> AsyncIterator[str]:
    """A completion as OpenAI's chunks: text piece by piece, then the tool calls, then the end.

    Args:
        answer: the whole completion.
        pieces: its text; each chunk says its time as `offset_ms`, a field that OpenAI's do not have.
        pace: real seconds per second of the stream's own clock.
        breaks: break off half-way with an error, as providers report one in a stream.
    """
    choice = answer["choices"][0]
    head = {key: answer[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: int) -> str:
        return _event({**head, **more, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    before = 0
    for piece in pieces[: (len(pieces) + 1) // 2] if breaks else pieces:
        if wait := (piece.offset_ms - before) / 1000 * pace:
            await asyncio.sleep(wait)
        before = piece.offset_ms
        yield chunk({"content": piece.text}, offset_ms=piece.offset_ms)
    if breaks:
        yield _event({"error": {"message": "the provider lost the stream", "type": "server_error"}})
        return
    if calls := choice["message"].get("tool_calls"):
        yield chunk({"tool_calls": [{"index": index, **call} for index, call in enumerate(calls)]})
    yield chunk({}, choice["finish_reason"])
    yield "data: [DONE]\n\n"


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"
