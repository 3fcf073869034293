"""The dev server's GraphQL API: the only place where run status and discovery can be trusted."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

__all__ = [
    "ENDED",
    "SETTLE_SECONDS",
    "InngestApi",
    "InngestApiError",
    "Run",
    "RunTrace",
    "Span",
    "hides_a_step",
    "promised",
]

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED", "SKIPPED"})

_SPAN = (
    "spanID name status attempts stepID stepOp queuedAt startedAt endedAt "
    "stepInfo{__typename ... on InvokeStepInfo{runID triggeringEventID}}"
)
_DEPTH = 6
"""How deep a trace is asked for; deeper spans would be userland spans, which are not billed."""
SETTLE_SECONDS = 0.5
_AT_ONCE = 8
_NO_TRACE = "no function run span found"
"""What 1.12.1 says instead of one of a run's trees: of some at first, of some always."""

_Model = TypeVar("_Model", bound=BaseModel)


def _span_fields(depth: int) -> str:
    return f"{_SPAN} childrenSpans{{{_span_fields(depth - 1)}}}" if depth else _SPAN


class InngestApiError(Exception):
    """The server did not answer, or not as its API should."""


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _Function(_Answer):
    slug: str = ""


class StepInfo(_Answer):
    """What a step is about; only invocations carry anything here."""

    run_id: str | None = Field(default=None, alias="runID")
    triggering_event_id: str | None = Field(default=None, alias="triggeringEventID")


class Span(_Answer):
    """One node of a run's trace. The tree lists most steps twice: tell steps apart by `step_id`."""

    span_id: str = Field(alias="spanID")
    name: str
    status: str
    attempts: int | None = None
    """Number of the last attempt, from 0."""
    step_id: str | None = Field(default=None, alias="stepID")
    step_op: str | None = None
    queued_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    step_info: StepInfo | None = None
    children_spans: list["Span"] = Field(default_factory=list)


class Run(_Answer):
    """One function run."""

    id: str
    status: str
    function: _Function = _Function()
    event_name: str | None = None
    trigger_ids: list[str] = Field(default_factory=list, alias="triggerIDs")
    queued_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None


class _Deferred(_Answer):
    run_id: str | None = Field(default=None, alias="runID")


class RunTrace(Run):
    """A run with its trace."""

    trace: Span | None = None
    defers: list[_Deferred] | None = Field(default=None, exclude=True)
    """Runs of functions that this one put off until its end; None where it was not asked. In no record."""

    @property
    def deferred(self) -> list[str] | None:
        """Their ids."""
        return None if self.defers is None else [each.run_id for each in self.defers if each.run_id]


@dataclass(frozen=True, slots=True)
class _Reading:
    """A trace, and how long every reading of it has been the same."""

    trace: RunTrace
    first: float
    """When the first reading of the same had come (monotonic clock)."""
    last: float
    """When the last one was asked for."""


_RUN = "id status eventName triggerIDs queuedAt startedAt endedAt function{slug}"


