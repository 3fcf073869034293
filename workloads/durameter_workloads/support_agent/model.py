"""The agent's side of the model: one call through the OpenAI client, without retries of its own."""

import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import openai
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCallFunction
from pydantic import ValidationError

from durameter_workloads.support_agent.spec import TOOLS, AssistantTurn, ToolRequest

__all__ = ["Model", "ModelCallError", "Reader", "read_completion"]

Reader = Callable[[int, str], Awaitable[None]]
"""Gets a piece of a streamed answer: milliseconds since the stream began, and the text."""

_TOOLS = cast("list[ChatCompletionToolParam]", TOOLS)


class ModelCallError(Exception):
    """A call failed and may be tried again."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the provider asks to wait, if it says so."""


@dataclass
class Model:
    """A model behind an OpenAI-compatible API. The engine retries, hence `max_retries=0` in the client."""

    client: openai.AsyncOpenAI
    name: str

    @classmethod
    def at(cls, base_url: str, *, key: str, name: str, keep_alive: bool = True) -> "Model":
        """The model `name` at `base_url`.

        Args:
            base_url: of the API.
            key: of the API.
            name: as the API knows it.
            keep_alive: use connections again. Where both ends give an idle one up after the same time (uvicorn and this
                client: 5 s), a request may be lost between them, which would be one attempt more.
        """
        headers = {} if keep_alive else {"Connection": "close"}
        client = openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=120, default_headers=headers)
        return cls(client, name)

    async def call(self, user: str, messages: list[dict[str, Any]]) -> AssistantTurn:
        """One completion.

        Args:
            user: who asks, as the provider may log it.
            messages: the whole thread in OpenAI's form.

        Raises:
            ModelCallError: rate limited, an error of the provider, or unreachable.
        """
        with _retryable():
            answer = await self.client.chat.completions.create(
                model=self.name, messages=_as_messages(messages), tools=_TOOLS, user=user
            )
        return _as_turn(answer)

    def request(self, user: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """The body of `call`, for somebody else who makes the call."""
        return {"model": self.name, "messages": messages, "tools": list(TOOLS), "user": user}

    async def stream(self, user: str, messages: list[dict[str, Any]], read: Reader) -> AssistantTurn:
        """One completion, with its text read piece by piece as it comes.

        Args:
            user: who asks, as the provider may log it.
            messages: the whole thread in OpenAI's form.
            read: gets each piece of text, and the milliseconds since the stream began: by the stream's own clock if it
                has one (`offset_ms` in a chunk, as the scripted model's have), else as measured here.

        Raises:
            ModelCallError: as `call`, or the stream broke off.
        """
        content: list[str] = []
        calls: dict[int, tuple[str, str, list[str]]] = {}
        with _retryable():
            chunks = await self.client.chat.completions.create(
                model=self.name, messages=_as_messages(messages), tools=_TOOLS, user=user, stream=True
            )
            began = time.monotonic()
            async for chunk in chunks:
                for choice in chunk.choices:
                    for part in choice.delta.tool_calls or []:
                        function = part.function or ChoiceDeltaToolCallFunction()
                        call = calls.setdefault(part.index, (part.id or "", function.name or "", []))
                        call[2].append(function.arguments or "")
                    if choice.delta.content:
                        content.append(choice.delta.content)
                        measured = (time.monotonic() - began) * 1000
                        await read(int((chunk.model_extra or {}).get("offset_ms", measured)), choice.delta.content)
        return AssistantTurn(
            content="".join(content),
            tool_calls=[
                _tool_request(id_, name, "".join(arguments)) for _, (id_, name, arguments) in sorted(calls.items())
            ],
        )

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


@contextmanager
def _retryable() -> Iterator[None]:
    """Say which errors of the provider may be tried again."""
    try:
        yield
    except openai.RateLimitError as error:
        raise ModelCallError("429 rate limited", _seconds(error.response.headers.get("retry-after"))) from error
    except openai.InternalServerError as error:
        raise ModelCallError(f"{error.status_code} from the provider") from error
    except openai.APIConnectionError as error:
        raise ModelCallError(f"the provider cannot be reached: {error}") from error
    except openai.APIStatusError:
        raise  # a request that the provider refuses
    except openai.APIError as error:
        raise ModelCallError(f"the stream broke off: {error.message}") from error


def _as_messages(messages: list[dict[str, Any]]) -> list[ChatCompletionMessageParam]:
    """Plain dictionaries, as they travel through both engines, in the client's words."""
    return cast("list[ChatCompletionMessageParam]", messages)


def read_completion(raw: Mapping[str, Any]) -> AssistantTurn:
    """The provider's answer to a call that somebody else made.

    Raises:
        ModelCallError: the answer is no completion.
    """
    try:
        return _as_turn(ChatCompletion.model_validate(raw))
    except (ValidationError, IndexError) as error:
        raise ModelCallError(f"the provider's answer is no completion: {error}") from error


def _as_turn(answer: ChatCompletion) -> AssistantTurn:
    message = answer.choices[0].message
    calls = [
        _tool_request(call.id, call.function.name, call.function.arguments)
        for call in message.tool_calls or []
        if call.type == "function"
    ]
    return AssistantTurn(content=message.content or "", tool_calls=calls)


def _tool_request(id_: str, name: str, arguments: str) -> ToolRequest:
    return ToolRequest(id=id_, name=name, arguments=json.loads(arguments or "{}"))


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header is not None else None
    except ValueError:
        return None
