"""The HTTP side: `/v1/chat/completions` with and without streaming, `/v1/models`, and the log of what was served."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastapi
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from durameter import serve_app
from durameter_workloads.model_server.faults import Faults, Outage, breaks_off
from durameter_workloads.model_server.script import ScriptedReply, Scripts
from durameter_workloads.model_server.stream import CHARS_PER_TOKEN, pieces_of, server_sent_events
from durameter_workloads.model_server.verdicts import GONE, Status, Verdicts

__all__ = ["ModelLog", "ModelServer", "Served", "serve_model"]

_PROBLEMS: dict[int, str] = {
    429: "rate limit reached",
    GONE: "the caller is gone",
    500: "the provider has an error",
    503: "the provider is not available",
}
_LOOK_SECONDS = 0.05
"""How often a held attempt looks whether its caller is gone."""


class _ChatMessage(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: str


class _ChatRequest(BaseModel):
    """The part of OpenAI's request that matters here."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[_ChatMessage]
    user: str = ""
    stream: bool = False


class Served(BaseModel):
    """One line of the log: the independent record of how many model calls really happened."""

    model_config = ConfigDict(frozen=True)

    time: datetime
    user: str
    position: int
    """Which call of the conversation, from 0."""
    attempt: int
    """From 1."""
    status: Status
    """499: the attempt was held until its caller was gone."""
    seconds: float
    """Latency that was added."""
    stream: bool
    outage: bool = False
    """It failed because the provider was down."""


class ModelServer(BaseModel):
    """What to serve, and how well."""

    model_config = ConfigDict(frozen=True)

    scripts: Scripts
    seed: int = 0
    latency_ms: float = Field(default=50.0, ge=0)
    """Median latency of an answer; each call draws its own from a log-normal distribution (sigma 0.3), by seed."""
    faults: Faults = Faults()
    requests_per_minute: int | None = Field(default=None, ge=1)
    """A real rate limit over all conversations, beside the seeded faults."""
    tokens_per_second: float = Field(default=50.0, gt=0)
    """How fast a streamed answer comes, by its own clock; the time between two tokens is drawn by seed."""
    stream_pace: float = Field(default=1.0, ge=0)
    """Real seconds per second of the stream's own clock; 0 sends all at once."""


class ModelLog:
    """What was served, in memory and, one JSON line per request, on disk."""

    def __init__(self, file: Path | None) -> None:
        self.served: list[Served] = []
        self.outages: dict[str, Outage] = {}
        """By conversation: those that have been met."""
        self.held: set[str] = set()
        """Conversations of which an attempt is held now."""
        self._file = file

    def add(self, line: Served) -> None:
        """Note one answered request."""
        self.served.append(line)
        if self._file is not None:
            with self._file.open("a") as file:
                file.write(line.model_dump_json() + "\n")

    def observed(self, task: str) -> dict[str, float]:
        """What happened in the conversations of one task: `task` itself and those whose name begins with `task / `."""
        mine = [line for line in self.served if line.user == task or line.user.startswith(f"{task} / ")]
        statuses: Counter[int] = Counter(line.status for line in mine)
        found: dict[str, float] = {
            "model_requests": len(mine),
            "model_replies": statuses[200],
            "model_rate_limited": statuses[429],
            "model_errors": statuses[500] + statuses[503],
        }
        if statuses[GONE]:
            found["model_cut_off"] = statuses[GONE]
        if task in self.outages:
            found["outage_seconds"] = self.outages[task].seconds
            failed = [line for line in mine if line.outage]
            call = failed[0].user, failed[0].position
            over = [line.time for line in mine if (line.user, line.position) == call and not line.outage]
            found["outage_failures"] = len(failed)
            if over:
                found["outage_over_seconds"] = (min(over) - failed[0].time).total_seconds()
        return found


