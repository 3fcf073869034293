"""Which runs descend from which: the rule, and the graph of runs that it makes.

The rule: a run leads to the runs that its steps invoke, to those that events of its steps start, to functions that it
puts off until its end, and to what listens to the server's own event about its end (failure handlers). Where these
links are read from is `inngest.api.links`' matter; both together are all that there is to know of it.

Blind spots: events that an app sends outside of a step (no record says which run sent them: what they start belongs to
no task, which the session reports); runs that the server holds back when it is asked (debounce, batches that are not
full, throttles): ask again once they have begun.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from durameter_collectors.inngest.api.graphql import ENDED, InngestApi, InngestApiError, Run, RunTrace
from durameter_collectors.inngest.api.links import Link, Links, Origin, Way
from durameter_collectors.inngest.trace import steps_of

__all__ = [
    "BLIND_SPOTS",
    "QUIET_SECONDS",
    "AskSent",
    "Descendant",
    "Problem",
    "Rest",
    "RunGraph",
    "Sent",
    "descendants_at_rest",
    "find_descendants",
    "graph_of_window",
    "settled_descendants",
]

BLIND_SPOTS = (
    "events that an app sends outside of a step: nothing says which run sent them",
    "runs that the server still holds back when the task is counted (debounce, batches, throttles)",
)

Sent = Mapping[str, Mapping[str, Collection[str]]]
"""Run id → step id → ids of events."""
AskSent = Callable[[], Awaitable[Sent]]
"""Asks the wire which events steps have sent by now: settles its log, then `wire.runs.sent_by_steps`."""

QUIET_SECONDS = 1.0
"""Descendants that have not grown for so long are all: a run was there at most 0.3 s after its event (measured)."""
_LOOK_SECONDS = 0.25
_EARLIER = timedelta(seconds=1)
_AT_ONCE = 8


async def _links_of(run: RunTrace, links: Links, sent: Mapping[str, Iterable[str]] | None) -> AsyncIterator[Link]:
    """What a run led to while it went on, as far as its server tells; what its end led to is `_links_of_ends`.

    Args:
        run: with its trace.
        links: of its server.
        sent: step id → events, from the wire; None where it does not tell: then the outputs of steps do.

    Raises:
        InngestApiError: something could not be asked; what was given until then is right.
    """
    for step in steps_of(run):
        if step.invoked_run or step.invoke_event:
            yield Link("invoke", run=step.invoked_run or "", event=step.invoke_event or "", step=step.id)
    for step_id, events in (await links.sent(run.id) if sent is None else sent).items():
        for event in events:
            yield Link("sent", event=event, step=step_id)
    for deferred in await links.deferred(run.id) if run.deferred is None else run.deferred:
        yield Link("deferred", run=deferred)


async def _links_of_ends(graph: "RunGraph", links: Links) -> list[tuple[str, Link]]:
    """What the server's own events about the ends of these runs started: the run that ended, and the link.

    Raises:
        InngestApiError: the events cannot be read.
    """
    begun = [run.queued_at for run in graph.runs.values() if run.queued_at]
    since: datetime | None = min(begun, default=None)
    if since is None:
        return []
    events = await links.internal_events(await links.heard(), since - _EARLIER)
    graph.events |= {event.id for event in events if event.about in graph.runs}
    return [
        (event.about, Link("ended", run=run_id, event=event.id))
        for event in events
        if event.about in graph.runs
        for run_id in event.runs
    ]


@dataclass(frozen=True, slots=True)
class Descendant:
    """One run of a task, and how it came to be."""

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
    """Events among its triggers that are not known to be the task's (a batch): it is also of whoever sent those."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be asked: descendants may be missing."""

    what: str
    run: str = ""
    """The run that it is about: it is in the graph, and what it led to may not be. Empty where that is not known."""


