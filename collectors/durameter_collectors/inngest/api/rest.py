"""The dev server's REST API, version 2 (1.38 and later): a second reading of the trace.

It shows the same spans as GraphQL by other code, so that it catches our own reading errors and nothing else. Statuses
are not taken from it: it said Completed two seconds into a wait of eight (measured).
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from durameter_collectors.inngest.api.graphql import InngestApiError, Run, RunTrace, Span, promised
from durameter_collectors.inngest.api.links import Link, Origin, events_in_output, origin_of

__all__ = ["RestV2", "Told"]

_PAGE = 100
_ATTEMPT = re.compile(r"Attempt (\d+)")


@dataclass(frozen=True)
class Told:
    """What a run says of others."""

    events: Mapping[str, dict[str, object]]
    """What the events that started it say, by id."""
    links: Sequence[Link]
    """Events that its steps sent."""
    origin: Origin | None
    """What led to it, where its input says so."""
    app: str
    """Id of its function's app, of which no slug tells where it ends."""


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
        return answer.is_success and _listed(_json(answer)) is not None

    async def now(self) -> datetime:
        """The server's own time.

        Raises:
            InngestApiError: no answer, or not the one that the API promises.
        """
        answer = await self._get("/runs?limit=1")
        with promised():
            return datetime.fromisoformat(_json(answer)["metadata"]["fetchedAt"])

    async def trace(self, run_id: str) -> RunTrace:
        """The run and its spans, in the form of the other API: `trace.steps_of` reads both.

        The numbers of attempts are those of the spans that are named after them.

        Raises:
            InngestApiError: no answer, or not the one that the API promises.
        """
        run = (await self._data(f"/runs/{run_id}")) or {}
        spans = await self.spans(run_id)
        try:
            return RunTrace.model_validate(_run(run | {"id": run_id})).model_copy(update={"trace": spans})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InngestApiError(
                f"The answer about run {run_id} is not what the REST API promises: {error}"
            ) from error

    async def spans(self, run_id: str) -> Span | None:
        """The run's tree of spans alone, as in `trace`: the run beside it costs the server as much again (measured).

        Raises:
            InngestApiError: no answer, or not the one that the API promises.
        """
        root = ((await self._data(f"/runs/{run_id}/trace")) or {}).get("rootSpan")
        try:
            return Span.model_validate(_span(root)) if root else None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InngestApiError(
                f"The answer about run {run_id} is not what the REST API promises: {error}"
            ) from error

    async def runs_back_to(self, moment: datetime) -> AsyncIterator[Run]:
        """Every run that has started since then, the latest first: the API has no other order and no filter of time.

        Raises:
            InngestApiError: no answer, or not the one that the API promises.
        """
        cursor = ""
        while True:
            answer = await self._get(f"/runs?limit={_PAGE}" + (f"&cursor={quote(cursor)}" if cursor else ""))
            body = _json(answer)
            listed = _listed(body)
            if answer.is_error or listed is None:
                raise InngestApiError(f"The Inngest server did not list its runs ({answer.status_code}).")
            with promised():
                runs = [Run.model_validate(_run(each)) for each in listed]
                page = body.get("page") or {}
                cursor = page["cursor"] if page.get("hasMore") else ""
            for run in runs:
                if run.started_at is not None and run.started_at < moment:
                    return
                yield run
            if not cursor:
                return

    async def told(self, run_id: str) -> tuple[RunTrace, "Told"]:
        """A run as `trace`, and what led to it and from it, by its input and the outputs of its steps.

        Raises:
            InngestApiError: as `trace`.
        """
        run = await self._data(f"/runs/{run_id}")
        root = (await self._data(f"/runs/{run_id}/trace?includeOutput=true")).get("rootSpan") or {}
        with promised():
            record = RunTrace.model_validate(_run(run) | {"trace": _span(root) if root else None})
            given = (root.get("input") or {}).get("data")
            events = [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, dict)]
            sent = [(step, event) for step, output in _outputs(root) for event in events_in_output(output)]
            origins = [origin for event in events if (origin := origin_of(event)) is not None]
            told = Told(
                events=_by_id(record.trigger_ids, events),
                links=[Link("sent", event=event, step=step) for step, event in dict.fromkeys(sent)],
                origin=origins[-1] if origins else None,
                app=str((run.get("app") or {}).get("id") or ""),
            )
            name = str(events[0].get("name") or "") if events else ""
        return record.model_copy(update={"event_name": name}), told

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


def _listed(body: dict[str, Any]) -> list[Any] | None:
    """A page of a list; where the list is empty, the server leaves it out (seen on 1.44.0). None if it is no page."""
    listed = body.get("data", [] if isinstance(body.get("metadata"), dict) else None)
    return listed if isinstance(listed, list) else None


def _run(raw: dict[str, Any]) -> dict[str, Any]:
    """A run in the form of the other API."""
    slug = f"{(raw.get('app') or {}).get('id')}-{(raw.get('function') or {}).get('id')}"
    times = {name: raw.get(name) for name in ("queuedAt", "startedAt", "endedAt")}
    events = (raw.get("trigger") or {}).get("eventIds") or []
    return {"id": raw["id"], "status": raw["status"], "function": {"slug": slug}, "triggerIDs": events, **times}


def _by_id(ids: Sequence[str], events: Sequence[dict[str, object]]) -> dict[str, dict[str, object]]:
    """What events say, by the server's id: an event says the id that its sender gave it, if one did (1.44.0)."""
    found = {str(event["id"]): event for event in events if event.get("id") in ids}
    others = [event for event in events if event.get("id") not in ids]
    return found | dict(zip((each for each in ids if each not in found), others, strict=False))


def _outputs(span: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Ids of steps that the app ran, with what they returned."""
    for child in span.get("children") or []:
        if child.get("stepId") and child.get("stepOp") in {"RUN", None}:
            yield str(child["stepId"]), child.get("output")
        yield from _outputs(child)


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
