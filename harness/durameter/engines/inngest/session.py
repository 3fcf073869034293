"""One measurement on a reached Inngest server: serve functions, count tasks, compare the sources."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import fastapi
import httpx
import inngest
import inngest.fast_api

from durameter.engines.base import Session, TaskCount
from durameter.engines.inngest.apps import make_way
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.differences import Evidence
from durameter.engines.inngest.proof import prove
from durameter.engines.inngest.tap import RunningTap
from durameter.engines.inngest.triggers import listens, not_passed
from durameter.engines.tap import first_end
from durameter.errors import EngineMissingError
from durameter.processes.asgi import serve_app
from durameter.processes.server import GuardedProcess
from durameter.results.model import ServerInfo
from durameter.results.reconcile import Reconciliation
from durameter.workload import TaskFailedError
from durameter_collectors.inngest.api.graphql import ENDED, InngestApi, InngestApiError, hides_a_step
from durameter_collectors.inngest.api.rest import RestV2
from durameter_collectors.inngest.descendants import Rest, Sent
from durameter_collectors.inngest.runs import CountedRun, cancel_runs, count_runs
from durameter_collectors.inngest.slot_time import RunSlotTime, measures_of, slot_time_of
from durameter_collectors.inngest.store.read import StoreChanges, StoreError, StoreReading, read_store
from durameter_collectors.inngest.trace import kinds_in_trace
from durameter_collectors.inngest.wire.runs import RunOnWire
from durameter_collectors.units import Elsewhere, Gap, TaskLabel, Unit, nowhere

__all__ = [
    "InngestSession",
    "refused",
    "wait_for_runs",
]

_SETTLE_PATIENCE = 20.0
_STORE_TRIES = 8
_STORE_SECONDS = 0.5
_REST_AT_ONCE = 8
_OWN = "inngest/"
"""How the names of the server's own events begin."""
_LOCKED = "database is locked"

_log = logging.getLogger(__name__)