class InngestApi:
    """Reads runs, events and traces. Nothing here is billed, and nothing here changes a run but `cancel`."""

    def __init__(self, http: httpx.AsyncClient, base_url: str) -> None:
        self._http = http
        self._url = base_url.rstrip("/") + "/v0/gql"
        self._trees: set[str] | None = None
        self._defers = ""
        self._readings: dict[str, _Reading] = {}
        """Run → its trace as it was read last."""

    async def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Ask anything that only reads.

        Raises:
            InngestApiError: no answer, or one that names errors.
        """
        try:
            answer = await self._http.post(self._url, json={"query": query, "variables": variables})
            body = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise InngestApiError(f"The Inngest server at {self._url} did not answer: {error!r}") from error
        if not isinstance(body, dict):
            raise InngestApiError(f"The Inngest server at {self._url} answered with something else than GraphQL.")
        errors, data = body.get("errors"), body.get("data") or {}
        if errors:
            several = errors if isinstance(errors, list) else [errors]
            raise InngestApiError("; ".join(str(e.get("message", e) if isinstance(e, dict) else e) for e in several))
        if not isinstance(data, dict):
            raise InngestApiError(f"The Inngest server at {self._url} answered with something else than GraphQL.")
        return data

    async def runs_of_event(self, event_id: str) -> list[Run]:
        """Runs that an event started so far. An event that the server has not stored yet has none."""
        try:
            data = await self.ask(f"query($id: ULID!){{eventV2(id: $id){{runs{{{_RUN}}}}}}}", id=event_id)
        except InngestApiError as error:
            if "not found" in str(error):
                return []
            raise
        with promised():
            return [_read(Run, run) for run in (data.get("eventV2") or {}).get("runs") or []]

    async def event_name(self, event_id: str) -> str:
        """The name of an event; empty for one that the server does not have."""
        data = await self.ask("query($id: ULID!){eventV2(id: $id){name}}", id=event_id)
        with promised():
            return str((data.get("eventV2") or {}).get("name") or "")

    async def runs_since(self, moment: datetime) -> AsyncIterator[Run]:
        """Every run that was queued on the server since then, the oldest first."""
        after: str | None = None
        query = (
            "query($from: Time!, $after: String){runs(first: 200, after: $after, "
            "orderBy: [{field: QUEUED_AT, direction: ASC}], filter: {from: $from, timeField: QUEUED_AT})"
            f"{{pageInfo{{hasNextPage endCursor}} edges{{node{{{_RUN}}}}}}}}}"
        )
        while True:
            data = await self.ask(query, **{"from": moment.isoformat(), "after": after})
            with promised():
                page = data.get("runs") or {}
                runs = [_read(Run, edge["node"]) for edge in page.get("edges") or []]
                after = page["pageInfo"]["endCursor"] if (page.get("pageInfo") or {}).get("hasNextPage") else None
            for run in runs:
                yield run
            if after is None:
                return

    async def trace(self, run_id: str) -> RunTrace:
        """The trace as it is now.

        Raises:
            InngestApiError: no answer, no such run, or a trace that cannot be read.
        """
        asked = time.monotonic()
        run = await self._read_trace(run_id)
        before = self._readings.get(run_id)
        same = before is not None and before.trace == run
        self._readings[run_id] = _Reading(run, before.first if before and same else time.monotonic(), asked)
        return run

    async def traces(self, run_ids: Collection[str]) -> None:
        """Read the traces of many runs, for `settled` to know them. What cannot be read is left to whoever needs it."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(run_id: str) -> None:
            async with turns:
                with suppress(InngestApiError):
                    await self.trace(run_id)

        await asyncio.gather(*(one(run_id) for run_id in run_ids))

    async def _read_trace(self, run_id: str) -> RunTrace:
        if self._trees is None:
            self._trees = await self._offered()
        preview = "preview" in self._trees
        run = await self._tree(run_id, preview=preview)
        hidden = preview and run.trace is not None and hides_a_step(run.trace)
        if hidden or self._trees == {"preview", "plain"}:
            plain = await self._tree(run_id, preview=False)
            if run.trace is None:
                return plain
            if plain.trace is not None:  # before the others: on old servers its names are right
                run.trace.children_spans = plain.trace.children_spans + run.trace.children_spans
        return run

    async def _offered(self) -> set[str]:
        """Which trees of a run must be read, by what the server's schema offers.

        Without `preview` the tree misses checkpointed steps; servers from before them may not know the argument. Where
        spans do not carry their response yet (1.12.1), each of the two trees misses steps that the other one has.
        """
        data = await self.ask(
            '{run: __type(name: "FunctionRunV2"){fields{name args{name}}} span: __type(name: "RunTraceSpan")'
            "{fields{name args{name}}}}"
        )
        with promised():
            run, span = (
                {field["name"]: field["args"] for field in (data.get(name) or {}).get("fields") or []}
                for name in ("run", "span")
            )
            if "defers" in run:
                self._defers = "defers{runID}"
            if not any(argument["name"] == "preview" for argument in run.get("trace", [])):
                return {"plain"}
            return {"preview"} if "response" in span else {"preview", "plain"}

    async def _tree(self, run_id: str, *, preview: bool) -> RunTrace:
        argument = "(preview: true)" if preview else ""
        trace = f"trace{argument}{{{_span_fields(_DEPTH)}}}"
        try:
            data = await self.ask(f"query($id: String!){{run(runID: $id){{{_RUN} {self._defers} {trace}}}}}", id=run_id)
        except InngestApiError as error:
            if _NO_TRACE not in str(error):
                raise
            data = await self.ask(f"query($id: String!){{run(runID: $id){{{_RUN} {self._defers}}}}}", id=run_id)
        if not data.get("run"):
            raise InngestApiError(f"The server has no run {run_id}.")
        run = _read(RunTrace, data["run"])
        if not preview and run.trace is not None:
            run.trace.children_spans = list(_plain_steps(run.trace))
        return run

    def settled(self, run_id: str, *, unchanged_since: float | None = None) -> RunTrace | None:
        """The trace as it was read last, if it has settled: the run has ended, and readings of half a second are equal.

        Spans are written asynchronously: the last change came at most 0.1 s after COMPLETED (60 runs, measured).

        Args:
            run_id: of the run.
            unchanged_since: since when (monotonic clock) the server has written nothing, and that for half a second at
                least: then a single reading from that time is as good as two.
        """
        reading = self._readings.get(run_id)
        if reading is None or reading.trace.status not in ENDED:
            return None
        equal = reading.last - reading.first >= SETTLE_SECONDS
        single = unchanged_since is not None and reading.last >= unchanged_since
        return reading.trace if equal or single else None

    async def settled_trace(self, run_id: str, *, patience: float = 20.0) -> tuple[RunTrace, bool]:
        """The trace of a run that has ended, read until it has settled. Earlier readings are held against it.

        Returns:
            The last trace read, and whether it had settled within `patience` seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            now = await self.trace(run_id)
            if (settled := self.settled(run_id)) is not None:
                return settled, True
            if time.monotonic() >= deadline:
                return now, False
            await asyncio.sleep(SETTLE_SECONDS)

    async def cancel(self, run_id: str) -> None:
        """Cancel a run that is still going; one that has ended is left as it is."""
        try:
            await self.ask("mutation($id: ULID!){cancelRun(runID: $id){id}}", id=run_id)
        except InngestApiError:
            if (await self.trace(run_id)).status not in ENDED:
                raise


def _plain_steps(trace: Span) -> Iterator[Span]:
    """Steps of a tree without `preview`, one span each.

    There a step may have its id only at an attempt, and says one attempt too many after an error; its attempts, which
    are its children, count right (1.12.1, measured).
    """
    for span in trace.children_spans:
        begun = [each for each in span.children_spans if each.name.startswith("Attempt ") and each.started_at]
        step_id = span.step_id or next((each.step_id for each in begun if each.step_id), None)
        if step_id is not None:
            last = max((each.attempts or 0 for each in begun), default=span.attempts or 0)
            yield span.model_copy(update={"step_id": step_id, "attempts": last, "children_spans": []})


def hides_a_step(trace: Span) -> bool:
    """Whether a step of the user's is called like the server's own last span, which takes its id away (1.44.0).

    The server's own has no operation, or children that carry the step ids of its attempts.
    """
    return any(
        span.name == "Finalization"
        and span.step_id is None
        and span.step_op is not None
        and not any(child.step_id for child in span.children_spans)
        for span in trace.children_spans
    )


@contextmanager
def promised() -> Iterator[None]:
    """Around the reading of an answer.

    Raises:
        InngestApiError: it has not the form that the API promises.
    """
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InngestApiError(f"The server's answer is not what its API promises: {error!r}") from error


def _read(model: type[_Model], raw: object) -> _Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise InngestApiError(f"The server's answer is not what its API promises: {error}") from error
