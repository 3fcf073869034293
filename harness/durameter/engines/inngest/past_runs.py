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
from durameter.engines.discovery import Found
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.root_tasks import Descent, find_descent
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
from durameter_collectors.inngest.api.links import INTERNAL_EVENTS, Links
from durameter_collectors.inngest.api.rest import RestV2, Told
from durameter_collectors.inngest.descendants import BLIND_SPOTS, Descendant, Way
from durameter_collectors.inngest.merge_sources import count_run
from durameter_collectors.inngest.runs import CountedRun, TaskRuns, count_runs
from durameter_collectors.inngest.trace import steps_of
from durameter_collectors.units import Gap, TaskLabel

__all__ = ["Past", "RestPast", "Window", "one_source", "parentless", "reached", "records_of"]

_PATIENCE = 3.0
"""Seconds that runs which have not ended are waited for."""
_INVOKED = "inngest/function.invoked"
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
    async def descent(self, window: Window, note: Callable[[str], None]) -> Descent:
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
    async def led_to(self, run: Run) -> bool:
        """Whether another run led to this one, which has none in the window."""


class _Graphql(Past):
    """By the API that dev servers and self-hosted ones have."""

    unseen = BLIND_SPOTS

    def __init__(self, http: httpx.AsyncClient, info: ServerInfo) -> None:
        self.info = info
        self._api = InngestApi(http, info.address)
        self._counted: set[str] = set()

    async def slugs(self) -> list[str]:
        data = await self._api.ask("{functions{slug}}")
        with promised():
            return sorted({str(each["slug"]) for each in data.get("functions") or []})

    async def descent(self, window: Window, note: Callable[[str], None]) -> Descent:
        async def inside() -> AsyncIterator[Run]:
            number = 0
            async for run in self._api.runs_since(window.since):
                if run.queued_at is not None and run.queued_at >= window.until:
                    return
                number += 1
                if number % 1000 == 0:
                    note(f"{number} runs so far")
                yield run

        return await find_descent(self._api, inside(), None, Links(self._api))

    async def count(self, roots: Sequence[str], label: TaskLabel) -> TaskRuns:
        counted = await count_runs(
            self._api, roots, label=label, patience=_PATIENCE, foreign=self._counted.__contains__
        )
        self._counted.update(run.record.id for run in counted.runs)
        return counted

    async def led_to(self, run: Run) -> bool:
        """A call by API or web page makes the same event as a step that invokes, without a step in it."""
        if run.event_name in INTERNAL_EVENTS:
            return True
        if run.event_name != _INVOKED:
            return False
        for event in run.trigger_ids:
            try:
                data = await self._api.ask("query($id: ULID!){eventV2(id: $id){raw}}", id=event)
            except InngestApiError:
                return True  # then nothing says that it was not
            if '"correlation_id"' in str((data.get("eventV2") or {}).get("raw")):
                return True
        return False


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
        self._senders: dict[str, tuple[str, str]] = {}
        """Event → run and step that sent it."""
        self._names: dict[tuple[str, str], str] = {}
        """Run and step id → the step's name."""
        self._descent = Descent()
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
        """Id of the app of a run of the last descent."""
        return self._told[run.id].app

    def narrow(self, descent: Descent) -> None:
        """Count only what is in this part of the last descent."""
        self._descent = descent

    def payloads(self) -> dict[str, dict[str, object]]:
        """Event → what it says, of all events that started a run of the last descent."""
        return {event: payload for told in self._told.values() for event, payload in told.events.items()}

    async def descent(self, window: Window, note: Callable[[str], None]) -> Descent:
        """Read every run of the window: its input and outputs say what led to what."""
        found = self._descent = Descent()
        self._counted = set()
        by_event: dict[str, set[str]] = {}
        inside = await self.inside(window)
        for number, each in enumerate(reversed(inside), 1):
            if each.status == "SKIPPED":
                found.skipped += 1
                continue
            try:
                record, told = await self._api.told(each.id)
            except InngestApiError as error:
                found.problems.append(f"run {each.id} of {each.function.slug} cannot be read: {error}")
                continue
            if number % 100 == 0:
                note(f"{number} of {len(inside)} runs read")
            self._records[each.id], self._told[each.id] = record, told
            self._senders |= {event: (each.id, step) for event, step in told.sent.items()}
            self._names |= {(each.id, step.id): step.name for step in steps_of(record)}
            found.runs[each.id] = record
            for event in record.trigger_ids:
                by_event.setdefault(event, set()).add(each.id)
        for run_id, told in self._told.items():
            if told.parent:
                found.children[told.parent].add(run_id)
            for event in told.sent:
                found.children[run_id] |= by_event.get(event, set()) - {run_id}
        for missing in set(found.children) - set(found.runs):
            del found.children[missing]
        return found

    async def count(self, roots: Sequence[str], label: TaskLabel) -> TaskRuns:
        """Count what these events started, from what `descent` has read."""
        begun = [run for run in self._descent.roots() if set(run.trigger_ids) & set(roots)]
        runs: list[CountedRun] = []
        gaps: list[Gap] = []
        for run in self._descent.family(begun):
            if run.id in self._counted:
                continue
            self._counted.add(run.id)
            record, told = self._records[run.id], self._told[run.id]
            way, parent, step = self._way(told, run)
            count = count_run(record, None, label=label, way=way, led=self._names.get((parent, step), ""))
            runs.append(
                CountedRun(record, Descendant(run, way, parent, f"run {parent}" if parent else "", step), count)
            )
            gaps += count.gaps
            if record.trace is not None and hides_a_step(record.trace):
                gaps.append(Gap(engine="inngest", task=label.task, run=run.id, what=_HIDDEN_STEP))
            if record.status not in ENDED:
                what = f"the run had not ended (status {record.status}): a count so far"
                gaps.append(Gap(engine="inngest", task=label.task, run=run.id, what=what))
        return TaskRuns(runs, gaps, roots)

    def _way(self, told: Told, run: Run) -> tuple[Way, str, str]:
        if told.parent:
            return told.way, told.parent, told.step
        for event in run.trigger_ids:
            if event in self._senders:
                return "sent", *self._senders[event]
        return "event", "", ""

    async def led_to(self, run: Run) -> bool:
        """By what its input says of a caller, or of a run that ended."""
        return bool(self._told[run.id].parent)


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


async def parentless(past: Past, descent: Descent, task: Found) -> list[str]:
    """Say which roots of a task are none: what led to them is not in the window."""
    return [
        f"run {run.id} of {run.function.slug} was led to by a run that is not in this window: it is a task of "
        "its own here. Look further back with --since"
        for run in descent.roots()
        if set(run.trigger_ids) & set(task.roots) and await past.led_to(run)
    ]


def records_of(counted: TaskRuns) -> dict[str, bytes]:
    """Traces by run id: what the count can be made from again, once the server has forgotten them."""
    texts = {f"{run.record.id}.json.gz": run.record.model_dump_json(by_alias=True) for run in counted.runs}
    return {name: gzip.compress(text.encode(), mtime=0) for name, text in texts.items()}


def one_source() -> Reconciliation:
    """The proof that there is none."""
    why = "runs that are read from a server's records have no second source: no tap was before it"
    return Reconciliation(source="trace", other="wire", state="not checked", notes=(why,))
