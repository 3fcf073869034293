"""Where the links between runs are read from: outputs of steps, events and their data, functions that were put off.

What follows from them, which run led to which, is `inngest.descendants`' matter.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from durameter_collectors.inngest.api.graphql import InngestApi, InngestApiError, Run, promised

__all__ = [
    "FUNCTION_INVOKED",
    "INTERNAL_EVENTS",
    "InternalEvent",
    "Link",
    "Links",
    "Origin",
    "Way",
    "events_in_output",
    "origin_of",
]

Way = Literal["event", "invoke", "sent", "ended", "deferred"]
"""How a run came to be: by an event of the task's own, a step that invoked it, an event that a step sent, the server's
own event about the end of another run, or a function put off until then."""


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that a run led to: another run, or an event, which may start several or none."""

    way: Way
    run: str = ""
    """Id of the other run, where it is told."""
    event: str = ""
    """Id of the event, where there is one."""
    step: str = ""
    """Id of the step that did it, if one did."""

    @property
    def evidence(self) -> str:
        """What shows it, in words."""
        parts = (f"step {self.step}" if self.step else "", f"event {self.event}" if self.event else "")
        return ", ".join(part for part in parts if part) or f"run {self.run}"


@dataclass(frozen=True, slots=True)
class Origin:
    """What led to a run, by what its own event says."""

    way: Way
    parent: str
    """The run that did."""
    step: str = ""
    """Id of that run's step, if one did."""


# Which events a step sent, by its output.

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_MOST = 5_000
"""What the server takes at once (pkg/consts)."""


def events_in_output(output: object) -> Iterator[str]:
    """Ids of events in the output of `step.send_event`: a list (Python), or one under `ids` (TypeScript).

    SDKs may wrap an output in `data`. A step of the user's that returns a list of event ids says the same.
    """
    while isinstance(output, dict) and "ids" not in output and "data" in output:
        output = output["data"]
    ids = output.get("ids") if isinstance(output, dict) else output
    if isinstance(ids, list) and len(ids) <= _MOST and all(isinstance(e, str) and _ULID.fullmatch(e) for e in ids):
        yield from ids


FUNCTION_INVOKED = "inngest/function.invoked"
"""What the server sends to invoke a function: for a step, or for a call by its API or web page."""
INTERNAL_EVENTS = ("inngest/function.failed", "inngest/function.finished", "inngest/function.cancelled")
"""What the server sends about the end of a run, with the run's id in its data (pkg/consts/events.go)."""

_PAGE = 100
_AT_ONCE = 8


def origin_of(event: Mapping[str, Any]) -> Origin | None:
    """The run that an event comes from; None for one that a client sent, or that calls a function without a step.

    Args:
        event: as the server has it: its `name` and `data`.

    Raises:
        AttributeError: it is not what a server sends.
    """
    data = event.get("data") or {}
    # A call by API or web page makes the same event as a step that invokes, without a step in it.
    caller, _, step = str((data.get("_inngest") or {}).get("correlation_id") or "").partition(".")
    if caller:
        return Origin("invoke", caller, step)
    ended = str(data.get("run_id") or "") if event.get("name") in INTERNAL_EVENTS else ""
    return Origin("ended", ended) if ended else None


@dataclass(frozen=True, slots=True)
class InternalEvent:
    """An event of the server's own about the end of a run."""

    id: str
    name: str
    about: str
    """The run that ended."""
    runs: tuple[str, ...]
    """Runs that it started."""


