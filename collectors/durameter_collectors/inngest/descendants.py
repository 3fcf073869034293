"""All runs of a task: from the events that were sent for it to every run that descends from them.

Ways of descent, each with its evidence: an event starts runs; a step invokes one; a step sends events; the server's own
event about a run's end starts others (failure handlers); a run puts functions off until its end.

Blind spots: events that an app sends outside of a step (no record says which run sent them: they start runs of
nobody, which the session reports); runs that the server holds back when it is asked (debounce, batches that are not
full, throttles): ask again once they have begun.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from durameter_collectors.inngest.api.graphql import (
    ENDED,
    InngestApi,
    InngestApiError,
    Run,
    RunTrace,
)
from durameter_collectors.inngest.api.links import Links
from durameter_collectors.inngest.trace import steps_of

__all__ = ["BLIND_SPOTS", "AskSent", "Descendant", "Family", "Sent", "Way", "find_family", "settled_family"]

BLIND_SPOTS = (
    "events that an app sends outside of a step: nothing says which run sent them",
    "runs that the server still holds back when the task is counted (debounce, batches, throttles)",
)

Way = Literal["event", "invoke", "sent", "ended", "deferred"]
"""How a run came to be: by an event of the task's own, a step that invoked it, an event that a step sent, the server's
own event about the end of another run, or a function put off until then."""
Sent = Mapping[str, Mapping[str, Collection[str]]]
"""Run id → step id → ids of events."""
AskSent = Callable[[], Awaitable[Sent]]
"""Asks the wire which events steps have sent by now: settles its log, then `wire.runs.sent_by_steps`."""

_QUIET_SECONDS = 1.0
"""A family that has not grown for so long is whole: a run was there at most 0.3 s after its event (measured)."""
_LOOK_SECONDS = 0.25
_EARLIER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Descendant:
    """One run of the task."""

    run: Run
    way: Way
    """How it came to be."""
    parent: str
    """The run that led to it; empty for those that the task's own events started."""
    evidence: str
    """The event or step by which it is known to belong to the task."""
    step: str = ""
    """Id of the parent's step that led to it, if one did."""
    shared: tuple[str, ...] = ()
    """Events among its triggers that are not the task's (a batch): the run is also of whoever sent those."""


@dataclass(slots=True)
class Family:
    """All runs that were found."""

    members: dict[str, Descendant] = field(default_factory=dict)
    """By run id, parents before children."""
    events: set[str] = field(default_factory=set)
    """Ids of the events that are known to be the task's: its own, what its steps sent, the server's about its runs."""
    problems: list[str] = field(default_factory=list)
    """What could not be asked: descendants may be missing."""
    whole: bool = True
    """Whether all runs had ended and none was added for a second, where `settled_family` looked."""


async def find_family(
    api: InngestApi, events: Iterable[str], *, sent: AskSent | None = None, links: Links | None = None
) -> Family:
    """Every run that descends from these events, as far as they have begun.

    Args:
        api: the server's API.
        events: ids of the events that were sent for the task.
        sent: which events steps sent, from the wire. For runs that it does not name, and without it, they are taken
            from the steps' outputs in the trace, two more questions per run.
        links: of the same server, to ask once what it knows.

    Raises:
        TapError: `sent` cannot tell.
    """
    return await _Search(api, events, await sent() if sent else {}, links or Links(api)).family()


async def settled_family(
    api: InngestApi, events: Collection[str], *, sent: AskSent | None = None, patience: float = 60.0
) -> Family:
    """As `find_family`, once all runs have ended and no new one has begun for a second.

    Args:
        api: the server's API.
        events: ids of the events that were sent for the task.
        sent: as there.
        patience: seconds until what is there is returned, with `whole` false.

    Raises:
        TapError: `sent` cannot tell.
    """
    links = Links(api)
    deadline = time.monotonic() + patience
    members: set[str] = set()
    since = time.monotonic()
    while True:
        family = await find_family(api, events, sent=sent, links=links)
        now = time.monotonic()
        if set(family.members) != members:
            members, since = set(family.members), now
        ended = all(member.run.status in ENDED for member in family.members.values())
        if ended and now - since >= _QUIET_SECONDS:
            return family
        if now > deadline:
            family.whole = False
            return family
        await asyncio.sleep(_LOOK_SECONDS)


