"""Runs that an Inngest server has, by either of its APIs: what a count needs of them."""

import gzip
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import httpx
from pydantic import SecretStr

from durameter.config import Config
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.server import SigningKey, reach
from durameter.errors import EngineMissingError
from durameter.results.model import ServerInfo
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import (
    ENDED,
    InngestApi,
    InngestApiError,
    Run,
    RunTrace,
    hides_a_step,
    promised,
)
from durameter_collectors.inngest.api.links import Links
from durameter_collectors.inngest.api.rest import RestV2, Told
from durameter_collectors.inngest.descendants import BLIND_SPOTS, Problem, RunGraph, graph_of_window
from durameter_collectors.inngest.merge_sources import count_run
from durameter_collectors.inngest.runs import CountedRun, TaskRuns, count_runs
from durameter_collectors.inngest.trace import steps_of
from durameter_collectors.units import Gap, TaskLabel

__all__ = ["Past", "RestPast", "Window", "one_source", "reached", "records_of"]

_PATIENCE = 3.0
"""Seconds that runs which have not ended are waited for."""
_HIDDEN_STEP = (
    "a step of the program is called Finalization, as a span of the server's own is: the REST API gives it no id, and "
    "it is not in the count"
)


@dataclass(frozen=True)
class Window:
    """Which runs are counted, by the time when they were queued."""

    since: datetime
    until: datetime
    """The first moment after it."""

    def __str__(self) -> str:
        """In words."""
        return f"between {self.since.isoformat()} and {self.until.isoformat()}"


class Past(ABC):
    """A server's runs."""

    info: ServerInfo
    unseen: tuple[str, ...]
    """What this API cannot show beside what no trace shows."""

    @abstractmethod
    async def slugs(self) -> list[str]:
        """Its functions; empty where it does not tell them."""

    @abstractmethod
    async def graph(self, window: Window, note: Callable[[str], None]) -> RunGraph:
        """Runs of a window, and which led to which.

        Raises:
            InngestApiError: the server does not list its runs.
        """

    @abstractmethod
    async def count(self, roots: Sequence[str], label: TaskLabel) -> TaskRuns:
        """Count the runs that these events started, and all that descend from them.

        A run that several tasks led to (a batch) belongs to the one that is counted first.
        """

    @abstractmethod
    async def has_origin(self, run: Run) -> bool:
        """Whether another run led to this one, be it in the window or not."""


class _Graphql(Past):
    """By the API that dev servers and self-hosted ones have."""

    unseen = BLIND_SPOTS

    def __init__(self, http: httpx.AsyncClient, info: ServerInfo) -> None:
        self.info = info
        self._api = InngestApi(http, info.address)
        self._links = Links(self._api)
        self._counted: set[str] = set()

    async def slugs(self) -> list[str]:
        data = await self._api.ask("{functions{slug}}")
        with promised():
            return sorted({str(each["slug"]) for each in data.get("functions") or []})

    async def graph(self, window: Window, note: Callable[[str], None]) -> RunGraph:
        async def inside() -> AsyncIterator[Run]:
            number = 0
            async for run in self._api.runs_since(window.since):
                if run.queued_at is not None and run.queued_at >= window.until:
                    return
                number += 1
                if number % 1000 == 0:
                    note(f"{number} runs so far")
                yield run

        return await graph_of_window(self._api, inside(), links=self._links)

    async def count(self, roots: Sequence[str], label: TaskLabel) -> TaskRuns:
        counted = await count_runs(
            self._api, roots, label=label, patience=_PATIENCE, foreign=self._counted.__contains__
        )
        self._counted.update(run.record.id for run in counted.runs)
        return counted

    async def has_origin(self, run: Run) -> bool:
        return await self._links.has_origin(run)