def model_app(server: ModelServer, log: ModelLog) -> fastapi.FastAPI:
    """The ASGI app."""
    app = fastapi.FastAPI(title="durameter model server")
    begun: set[tuple[str, int]] = set()  # calls whose first stream has begun
    verdicts = Verdicts(server.faults, seed=server.seed, requests_per_minute=server.requests_per_minute)
    log.outages = verdicts.outages

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": "scripted", "object": "model", "owned_by": "durameter"}]}

    @app.post("/v1/chat/completions", response_model=None)
    async def complete(request: _ChatRequest, connection: fastapi.Request) -> Response:
        position = sum(message.role == "assistant" for message in request.messages)
        script = server.scripts.replies.get(request.user)
        if script is None or position >= len(script):
            known = "has only so many replies" if script is not None else "is not in the script"
            return _error(400, f"conversation {request.user!r} {known}: call {position} cannot be answered")
        verdict = verdicts.judge(request.user, position, calls=len(script))
        if verdict.status == GONE:
            await until_gone(request.user, connection)
        attempt = verdict.attempt
        chance = random.Random(f"latency/{server.seed}/{request.user}/{position}/{attempt}")  # noqa: S311 - reproducible
        seconds = server.latency_ms / 1000 * chance.lognormvariate(0, 0.3) if verdict.status == 200 else 0.0
        await asyncio.sleep(seconds)
        log.add(
            Served(
                time=datetime.now(UTC),
                user=request.user,
                position=position,
                attempt=attempt,
                status=verdict.status,
                seconds=seconds,
                stream=request.stream,
                outage=verdict.outage,
            )
        )
        if verdict.status != 200:
            headers = {"Retry-After": str(verdict.retry_after)} if verdict.status == 429 else None
            return _error(verdict.status, _PROBLEMS[verdict.status], headers)
        answer = _completion(request, script[position], position)
        if request.stream:
            return StreamingResponse(streamed(request, answer, position), media_type="text/event-stream")
        return JSONResponse(answer)

    async def until_gone(user: str, connection: fastapi.Request) -> None:
        log.held.add(user)
        try:
            while not await connection.is_disconnected():
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            log.held.discard(user)

    def streamed(request: _ChatRequest, answer: dict[str, Any], position: int) -> AsyncIterator[str]:
        call = (request.user, position)
        breaks = call not in begun and breaks_off(server.faults, seed=server.seed, user=request.user, position=position)
        begun.add(call)
        pieces = pieces_of(
            answer["choices"][0]["message"]["content"],
            tokens_per_second=server.tokens_per_second,
            seed=server.seed,
            user=request.user,
            position=position,
        )
        return server_sent_events(answer, pieces, pace=server.stream_pace, breaks=breaks)

    return app


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    kind = {429: "rate_limit_exceeded", 500: "server_error", 503: "server_error"}.get(status, "invalid_request_error")
    return JSONResponse({"error": {"message": message, "type": kind, "code": kind}}, status, headers)


def _completion(request: _ChatRequest, reply: ScriptedReply, position: int) -> dict[str, Any]:
    calls = [
        {
            "id": f"call_{position}_{index}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
        }
        for index, call in enumerate(reply.tool_calls)
    ]
    tokens = max(1, len(reply.content) // CHARS_PER_TOKEN)
    asked = sum(len(message.model_dump_json()) for message in request.messages) // CHARS_PER_TOKEN
    return {
        "id": f"chatcmpl-{position}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls" if calls else "stop",
                "message": {"role": "assistant", "content": reply.content, **({"tool_calls": calls} if calls else {})},
            }
        ],
        "usage": {"prompt_tokens": asked, "completion_tokens": tokens, "total_tokens": asked + tokens},
    }


@asynccontextmanager
async def serve_model(
    server: ModelServer, *, log_file: Path | None = None, port: int = 0
) -> AsyncIterator[tuple[str, ModelLog]]:
    """Serve while the context lasts.

    Args:
        server: what to serve.
        log_file: where to append a line per answered request.
        port: 0 for a free one.

    Yields:
        The base URL for an OpenAI client, and the log.
    """
    log = ModelLog(log_file)
    async with serve_app(model_app(server, log), port=port) as bound:
        yield f"http://127.0.0.1:{bound}/v1", log