@dataclass(slots=True)
class RunGraph:
    """Runs, and which of them led to which."""

    runs: dict[str, Run] = field(default_factory=dict)
    """By id, in the order in which they were found: in a window the oldest first, else parents before children."""
    events: set[str] = field(default_factory=set)
    """Ids of events that are known to be these runs' own: what clients sent for them, their steps, the server."""
    problems: list[Problem] = field(default_factory=list)
    whole: bool = True
    """Whether all runs had ended and none was added for a second, where `settled_descendants` looked."""
    skipped: int = 0
    """Runs that were left out since the server skipped them: they are free."""
    _children: dict[str, dict[str, Link]] = field(default_factory=lambda: defaultdict(dict))
    """Run, which may be none of `runs` → run that it led to → how. The empty one is the client."""
    _parents: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The same the other way round."""

    def link(self, parent: str, child: str, link: Link) -> None:
        """Note that one run led to another, or a client if `parent` is empty; the first way that is told is kept."""
        if child != parent and child not in self._children[parent]:
            self._children[parent][child] = link
            self._parents[child].append(parent)

    def came_from(self, run_id: str, origin: Origin) -> None:
        """Note what a run says of how it came to be itself."""
        self.link(origin.parent, run_id, Link(origin.way, run=run_id, step=origin.step))

    def link_all(self, told: Mapping[str, Iterable[Link]]) -> None:
        """Note what runs led to, once all runs are there: an event leads to every run that it started.

        Args:
            told: run id → what it led to.
        """
        started: dict[str, list[str]] = defaultdict(list)
        for run in self.runs.values():
            for event in run.trigger_ids:
                started[event].append(run.id)
        for run_id, links in told.items():
            for link in links:
                for child in (*([link.run] if link.run else ()), *started.get(link.event, ())):
                    self.link(run_id, child, link)

    def parents(self, run_id: str) -> list[str]:
        """Runs that led to this one, also such as are not in the graph."""
        return [parent for parent in self._parents.get(run_id, ()) if parent]

    def children(self, run_id: str) -> list[str]:
        """Runs that this one led to, also such as are not in the graph."""
        return [*self._children.get(run_id, ())]

    def roots(self) -> list[Run]:
        """Runs that no other one of the graph led to."""
        return [run for run_id, run in self.runs.items() if not any(each in self.runs for each in self.parents(run_id))]

    def descendants(self, roots: Iterable[Run] | None = None) -> dict[str, Descendant]:
        """These runs and all that descend from them, by id; parents before children, what the ends led to last.

        Args:
            roots: where to begin; None for what a client started.
        """
        started = (("", child, link) for child, link in self._children.get("", {}).items())
        waiting = deque(started if roots is None else map(self._origin, roots))
        ended: deque[tuple[str, str, Link]] = deque()
        found: dict[str, Descendant] = {}
        while waiting or ended:
            parent, run_id, link = (waiting or ended).popleft()
            run = self.runs.get(run_id)
            if run is None or run_id in found:
                continue
            others = tuple(each for each in run.trigger_ids if each not in self.events)
            shared = others if len(run.trigger_ids) > 1 else ()
            found[run_id] = Descendant(run, link.way, parent, link.evidence, link.step, shared)
            for child, each in self._children.get(run_id, {}).items():
                (ended if each.way == "ended" else waiting).append((run_id, child, each))
        return found

    def only(self, runs: Collection[str]) -> "RunGraph":
        """The part of the graph that has these runs alone; it still knows what led to them from outside."""
        kept = {run_id: run for run_id, run in self.runs.items() if run_id in runs}
        return RunGraph(kept, self.events, [], self.whole, self.skipped, self._children, self._parents)

    def _origin(self, run: Run) -> tuple[str, str, Link]:
        """How a root came to be: by a run that is not in the graph, or by its event."""
        for parent in self.parents(run.id):
            if parent not in self.runs:
                return parent, run.id, self._children[parent][run.id]
        return "", run.id, Link("event", run=run.id, event=run.trigger_ids[0] if run.trigger_ids else "")


async def graph_of_window(
    api: InngestApi,
    runs: AsyncIterator[Run],
    *,
    sent: AskSent | None = None,
    links: Links | None = None,
    traces: Mapping[str, RunTrace] = MappingProxyType({}),
) -> RunGraph:
    """All runs of a window, and which of them led to which.

    Args:
        api: the server's API.
        runs: all runs of the window, the oldest first.
        sent: which events steps sent, from the wire; where it does not tell, outputs of steps do.
        links: of the same server, to ask once what it knows.
        traces: those that have settled, by run id: they are not read again.

    Raises:
        InngestApiError: the server does not list its runs.
        TapError: `sent` cannot tell.
    """
    links = links or Links(api)
    graph = RunGraph()
    async for run in runs:
        if run.status == "SKIPPED":
            graph.skipped += 1
        else:
            graph.runs[run.id] = run
    passed = await sent() if sent else {}
    turns = asyncio.Semaphore(_AT_ONCE)
    told: dict[str, list[Link]] = {run_id: [] for run_id in graph.runs}

    async def one(run_id: str) -> None:
        async with turns:
            try:
                trace = traces.get(run_id) or await api.trace(run_id)
                async for link in _links_of(trace, links, passed.get(run_id)):
                    told[run_id].append(link)
            except InngestApiError as error:
                graph.problems.append(Problem(f"what run {run_id} led to cannot be read: {error}", run_id))

    await asyncio.gather(*(one(run_id) for run_id in graph.runs))
    graph.link_all(told)
    try:
        for parent, link in await _links_of_ends(graph, links):
            graph.link(parent, link.run, link)
    except InngestApiError as error:
        graph.problems.append(_unread_ends(error))
    return graph


async def find_descendants(
    api: InngestApi, events: Iterable[str], *, sent: AskSent | None = None, links: Links | None = None
) -> RunGraph:
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
    return await _Search(api, await sent() if sent else {}, links or Links(api)).graph_of(events)


async def settled_descendants(
    api: InngestApi, events: Collection[str], *, sent: AskSent | None = None, patience: float = 60.0
) -> RunGraph:
    """As `find_descendants`, once all runs have ended and no new one has begun for a second.

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
    known: set[str] = set()
    since = time.monotonic()
    while True:
        graph = await find_descendants(api, events, sent=sent, links=links)
        now = time.monotonic()
        if set(graph.runs) != known:
            known, since = set(graph.runs), now
        ended = all(run.status in ENDED for run in graph.runs.values())
        if ended and now - since >= QUIET_SECONDS:
            return graph
        if now > deadline:
            graph.whole = False
            return graph
        # Once all have ended, one look more tells whether any was added meanwhile.
        wait = since + QUIET_SECONDS - now if ended else _LOOK_SECONDS
        await asyncio.sleep(min(wait, max(deadline - now, _LOOK_SECONDS)))