class RestPast(Past):
    """By the REST API, for where there is no other: Inngest Cloud, with a signing key, and servers with --no-ui."""

    unseen = (
        *BLIND_SPOTS,
        "step_retry: attempts of steps of which the REST API does not number each",
        "deferred functions: the REST API does not say which run put them off, so they are tasks of their own",
        "whether a run has ended: the REST API was seen to say Completed too early. Count what is some time past",
        "runs that were queued and have not started",
    )

    def __init__(self, http: httpx.AsyncClient, info: ServerInfo) -> None:
        self.info = info
        self._api = RestV2(http, info.address)
        self._records: dict[str, RunTrace] = {}
        self._told: dict[str, Told] = {}
        self._names: dict[tuple[str, str], str] = {}
        """Run and step id → the step's name."""
        self._graph = RunGraph()
        self._counted: set[str] = set()

    async def slugs(self) -> list[str]:
        """None: this API lists functions by app only."""
        return []

    async def now(self) -> datetime:
        """The server's own time.

        Raises:
            InngestApiError: the server does not tell it.
        """
        return await self._api.now()

    async def inside(self, window: Window) -> list[Run]:
        """Runs of a window, the latest first: a look that reads no trace.

        Raises:
            InngestApiError: the server does not list its runs.
        """
        listed = [run async for run in self._api.runs_back_to(window.since)]
        return [run for run in listed if run.queued_at is None or window.since <= run.queued_at < window.until]

    def app_of(self, run: Run) -> str:
        """Id of the app of a run of the last graph."""
        return self._told[run.id].app

    def narrow(self, graph: RunGraph) -> None:
        """Count only what is in this part of the last graph."""
        self._graph = graph

    def payloads(self) -> dict[str, dict[str, object]]:
        """Event → what it says, of all events that started a run of the last graph."""
        return {event: payload for told in self._told.values() for event, payload in told.events.items()}

    async def graph(self, window: Window, note: Callable[[str], None]) -> RunGraph:
        """Read every run of the window: its input and outputs say what led to what."""
        graph = self._graph = RunGraph()
        self._counted = set()
        inside = await self.inside(window)
        for number, each in enumerate(reversed(inside), 1):
            if each.status == "SKIPPED":
                graph.skipped += 1
                continue
            try:
                record, told = await self._api.told(each.id)
            except InngestApiError as error:
                graph.problems.append(Problem(f"run {each.id} of {each.function.slug} cannot be read: {error}"))
                continue
            if number % 100 == 0:
                note(f"{number} of {len(inside)} runs read")
            graph.runs[each.id] = self._records[each.id] = record
            self._told[each.id] = told
            self._names |= {(each.id, step.id): step.name for step in steps_of(record)}
        for run_id in graph.runs:
            if (origin := self._told[run_id].origin) is not None:
                graph.came_from(run_id, origin)
        graph.link_all({run_id: self._told[run_id].links for run_id in graph.runs})
        return graph

    async def count(self, roots: Sequence[str], label: TaskLabel) -> TaskRuns:
        """Count what these events started, from what `graph` has read."""
        begun = [run for run in self._graph.roots() if set(run.trigger_ids) & set(roots)]
        runs: list[CountedRun] = []
        gaps: list[Gap] = []
        for run_id, member in self._graph.descendants(begun).items():
            if run_id in self._counted:
                continue
            self._counted.add(run_id)
            record = self._records[run_id]
            led = self._names.get((member.parent, member.step), "")
            count = count_run(record, None, label=label, way=member.way, led=led)
            runs.append(CountedRun(record, member, count))
            gaps += count.gaps
            if record.trace is not None and hides_a_step(record.trace):
                gaps.append(Gap(engine="inngest", task=label.task, run=run_id, what=_HIDDEN_STEP))
            if record.status not in ENDED:
                what = f"the run had not ended (status {record.status}): a count so far"
                gaps.append(Gap(engine="inngest", task=label.task, run=run_id, what=what))
        return TaskRuns(runs, gaps, roots)

    async def has_origin(self, run: Run) -> bool:
        """By what its input says of a caller, or of a run that ended."""
        return self._told[run.id].origin is not None


@asynccontextmanager
async def reached(address: str, config: Config) -> AsyncIterator[Past]:
    """A server, by the API that it has.

    Args:
        address: its base URL.
        config: `[inngest] signing_key`; else `INNGEST_SIGNING_KEY` of the environment.

    Raises:
        EngineMissingError: nothing that speaks Inngest answers, or a key is missing or wrong.
    """
    given = os.environ.get("INNGEST_SIGNING_KEY")
    key = InngestConfig.of(config).signing_key or (SecretStr(given) if given else None)
    auth = SigningKey(key, address) if key else None
    async with httpx.AsyncClient(timeout=30, auth=auth) as http:
        past: Past
        try:
            past = _Graphql(http, await reach(address, key))
        except EngineMissingError:
            if not await _has_rest(http, address):
                raise
            past = RestPast(http, ServerInfo(version="unknown", origin="address", tested=False, address=address))
        yield past


async def _has_rest(http: httpx.AsyncClient, address: str) -> bool:
    try:
        return await RestV2(http, address).there()
    except InngestApiError:
        return False


def records_of(counted: TaskRuns) -> dict[str, bytes]:
    """Traces by run id: what the count can be made from again, once the server has forgotten them."""
    texts = {f"{run.record.id}.json.gz": run.record.model_dump_json(by_alias=True) for run in counted.runs}
    return {name: gzip.compress(text.encode(), mtime=0) for name, text in texts.items()}


def one_source() -> Reconciliation:
    """The proof that there is none."""
    why = "runs that are read from a server's records have no second source: no tap was before it"
    return Reconciliation(source="trace", other="wire", state="not checked", notes=(why,))
