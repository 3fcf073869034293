"""Watching programs on Inngest: the dev server, a tap before it, and taps before the apps that the program serves."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import httpx
from pydantic import SecretStr

from durameter.config import Config
from durameter.engines.base import Progress
from durameter.engines.discovery import Found, Watched, WatchOptions
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.engine import InngestEngine
from durameter.engines.inngest.past_runs import RestPast
from durameter.engines.inngest.past_runs import reached as reach_records
from durameter.engines.inngest.root_tasks import parentless, tasks_of
from durameter.engines.inngest.server import SELF_HOSTED
from durameter.engines.inngest.session import InngestSession
from durameter.engines.inngest.watch.advice import nothing
from durameter.engines.inngest.watch.apps import Apps, registered_on
from durameter.engines.inngest.watch.cloud import WatchedRecords
from durameter.engines.inngest.watch.options import (
    UNSEEN,
    UNSEEN_WITHOUT_TAP,
    check,
    check_fits,
    check_tap,
    usual_port_note,
    value_at,
    variables,
)
from durameter.errors import EngineMissingError, UsageError
from durameter_collectors.inngest.api.graphql import ENDED, SETTLE_SECONDS, InngestApiError, Run, RunTrace
from durameter_collectors.inngest.api.links import Links
from durameter_collectors.inngest.descendants import QUIET_SECONDS, Rest, RunGraph, Sent, graph_of_window
from durameter_collectors.inngest.opcodes import units_per_run
from durameter_collectors.inngest.trace import kinds_in_trace
from durameter_collectors.tapping.client import TapError

__all__ = ["USUAL_PORT", "WatchedInngest", "watched"]

USUAL_PORT = 8288
"""Where the dev server listens by default, and where SDKs look for it."""

_HOSTS = ("127.0.0.1", "[::1]")
_log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25
_GONE_SECONDS = 3.0
"""How long no app may answer before open runs are given up."""
_REST = timedelta(seconds=1)
"""What a run led to begins at most 0.3 s after its end (measured)."""
_STILL_SECONDS = 60.0
"""How long open runs of apps that answer may show nothing new before they are given up: a sleep of a day, say."""
_PATIENCE_WITHOUT_END = 3.0


class WatchedInngest(Watched):
    """A reached server for one watch."""

    session: InngestSession

    def __init__(
        self, session: InngestSession, options: WatchOptions, progress: Progress, inngest: InngestConfig
    ) -> None:
        self.session = session
        keyed = session.info.version == SELF_HOSTED
        self.environment = variables(session.address, inngest, keyed=keyed) if options.command else {}
        # A server that asks for keys is no dev server: the SDK must sign, and not say that it is in development.
        self.hidden = ("INNGEST_DEV",) if keyed else ()
        self._options = options
        self._progress = progress
        self._begun = options.since or datetime.now(UTC)
        self._links = Links(session.api)
        self._looking: asyncio.Task[None] | None = None
        self._settled = False
        self._at_rest: RunGraph | None = None
        """All runs, once everything rests."""
        self._read: set[str] = set()
        """Runs whose traces were read when all had ended."""
        self._written: tuple[int | None, float] = (None, 0.0)
        """The version of the server's database, and when it was first seen (monotonic clock)."""
        self._interrupted: set[str] = set()
        """Runs that had not ended when the watch did."""
        self._late: tuple[str, ...] = ()
        self._owners: dict[str, str] = {}
        """Slug of a function → id of its app, on a server that others use too."""
        self._tapped = session.tap is not None
        self.apps = Apps(session, named=options.app, progress=progress) if options.command else None
        session.between(self._begun - timedelta(seconds=1 if options.since is None else 0), options.until)

    @property
    def unseen(self) -> tuple[str, ...]:  # type: ignore[override]  # read at the end only: it grows
        """What these sources cannot show, and what came to nothing."""
        return (*(UNSEEN if self._tapped else UNSEEN_WITHOUT_TAP), *self._late)

    async def begin(self) -> None:
        """Look for apps from now on."""
        if self.apps is not None:
            self._looking = asyncio.create_task(self.apps.watch())

    async def settle(self) -> None:
        """Wait until all runs have ended and none has come for a while, or nobody is left who could end them."""
        try:
            rests = await self._wait()
            await self._look_no_more()
            traces: Mapping[str, RunTrace] = {}
            if rests:
                self._links = Links(self.session.api, at_rest=True)
                traces = self._settled_traces(self._read)
            graph = await self._graph(traces)
            if not graph.runs:
                raise UsageError(await nothing(self.session, self.apps, self._options, self._begun, graph.skipped))
            self._note_lost(graph)
            self._late += tuple(problem.what for problem in graph.problems if not problem.run)
            if rests:
                self._at_rest = graph
                self.session.rest = Rest(self._settled_traces(graph.runs), self._links)
        except (InngestApiError, httpx.HTTPError) as error:
            raise EngineMissingError(
                f"The Inngest server at {self.session.info.address} does not tell what it ran: {error}. "
                "Does it still run? Measure again; its log is in the result's folder."
            ) from error
        except TapError as error:
            raise EngineMissingError(f"{error} Measure again.") from error
        self._settled = True

    async def tasks(self) -> Sequence[Found]:
        """Root runs that share no event with others are a task each; a task key puts more of them together."""
        try:
            graph = self._at_rest or await self._graph()
            groups, more = await self._keyed(graph)
        except InngestApiError as error:
            if not self._settled:
                return ()  # the next look may succeed; the last one must
            raise EngineMissingError(f"The Inngest server does not tell its runs: {error}. Measure again.") from error
        found = tasks_of(graph, groups, more, rest=timedelta(0) if self._settled else _REST)
        if self._settled:
            found = [
                replace(task, gaps=(*task.gaps, *[gap async for gap in self._gaps(graph, task)])) for task in found
            ]
        return found

    async def close(self) -> None:
        """Stop looking, and leave a server that is somebody else's as it was."""
        await self._look_no_more()
        if self.apps is not None and self._options.attach:
            await self.apps.give_back()

    async def _look_no_more(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
            self._looking = None

    async def _learn(self) -> None:
        """Whose functions are whose: of two apps, the name of one may begin with the other's."""
        for app in await registered_on(self.session.api):
            self._owners |= dict.fromkeys(app.functions, app.id)
        if self.apps is not None:
            ours = {app.id for app in self.apps.found.values()}
            self.session.not_ours = frozenset(slug for slug, app in self._owners.items() if app not in ours)

    def _of(self, slug: str, app_id: str) -> bool:
        """Whether a function is an app's; one that the server does not know any more, by its name."""
        owner = self._owners.get(slug)
        return bool(app_id) and (slug.startswith(f"{app_id}-") if owner is None else owner == app_id)

    async def _runs(self) -> AsyncIterator[Run]:
        if self._options.attach:
            await self._learn()
        async for run in self.session.api.runs_since(self.session.begun):
            until = self._options.until
            if self._mine(run) and (until is None or run.queued_at is None or run.queued_at <= until):
                yield run

    def _mine(self, run: Run) -> bool:
        """On a server of others, runs of other apps than the command's are not the watch's."""
        if not self._options.attach:
            return True
        slug = run.function.slug
        if self.apps is None:
            return self._options.query in {"", slug} or self._of(slug, self._options.query)
        return any(self._of(slug, app.id) for app in self.apps.found.values())

    async def _graph(self, traces: Mapping[str, RunTrace] = MappingProxyType({})) -> RunGraph:
        sent = self._sent if self._tapped else None
        graph = await graph_of_window(self.session.api, self._runs(), sent=sent, links=self._links, traces=traces)
        for run_id in self._interrupted & graph.runs.keys():
            graph.runs[run_id] = graph.runs[run_id].model_copy(update={"status": "INTERRUPTED"})
        return graph

    async def _sent(self) -> Sent:
        if self.session.tap is None:
            return {}
        await self.session.tap.log.settle()
        return self.session.tap.log.index.sent

    def _settled_traces(self, runs: Iterable[str]) -> dict[str, RunTrace]:
        """Traces that have settled, by run id."""
        written, since = self._written
        still = written is not None and self.session.store_version() == written
        unchanged = since if still and time.monotonic() - since >= SETTLE_SECONDS else None
        settled = {run_id: self.session.api.settled(run_id, unchanged_since=unchanged) for run_id in runs}
        return {run_id: trace for run_id, trace in settled.items() if trace is not None}

    async def _wait(self) -> bool:
        """Returns whether everything rests: all runs have ended by themselves, and none came for long enough."""
        if self._options.attach and not self._options.command:
            self.session.patience = _PATIENCE_WITHOUT_END
            self._interrupted = {run.id async for run in self._runs() if run.status not in ENDED}
            return False
        clock = asyncio.get_running_loop()
        before: dict[str, str] = {}
        changed = answered = clock.time()
        while True:
            now = {run.id: run.status async for run in self._runs()}
            if now != before:
                before, changed = now, clock.time()
            going = [run for run, status in now.items() if status not in ENDED]
            if not going:
                if clock.time() - changed >= self._options.idle_seconds:
                    return self._options.idle_seconds >= QUIET_SECONDS
                await self._read_ahead(now.keys())
            elif self.apps is None or await self.apps.alive():
                answered = clock.time()
            quiet = clock.time() - changed
            if going and (clock.time() - answered > _GONE_SECONDS or quiet > _STILL_SECONDS):
                await self._give_up(going)
                return False
            await asyncio.sleep(_LOOK_SECONDS)

    async def _read_ahead(self, runs: Collection[str]) -> None:
        """Read the traces of runs that have all ended, in the time that has to pass anyway.

        If the server writes nothing more from here on, they have settled; else they are the first of two readings.
        """
        written = self.session.store_version()
        if written is not None and written != self._written[0]:  # the last spans come just after the end
            self._written = written, time.monotonic()
        else:
            await self.session.api.traces(set(runs) - self._read)
            self._read |= set(runs)

    async def _give_up(self, going: Sequence[str]) -> None:
        """Nobody is left to end these runs. On a server of ours they are cancelled, which is free: counts are final."""
        self._interrupted = set(going)
        self._progress(f"{len(going)} runs had not ended: the app that they need has ended, or waits for long")
        if self._options.attach:
            self.session.patience = _PATIENCE_WITHOUT_END
            return
        for run in going:
            await self.session.api.cancel(run)

    async def _keyed(self, graph: RunGraph) -> tuple[Mapping[str, str], Mapping[str, Sequence[str]]]:
        """Event → value of the task key, and further events that started nothing, by value."""
        key = self._options.key
        if key is None:
            return {}, {}
        started = {event for run in graph.runs.values() for event in run.trigger_ids}
        tap = self.session.tap
        passed = {event for row in tap.log.index.events for event in row.ids} if tap else set()
        roots = {event for run in graph.roots() for event in run.trigger_ids}
        events = await self._links.events(roots | passed)
        values = {event: value_at(payload, key.value) for event, payload in events.items()}
        groups = {event: value for event, value in values.items() if value is not None}
        if self._settled:
            check_fits(key, {event: payload for event, payload in events.items() if event in roots}, groups)
        more: dict[str, list[str]] = {}
        sent_by_steps = {event for steps in self._sent_now().values() for ids in steps.values() for event in ids}
        for event in sorted(passed - started - sent_by_steps):
            if event in groups:
                more.setdefault(groups[event], []).append(event)
        return {event: value for event, value in groups.items() if event in roots}, more

    def _sent_now(self) -> Sent:
        return self.session.tap.log.index.sent if self.session.tap else {}

    async def _gaps(self, graph: RunGraph, task: Found) -> AsyncIterator[str]:
        """What could not be asked about runs of the task, and runs that the tap has not seen from their beginning."""
        roots = [run for run in graph.roots() if {*run.trigger_ids} & {*task.roots}]
        runs = graph.descendants(roots)
        for problem in graph.problems:
            if problem.run in runs:
                yield problem.what
        if self.apps is None:
            for what in await parentless(graph, task, self._links.has_origin):
                yield what
        apps = self.apps if self._tapped else None
        for run in (each.run for each in runs.values()):
            if apps is not None and (why := await self._beside(run, apps)):
                yield f"run {run.id} of {run.function.slug} is counted from its trace alone, for {why}"

    async def _beside(self, run: Run, apps: Apps) -> str:
        """Why the tap has not seen a run, or not all of it; empty where it has."""
        app = max(
            (each for each in apps.found.values() if self._of(run.function.slug, each.id)),
            key=lambda each: len(each.id),
            default=None,
        )
        seen = self.session.tap.log.index.runs.get(run.id) if self.session.tap else None
        if app is None or app.problem:
            return "" if seen else app.problem if app else "its app is not known: does it use Connect?"
        begin, end = run.queued_at or run.started_at, run.ended_at
        overlaps = [
            1 for since, until in app.beside if (begin is None or begin <= until) and (end is None or end >= since)
        ]
        if not overlaps:
            return ""
        if seen is not None:
            traced = kinds_in_trace(await self.session.api.trace(run.id))
            if units_per_run({run.id: seen})[run.id] == traced:
                return ""
        return (
            f"the app {app.id} had registered by itself, and the server called it beside the tap. Retries that only "
            "the wire shows may be missing. Let durameter register the app (it finds it, or --app names it)"
        )

    def _note_lost(self, graph: RunGraph) -> None:
        """Events that came before anybody listened."""
        tap = self.session.tap
        if tap is None or self.apps is None:
            return
        first = min((app.since for app in self.apps.tapped() if app.since), default=None)
        started = {event for run in graph.runs.values() for event in run.trigger_ids}
        lost = [row for row in tap.log.index.events if first and row.time < first and not {*row.ids} & started]
        count = sum(len(row.ids) for row in lost)
        if count:
            names = ", ".join(sorted({name for row in lost for name in row.names}))
            what = (
                f"{count} events ({names}) were sent before an app had registered: the server started nothing for "
                "them, as it does without durameter. Send events once the app is registered"
            )
            self._late = (what,)


@asynccontextmanager
async def watched(
    options: WatchOptions, config: Config, folder: Path, progress: Progress
) -> AsyncIterator[WatchedInngest | WatchedRecords]:
    """Start or reach an Inngest server for one watch; undone on leaving."""
    check(options, config)
    inngest = InngestConfig.of(config)
    if options.attach:
        key = os.environ.get("INNGEST_SIGNING_KEY")
        inngest = inngest.model_copy(
            update={"address": options.attach.rstrip("/"), "store": None}
            | ({"signing_key": SecretStr(key)} if key and inngest.signing_key is None else {})
        )
        async with reach_records(inngest.address, config) as past:
            if isinstance(past, RestPast):
                yield WatchedRecords(past, options, progress, inngest, await _time_of(past))
                return
        check_tap(options)
    if options.attach and not options.command:
        inngest = inngest.model_copy(update={"tap": False})
    config = config.model_copy(update={"inngest": inngest})
    async with InngestEngine().reached(config, folder, progress, hidden=()) as reached, reached.session() as session:
        watch = WatchedInngest(session, options, progress, inngest)
        if watch.apps is not None and inngest.address:
            await watch.apps.prepare()
        if options.usual_ports and options.command:
            watch.notes = await _usual_port(session)
        try:
            yield watch
        finally:
            await watch.close()


async def _time_of(past: RestPast) -> datetime:
    try:
        return await past.now()
    except InngestApiError as error:
        raise EngineMissingError(f"{error} Is {past.info.address} the API of Inngest?") from error


async def _usual_port(session: InngestSession) -> tuple[str, ...]:
    """Listen on 8288 as well; returns what to say where that cannot be."""
    server = httpx.URL(session.info.address)
    if session.tap is None:
        return ()
    if server.port == USUAL_PORT:
        return (usual_port_note(USUAL_PORT, "the server itself listens there"),)
    taken = []
    for host in _HOSTS:
        try:
            await session.tap.log.before_server(f"{server.host}:{server.port or 80}", host=host, port=USUAL_PORT)
        except TapError as error:
            _log.info("the tap does not listen on %s:%s: %s", host, USUAL_PORT, error)
            taken.append(host)
    # Many machines have no ::1.
    return tuple(usual_port_note(USUAL_PORT, "another program listens there") for host in taken if host == _HOSTS[0])
