"""The agent's side of the model: one call through the OpenAI client, without retries of its own."""

import json
from dataclasses import dataclass
from typing import Any

import openai

from durameter_workloads.support_agent.spec import TOOLS, AssistantTurn, ToolRequest

__all__ = ["Model", "ModelCallError"]


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
    def at(cls, base_url: str, *, key: str, name: str) -> "Model":
        """The model `name` at `base_url`."""
        return cls(openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=120), name)

    async def call(self, user: str, messages: list[dict[str, Any]]) -> AssistantTurn:
        """One completion.

        Args:
            user: who asks, as the provider may log it.
            messages: the whole thread in OpenAI's form.

        Raises:
            ModelCallError: rate limited, an error of the provider, or unreachable.
        """
        try:
            answer = await self.client.chat.completions.create(
                model=self.name,
                messages=messages,  # type: ignore[arg-type]  # plain dictionaries travel through both engines
                tools=TOOLS,  # type: ignore[arg-type]  # likewise
                user=user,
            )
        except openai.RateLimitError as error:
            raise ModelCallError("429 rate limited", _seconds(error.response.headers.get("retry-after"))) from error
        except openai.InternalServerError as error:
            raise ModelCallError(f"{error.status_code} from the provider") from error
        except openai.APIConnectionError as error:
            raise ModelCallError(f"the provider cannot be reached: {error}") from error
        message = answer.choices[0].message
        calls = [
            ToolRequest(id=call.id, name=call.function.name, arguments=json.loads(call.function.arguments or "{}"))
            for call in message.tool_calls or []
            if call.type == "function"
        ]
        return AssistantTurn(content=message.content or "", tool_calls=calls)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header is not None else None
    except ValueError:
        return None
