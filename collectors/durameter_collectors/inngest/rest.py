"""The dev server's REST API, version 2 (1.38 and later): a second reading of the trace.

It shows the same spans as GraphQL by other code, so that it catches our own reading errors and nothing else. Statuses
are not taken from it: it said Completed two seconds into a wait of eight (measured).
"""

import re
from typing import Any

import httpx

from durameter_collectors.inngest.graphql import InngestApiError, RunTrace

__all__ = ["RestV2"]

_ATTEMPT = re.compile(r"Attempt (\d+)")


class RestV2:
    """Reads runs and traces."""

    def __init__(self, http: httpx.AsyncClient, base_url: str) -> None:
        self._http = http
        self._url = base_url.rstrip("/") + "/v2"

    async def there(self) -> bool:
        """Whether this server has it: older ones answer with their web page, or not at all.

        Raises:
            InngestApiError: the server does not answer.
        """
        answer = await self._get("/runs?limit=1")
        return answer.is_success and isinstance(_json(answer).get("data"), list)

    async def trace(self, run_id: str) -> RunTrace:
        """The run and its spans, in the form of the other API: `trace.steps_of` reads both.

        The numbers of attempts are those of the spans that are named after them.

        Raises:
            InngestApiError: no answer, or not the one that the API promises.
        """
        run = (await self._data(f"/runs/{run_id}")) or {}
        root = ((await self._data(f"/runs/{run_id}/trace")) or {}).get("rootSpan")
        times = {name: run.get(name) for name in ("queuedAt", "startedAt", "endedAt")}
        try:
            slug = f"{(run.get('app') or {}).get('id')}-{(run.get('function') or {}).get('id')}"
            return RunTrace.model_validate(
                {"id": run_id, "status": run["status"], "function": {"slug": slug}, **times}
                | {"triggerIDs": (run.get("trigger") or {}).get("eventIds") or []}
                | {"trace": _span(root) if root else None}
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InngestApiError(
                f"The answer about run {run_id} is not what the REST API promises: {error}"
            ) from error

    async def _data(self, path: str) -> dict[str, Any]:
        answer = await self._get(path)
        data = _json(answer).get("data")
        if answer.is_error or not isinstance(data, dict):
            raise InngestApiError(f"The Inngest server did not answer {path} of its REST API ({answer.status_code}).")
        return data

    async def _get(self, path: str) -> httpx.Response:
        try:
            return await self._http.get(self._url + path)
        except httpx.HTTPError as error:
            raise InngestApiError(f"The Inngest server at {self._url} did not answer: {error!r}") from error


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _span(raw: dict[str, Any]) -> dict[str, Any]:
    attempt = _ATTEMPT.fullmatch(raw["name"])
    times = {name: raw.get(name) for name in ("queuedAt", "startedAt", "endedAt")}
    return {
        "spanID": raw["id"],
        "name": raw["name"],
        "status": raw["status"],
        "attempts": int(attempt[1]) if attempt else None,
        "stepID": raw.get("stepId"),
        "stepOp": raw.get("stepOp"),
        "childrenSpans": [_span(child) for child in raw.get("children") or []],
        **times,
    }