@dataclass(frozen=True, slots=True)
class Rest:
    """All that a server did, once it rests: looked at once for all tasks, by the rule of `settled_descendants`.

    Every run has ended, none was added for `QUIET_SECONDS`, and their traces have settled.
    """

    traces: Mapping[str, RunTrace]
    """By run id; a run that is missing here has not settled, or began later."""
    links: Links
    """Of the same server, which keep what they were told."""


async def descendants_at_rest(
    api: InngestApi, events: Collection[str], rest: Rest, *, sent: AskSent | None = None
) -> RunGraph | None:
    """What `settled_descendants` finds, without its wait.

    Args:
        api: the server's API: asked which runs the events started.
        events: ids of the events that were sent for the task.
        rest: what is known of the runs.
        sent: as there.

    Returns:
        None if a run is not among those that rest, or something could not be asked: then it must be waited for.

    Raises:
        TapError: `sent` cannot tell.
    """
    search = _Search(api, await sent() if sent else {}, rest.links, rest.traces)
    graph = await search.graph_of(events)
    return graph if not graph.problems and graph.runs.keys() <= rest.traces.keys() else None


class _Search:
    """From events to the runs that they started, and on to what each of these led to."""

    def __init__(
        self, api: InngestApi, sent: Sent, links: Links, traces: Mapping[str, RunTrace] = MappingProxyType({})
    ) -> None:
        self._api = api
        self._links = links
        self._sent = sent
        self._graph = RunGraph()
        self._waiting: deque[str] = deque()
        self._known = traces
        self._records: dict[str, RunTrace] = {}

    async def graph_of(self, events: Iterable[str]) -> RunGraph:
        graph = self._graph
        own = list(dict.fromkeys(events))
        graph.events.update(own)
        for event in own:
            await self._follow("", Link("event", event=event))
        while self._waiting:
            while self._waiting:
                await self._descend(self._waiting.popleft())
            try:
                for parent, link in await _links_of_ends(graph, self._links):
                    await self._follow(parent, link)
            except InngestApiError as error:
                graph.problems.append(_unread_ends(error))
        return graph

    async def _descend(self, run_id: str) -> None:
        try:
            record = await self._trace(run_id)
            self._graph.runs[run_id] = record  # an event's list of its runs does not tell all triggers of each
            async for link in _links_of(record, self._links, self._sent.get(run_id)):
                await self._follow(run_id, link)
        except InngestApiError as error:
            self._graph.problems.append(Problem(f"what run {run_id} led to cannot be read: {error}", run_id))

    async def _trace(self, run_id: str) -> RunTrace:
        if run_id not in self._records:
            self._records[run_id] = self._known.get(run_id) or await self._api.trace(run_id)
        return self._records[run_id]

    async def _follow(self, parent: str, link: Link) -> None:
        """Add what one link leads to."""
        if link.event:
            self._graph.events.add(link.event)
        if link.run in self._graph.runs:
            self._graph.link(parent, link.run, link)
            return
        try:
            if link.run:
                runs: list[Run] = [await self._trace(link.run)]
            else:
                runs = await self._api.runs_of_event(link.event)
        except InngestApiError as error:
            what = f"run {link.run} cannot be read" if link.run else f"the runs of event {link.event} cannot be read"
            self._graph.problems.append(Problem(f"{what}: {error}"))
            return
        for run in runs:
            self._graph.link(parent, run.id, link)
            if run.id not in self._graph.runs:
                self._graph.runs[run.id] = run
                self._waiting.append(run.id)


def _unread_ends(error: InngestApiError) -> Problem:
    return Problem(f"the events about ended runs cannot be read: {error}")