class Links:
    """Asks about one server; what it can answer is asked of its schema, once.

    Args:
        api: the server's API.
        at_rest: whether all runs have ended, and what they led to has begun: then the events about that are asked for
            once.
    """

    def __init__(self, api: InngestApi, *, at_rest: bool = False) -> None:
        self._api = api
        self._ends: tuple[datetime, Sequence[str], list[InternalEvent]] | None = None
        self._at_rest = at_rest
        self._defers: bool | None = None
        self._heard: tuple[str, ...] | None = None

    async def heard(self) -> tuple[str, ...]:
        """Internal events that some function of this server is triggered by: failure handlers, above all."""
        if self._heard is None:
            data = await self._api.ask("{functions{triggers{value}}}")
            with promised():
                triggers = {
                    str(trigger.get("value"))
                    for function in data.get("functions") or []
                    for trigger in function.get("triggers") or []
                }
            self._heard = tuple(name for name in INTERNAL_EVENTS if name in triggers)
        return self._heard

    async def events(self, ids: Iterable[str]) -> dict[str, dict[str, object]]:
        """What events say, by id; an event that the server does not have is not named.

        Raises:
            InngestApiError: the server does not answer.
        """
        turns = asyncio.Semaphore(_AT_ONCE)
        found: dict[str, dict[str, object]] = {}

        async def one(event: str) -> None:
            async with turns:
                try:
                    data = await self._api.ask("query($id: ULID!){eventV2(id: $id){raw}}", id=event)
                except InngestApiError as error:
                    if "not found" in str(error):
                        return
                    raise
            with promised():
                raw = json.loads((data.get("eventV2") or {}).get("raw") or "{}")
                if isinstance(raw, dict):
                    found[event] = raw

        await asyncio.gather(*(one(event) for event in set(ids)))
        return found

    async def has_origin(self, run: Run) -> bool:
        """Whether another run led to this one, by the events that started it. What cannot be read, may say so."""
        if run.event_name in INTERNAL_EVENTS:
            return True
        if run.event_name != FUNCTION_INVOKED:
            return False
        try:
            events = await self.events(run.trigger_ids)
            with promised():
                return len(events) < len(set(run.trigger_ids)) or any(map(origin_of, events.values()))
        except InngestApiError:
            return True

    async def internal_events(self, names: Sequence[str], since: datetime) -> list[InternalEvent]:
        """Events of the server's own that it sent since then or earlier, each with the runs that it started so far."""
        query = (
            "query($first: Int!, $after: String, $filter: EventsFilter!){eventsV2(first: $first, after: $after, "
            "filter: $filter){pageInfo{hasNextPage endCursor} edges{node{id name raw runs{id}}}}}"
        )
        if self._ends is not None and self._ends[0] <= since and self._ends[1] == names:
            return self._ends[2]
        wanted = {"from": since.isoformat(), "eventNames": list(names), "includeInternalEvents": True}
        found: list[InternalEvent] = []
        after: str | None = None
        while names:
            data = await self._api.ask(query, first=_PAGE, after=after, filter=wanted)
            with promised():
                page = data.get("eventsV2") or {}
                found += [_internal(edge["node"]) for edge in page.get("edges") or []]
                if not (page.get("pageInfo") or {}).get("hasNextPage"):
                    break
                after = page["pageInfo"]["endCursor"]
        if self._at_rest:
            self._ends = since, names, found
        return found

    async def deferred(self, run_id: str) -> list[str]:
        """Runs of functions that this run put off until its end; none on servers that know no such thing."""
        if self._defers is None:
            data = await self._api.ask('{__type(name: "FunctionRunV2"){fields{name}}}')
            with promised():
                self._defers = "defers" in {each["name"] for each in (data.get("__type") or {}).get("fields") or []}
        if not self._defers:
            return []
        data = await self._api.ask("query($id: String!){run(runID: $id){defers{runID}}}", id=run_id)
        with promised():
            return [str(each["runID"]) for each in (data.get("run") or {}).get("defers") or [] if each.get("runID")]

    async def sent(self, run_id: str) -> dict[str, list[str]]:
        """Step id → ids of the events that it sent, from the outputs of the steps that ran.

        Only for where the wire does not tell: every output is asked for.
        """
        fields = "stepID stepOp outputID childrenSpans{stepID stepOp outputID childrenSpans{stepID stepOp outputID}}"
        data = await self._api.ask(f"query($id: String!){{run(runID: $id){{trace{{{fields}}}}}}}", id=run_id)
        with promised():
            outputs = dict(_outputs((data.get("run") or {}).get("trace") or {}))
        asked = list(outputs)
        if not asked:
            return {}
        parts = " ".join(
            f"o{n}: runTraceSpanOutputByID(outputID: {json.dumps(output)}){{data}}" for n, output in enumerate(asked)
        )
        answers = await self._api.ask(f"{{{parts}}}")
        found: dict[str, list[str]] = {}
        for number, output in enumerate(asked):
            with promised():
                ids = _ids((answers.get(f"o{number}") or {}).get("data"))
            if ids:
                known = found.setdefault(outputs[output], [])
                known += [each for each in ids if each not in known]
        return found


def _internal(node: dict[str, Any]) -> InternalEvent:
    try:
        data = json.loads(node.get("raw") or "{}").get("data") or {}
        about = str(data.get("run_id") or "")
    except (ValueError, AttributeError) as error:
        raise InngestApiError(f"The server's event {node.get('id')} cannot be read: {error!r}") from error
    return InternalEvent(
        str(node["id"]), str(node.get("name")), about, tuple(str(run["id"]) for run in node.get("runs") or [])
    )


def _outputs(span: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Ids of outputs of steps that the app ran, with the step's."""
    for child in span.get("childrenSpans") or []:
        if child.get("stepID") and child.get("outputID") and child.get("stepOp") in {"RUN", None}:
            yield str(child["outputID"]), str(child["stepID"])
        yield from _outputs(child)


def _ids(output: object) -> list[str]:
    try:
        return list(events_in_output(json.loads(output) if isinstance(output, str) else output))
    except ValueError:
        return []