class _Search:
    def __init__(self, api: InngestApi, events: Iterable[str], sent: Sent, links: Links) -> None:
        self._api = api
        self._links = links
        self._sent = sent
        self._family = Family()
        self._events = list(dict.fromkeys(events))
        self._known_events = self._family.events
        self._known_events.update(self._events)
        self._waiting: deque[str] = deque()
        self._records: dict[str, RunTrace] = {}

    async def family(self) -> Family:
        for event in self._events:
            await self._of_event(event, "event", "")
        while True:
            while self._waiting:
                await self._descend(self._waiting.popleft())
            await self._of_ends()
            if not self._waiting:
                break
        members = self._family.members
        for run_id, member in members.items():
            others = tuple(each for each in member.run.trigger_ids if each not in self._known_events)
            if others and len(member.run.trigger_ids) > 1:
                members[run_id] = replace(member, shared=others)
        return self._family

    def _add(self, run: Run, way: Way, parent: str, evidence: str, step: str) -> None:
        if run.id not in self._family.members:
            self._family.members[run.id] = Descendant(run, way, parent, evidence, step)
            self._waiting.append(run.id)

    async def _of_event(self, event: str, way: Way, parent: str, evidence: str = "", step: str = "") -> None:
        self._known_events.add(event)
        try:
            runs = await self._api.runs_of_event(event)
        except InngestApiError as error:
            self._family.problems.append(f"the runs of event {event} cannot be read: {error}")
            return
        for run in runs:
            self._add(run, way, parent, evidence or f"event {event}", step)

    async def _of_run(self, run_id: str, way: Way, parent: str, evidence: str, step: str = "") -> None:
        try:
            record = self._records[run_id] = await self._api.trace(run_id)
        except InngestApiError as error:
            self._family.problems.append(f"run {run_id} cannot be read: {error}")
            return
        self._add(record, way, parent, evidence, step)

    async def _descend(self, run_id: str) -> None:
        try:
            record = self._records.get(run_id) or await self._api.trace(run_id)
            self._records[run_id] = record
            known = self._family.members[run_id]  # an event's list of its runs does not tell all triggers of each
            self._family.members[run_id] = replace(known, run=record)
            for step in steps_of(record):
                evidence = f"step {step.id}"
                if step.invoked_run:
                    await self._of_run(step.invoked_run, "invoke", run_id, evidence, step.id)
                elif step.invoke_event:
                    await self._of_event(step.invoke_event, "invoke", run_id, evidence, step.id)
                if step.invoke_event:
                    self._known_events.add(step.invoke_event)
            sent = self._sent.get(run_id)
            for step_id, events in (await self._links.sent(run_id) if sent is None else sent).items():
                for event in events:
                    await self._of_event(event, "sent", run_id, f"step {step_id}, event {event}", step_id)
            for deferred in await self._links.deferred(run_id):
                await self._of_run(deferred, "deferred", run_id, f"run {run_id}")
        except InngestApiError as error:
            self._family.problems.append(f"what run {run_id} led to cannot be read: {error}")

    async def _of_ends(self) -> None:
        """Runs that the server's own events about the end of this family's runs started."""
        begun = [run.queued_at for member in self._family.members.values() if (run := member.run).queued_at]
        since: datetime | None = min(begun, default=None)
        if since is None:
            return
        try:
            for event in await self._links.internal_events(await self._links.heard(), since - _EARLIER):
                if event.about in self._family.members:
                    self._known_events.add(event.id)
                    for run_id in event.runs:
                        if run_id not in self._family.members:
                            await self._of_run(run_id, "ended", event.about, f"event {event.id}, {event.name}")
        except InngestApiError as error:
            self._family.problems.append(f"the events about ended runs cannot be read: {error}")