class InngestSession(Session):
    """What an Inngest implementation gets: clients for this server, and a way to serve functions to it."""

    def __init__(
        self,
        config: InngestConfig,
        info: ServerInfo,
        *,
        http: httpx.AsyncClient,
        address: str,
        tap: RunningTap | None,
        store: Path | None,
        server: GuardedProcess | None,
    ) -> None:
        self.info = info
        self.address = address
        """Base URL for clients and apps in any language: the tap's, where there is one before the server."""
        self.api = InngestApi(http, info.address)
        """The server's GraphQL API, beside the tap: free to read."""
        self.patience = _SETTLE_PATIENCE
        """Seconds that a count waits for the task's runs to end and their traces to settle."""
        self.rest: Rest | None = None
        """All runs, once everything rests: a count waits for none of these any more."""
        self._config = config
        self._http = http
        self._tap = tap
        self._store = store
        self._changes: StoreChanges | None = None
        self._server = server
        self._apps: list[str] = []
        self.not_ours: frozenset[str] = frozenset()
        """Slugs of other apps' functions, which may begin as ours do: `shop-admin-order` is none of `shop`."""
        self._clients: list[inngest.Inngest] = []
        self._ports: set[int] = set()
        self._counted: dict[str, CountedRun] = {}
        self._begun = datetime.now(UTC) - timedelta(seconds=1)
        self._until: datetime | None = None
        self._rows_before = len(tap.log.index.events) if tap else 0

    @property
    def tap(self) -> RunningTap | None:
        """The tap, where there is one."""
        return self._tap

    @property
    def http(self) -> httpx.AsyncClient:
        """What the server, and apps on this machine, are asked with."""
        return self._http

    @property
    def ports(self) -> frozenset[int]:
        """Ports on which the server reaches apps through this session."""
        return frozenset(self._ports)

    @property
    def begun(self) -> datetime:
        """Runs that were queued before are not this measurement's."""
        return self._begun

    @property
    def local_host(self) -> str:
        """Where the session's ports before apps listen on this machine."""
        return self._config.app_bind

    def expect(self, app_id: str) -> None:
        """From here on, each run of this app must belong to a task, and pass the tap where there is one."""
        if app_id not in self._apps:
            self._apps.append(app_id)

    def between(self, begin: datetime, end: datetime | None) -> None:
        """Say which runs are this measurement's: those that were queued from `begin` until `end`; None for no end."""
        self._begun, self._until = begin, end

    def client(self, app_id: str) -> inngest.Inngest:
        """An SDK client that talks to this server. It ends with the session."""
        client = inngest.Inngest(
            app_id=app_id,
            is_production=False,
            event_api_base_url=self.address,
            api_base_url=self.address,
            logger=logging.getLogger("inngest"),
        )
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Let go of the database and of the clients' connections: their SDK (0.5.19) leaves them to the collector."""
        if self._changes is not None:
            self._changes.close()
        for client in self._clients:
            http = getattr(client, "_http_client", None)
            for inner in (getattr(http, "_http_client", None), getattr(http, "_http_client_sync", None)):
                if isinstance(inner, httpx.AsyncClient):
                    await inner.aclose()
                elif isinstance(inner, httpx.Client):
                    inner.close()

    @asynccontextmanager
    async def serve(self, client: inngest.Inngest, functions: Sequence[inngest.Function[object]]) -> AsyncIterator[str]:
        """Serve functions as a FastAPI app on uvicorn, behind the tap, and register them with the server.

        Yields:
            The URL of the app.

        Raises:
            EngineMissingError: the server refused the app, or somebody else is serving it.
        """
        app = fastapi.FastAPI()
        # The origin is known only once the port is bound, hence the routes are added then.
        async with serve_app(app, host="127.0.0.1" if self._tap else self._config.app_bind) as port:
            origin = await self.before_app(f"127.0.0.1:{port}")
            inngest.fast_api.serve(app, client, list(functions), serve_origin=origin)
            url = f"{origin}/api/inngest"
            await self.register(client.app_id, url)
            yield url

    async def before_app(self, target: str) -> str:
        """Put the tap before an app, in whatever language.

        Args:
            target: its `host:port`.

        Returns:
            The origin (`http://host:port`) under which it must register with the server; without a tap, its own.

        Raises:
            TapError: the tap has died, or cannot listen on the configured interface.
        """
        port = int(target.rpartition(":")[2])
        if self._tap:
            port = await self._tap.log.before_app(target, host=self._config.app_bind)
        self._ports.add(port)
        return f"http://{self._config.app_host}:{port}"

    async def register(self, app_id: str, url: str) -> None:
        """Have an app register its functions with the server.

        Args:
            app_id: its id, as in the names of its functions.
            url: where its SDK is served, with the origin that `before_app` gave.

        Raises:
            EngineMissingError: the server refused the app, or somebody else is serving it.
        """
        if self._server is None:
            try:
                await make_way(
                    app_id,
                    self.info.address,
                    config=self._config,
                    http=self._http,
                    now=self._begun,
                    own_ports=self._ports,
                )
            except (InngestApiError, httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                raise EngineMissingError(
                    f"The Inngest server at {self.info.address} does not tell which apps it has: {error!r}. Does it "
                    "still run? Is it an Inngest dev server? Then measure again."
                ) from error
        self.expect(app_id)
        local = httpx.URL(url)
        if local.host == self._config.app_host:  # the name by which the server knows this machine
            local = local.copy_with(host=self._config.app_bind)
        try:
            answer = await self._http.put(local)
            problem = answer.text if refused(answer) else await self._misplaced(app_id, answer.text[:300])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            problem = repr(error)
        if problem:
            raise EngineMissingError(
                f"The Inngest server at {self.info.address} did not take the app {app_id} at {url}: {problem}. "
                "Can it reach this machine? DURAMETER_INNGEST_APP_HOST names it as it sees it."
            )

    async def _misplaced(self, app_id: str, said: str) -> str:
        """Why an app that says it has registered would not be measured, or an empty string."""
        about = (await self._http.get(f"{self.info.address}/dev")).raise_for_status().json()
        mine = [each for each in about.get("functions") or [] if each["slug"].startswith(f"{app_id}-")]
        if not mine:
            return (
                f"the app answers ({said}), and the server knows no function of it. Its SDK must know the server as "
                f"{self.address} (INNGEST_BASE_URL, INNGEST_DEV, event_api_base_url), its id be {app_id}, and its "
                "functions be what the server takes"
            )
        places = [httpx.URL(step["uri"]) for each in mine for step in each["steps"]]
        if any((place.port or 80) in self._ports for place in places):
            return ""
        return (
            f"it has registered at {', '.join(sorted({str(place.copy_with(query=None)) for place in places}))}, where "
            "its requests are not seen. It must register with the origin that before_app() gives (serve_origin, "
            "serveHost, INNGEST_SERVE_HOST)"
        )

    async def died(self) -> str:
        """Waits for the server's process, if it is ours, and for the tap's."""
        return await first_end([self._server] if self._server else [], self._tap)

    async def abandon(self, roots: Sequence[str]) -> None:
        """Cancel the runs of these events and what descends from them."""
        try:
            await cancel_runs(self.api, roots, sent=self._sent if self._tap else None)
        except InngestApiError as error:
            _log.warning("A run that is out of time could not be cancelled: %s", error)

    async def count(self, roots: Sequence[str], label: TaskLabel, *, elsewhere: Elsewhere = nowhere) -> TaskCount:
        """Traces of all runs that descend from these events, and what the tap saw of them.

        A run that several tasks' events started (a batch) belongs to the task that is counted first.

        Args:
            roots: ids of events that the driver sent.
            label: whose units these are.
            elsewhere: whether the driver of another task has named this event.
        """
        task = await count_runs(
            self.api,
            [root for root in roots if root],
            label=label,
            patience=self.patience,
            sent=self._sent if self._tap else None,
            seen=self._seen,
            foreign=self._counted.__contains__,
            rest=self.rest,
        )
        self._counted |= {run.record.id: run for run in task.runs}
        unread = {gap.run for gap in task.gaps} - {run.record.id for run in task.runs}
        return TaskCount(
            units=[unit for run in task.runs for unit in run.count.units],
            gaps=[*task.gaps, *self._unheard(roots, task.runs, label)],
            runs=[run.record.id for run in task.runs],
            records=self._records(task.runs),
            measures=self._measures(task.runs, {event for event in task.events if not elsewhere(event)})
            # A run that cannot be read is in no sum: then there is none, for a part would pass for the whole.
            | ({} if unread else measures_of([self._slot_time(run) for run in task.runs])),
        )

    def _unheard(self, roots: Sequence[str], runs: Sequence[CountedRun], label: TaskLabel) -> list[Gap]:
        """A task whose events started nothing, though nothing listens to them: no limit of a function explains that.

        Events beside those that start runs are nothing odd: somebody waits for them.
        """
        if runs or self._tap is None or self.address == self.info.address:
            return []
        index, mine = self._tap.log.index, {root for root in roots if root}
        if any(mine & {*run.record.trigger_ids} for run in self._counted.values()):
            return []  # a batch, which is another task's
        names = {name for row in index.events if mine & {*row.ids} for name in row.names}
        if not mine or any(listens(function, name) for function in index.functions.values() for name in names):
            return []
        what = (
            f"its events ({', '.join(sorted(names)) or 'none passed the tap'}) started no run, and no function that "
            "has registered listens to them. Is the app served, and does its driver send the right events?"
        )
        return [Gap(engine="inngest", task=label.task, run="", what=what)]

    async def _sent(self) -> Sent:
        """Which events steps sent by now."""
        if self._tap is None:
            return {}
        await self._tap.log.settle()
        return self._tap.log.index.sent

    def _seen(self, run: str) -> RunOnWire | None:
        return self._tap.log.index.runs.get(run) if self._tap else None

    def _records(self, runs: Sequence[CountedRun]) -> dict[str, bytes]:
        """Traces by run id, and the task's rows of the wire: what its count can be made from again."""
        texts = {f"{run.record.id}.json.gz": run.record.model_dump_json(by_alias=True) for run in runs}
        if self._tap:
            rows = [row for run in runs for row in self._tap.log.index.rows_of(run.record.id)]
            texts["wire.jsonl.gz"] = "".join(row.model_dump_json() + "\n" for row in rows)
        return {name: gzip.compress(text.encode(), mtime=0) for name, text in texts.items() if text}

    def _measures(self, runs: Sequence[CountedRun], events: set[str]) -> dict[str, Decimal]:
        if self._tap is None:
            return {}
        seen = [self._seen(run.record.id) or RunOnWire() for run in runs]
        sent = {event for row in self._tap.log.index.events for event in row.ids}
        return {
            "sdk_requests": Decimal(sum(run.requests for run in seen)),
            "events": Decimal(len(sent & events)),
            "bytes": Decimal(sum(run.request_bytes + run.reply_bytes for run in seen)),
        }

    def _slot_time(self, run: CountedRun) -> RunSlotTime | None:
        """What the run takes of capacity: by the wire, where it passes."""
        steps = {unit.evidence for unit in run.count.units if unit.evidence.startswith("step ")}
        rows = self._tap.log.index.rows_of(run.record.id) if self._tap else None
        return slot_time_of(run.record, rows, steps=len(steps))

    async def reconcile(self, units: Sequence[Unit]) -> tuple[Reconciliation, ...]:
        """Compare the sources with each other and with the ledger, run by run and kind by kind."""
        await self._sent()
        (store, problem), (rest, rest_problems), unattributed, own_events = await asyncio.gather(
            self._stored(), self._rest(), self._unattributed(), self._own_events()
        )
        return prove(
            Evidence(
                ledger=units,
                runs=self._counted,
                apps=tuple(self._apps),
                wire=self._tap.log.index if self._tap else None,
                events=self._tap.log.index.events[self._rows_before :] if self._tap else (),
                own_events=own_events,
                events_tapped=self.address != self.info.address,
                store=store,
                store_problem=problem,
                store_troubles=tuple(self._locked()),
                rest=rest,
                rest_problems=rest_problems,
                unattributed=tuple(unattributed),
            )
        )

    async def _own_events(self) -> set[str]:
        """Events that started runs, and that no client had to send: the server makes one for a call by API."""
        if self._tap is None:
            return set()
        index = self._tap.log.index
        own: set[str] = set()
        for event in not_passed(self._counted, index.events[self._rows_before :], index.functions):
            try:
                if (await self.api.event_name(event)).startswith(_OWN):
                    own.add(event)
            except InngestApiError:
                continue  # it is named as one that did not pass
        return own

    async def _rest(self) -> tuple[dict[str, dict[str, Decimal]] | None, tuple[str, ...]]:
        """Units per run and kind by the server's REST API; None where it has none."""
        rest = RestV2(self._http, self.info.address)
        turns = asyncio.Semaphore(_REST_AT_ONCE)
        counts: dict[str, dict[str, Decimal]] = {}
        problems: list[str] = []

        async def one(run: str) -> None:
            async with turns:
                try:
                    spans = await rest.spans(run)
                except InngestApiError as error:
                    problems.append(f"run {run}: {error}")
                    return
            if spans is None or not hides_a_step(spans):  # here no other tree tells its id
                # The run itself as the other API has it: this one calls a skipped run something else.
                counts[run] = kinds_in_trace(self._counted[run].record.model_copy(update={"trace": spans}))

        try:
            if not await rest.there():
                return None, ()
        except InngestApiError as error:
            return None, (str(error),)
        await asyncio.gather(*(one(run) for run in self._counted))
        return counts, tuple(problems)

    async def _stored(self) -> tuple[StoreReading | None, str]:
        """The server's own database, once two readings are equal, or why it cannot be read."""
        if self._store is None:
            return None, "the server's database is not at hand (DURAMETER_INNGEST_STORE names its main.db)"
        before: StoreReading | None = None
        try:
            for _ in range(_STORE_TRIES):
                now = await asyncio.to_thread(read_store, self._store, runs=frozenset(self._counted))
                if now == before:
                    break
                before = now
                await asyncio.sleep(_STORE_SECONDS)
        except StoreError as error:
            return None, str(error)
        return before, ""

    def store_version(self) -> int | None:
        """What changes when the server writes to its database; None where that is not at hand."""
        try:
            if self._changes is None and self._store is not None:
                self._changes = StoreChanges(self._store)
            return self._changes.version() if self._changes else None
        except StoreError:
            return None

    def _locked(self) -> list[str]:
        """What the server's log says of writes that it lost."""
        if self._server is None:
            return []
        try:
            lines = sum(_LOCKED in line for line in self._server.log.read_text(errors="replace").splitlines())
        except OSError:
            return []
        return [f"the server's log says {lines} times that its database was locked: spans may be lost"] if lines else []

    async def _unattributed(self) -> list[str]:
        """Runs of the served apps that belong to no task."""
        prefixes = tuple(f"{app}-" for app in self._apps)
        index = self._tap.log.index if self._tap else None
        begun = [
            f"run {run_id}, which an app began by itself, belongs to no task: its units are in no count"
            for run_id, run in (index.runs.items() if index else ())
            if run.begun_by_app and run_id not in self._counted
        ]
        try:
            return begun + [
                f"run {run.id} of {run.function.slug} belongs to no task: its units are in no count "
                "(did its driver forget Measured.started?)"
                async for run in self.api.runs_since(self._begun)
                if run.id not in self._counted and run.function.slug.startswith(prefixes) and run.status != "SKIPPED"
                if run.function.slug not in self.not_ours
                if self._until is None or run.queued_at is None or run.queued_at <= self._until
            ]
        except InngestApiError as error:
            return [f"the server's list of runs cannot be read, so unattributed runs would not be noticed: {error}"]


def refused(answer: httpx.Response) -> bool:
    """Whether an app could not register: the SDK for Python answers with status 200 and the server's own one inside."""
    try:
        said = answer.json()
    except ValueError:
        return answer.is_error
    return answer.is_error or (isinstance(said, dict) and bool(said.get("error")))


# Wait until what an event started has ended: what nearly every driver on Inngest does last.

_LOOK_SECONDS = 0.2


async def wait_for_runs(session: InngestSession, event: str) -> None:
    """Wait until every run that an event started has ended. Reading the runs is free.

    It waits for the first of them as long as the task may take.

    Args:
        session: the reached server.
        event: id of the event, as `client.send` gave it.

    Raises:
        TaskFailedError: a run failed or was cancelled.
    """
    while True:
        runs = await session.api.runs_of_event(event)
        if runs and all(run.status in ENDED for run in runs):
            break
        await asyncio.sleep(_LOOK_SECONDS)
    for run in runs:
        if run.status in ("FAILED", "CANCELLED"):
            raise TaskFailedError(f"run {run.id} of {run.function.slug} is {run.status.lower()}")
