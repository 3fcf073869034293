"""Inngest: the dev server, found, fetched or built, or a server that is already there."""

import asyncio
import gzip
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import fastapi
import httpx
import inngest
import inngest.fast_api

from durameter.config import Config, InngestConfig
from durameter.engines import inngest_binary
from durameter.engines.base import (
    Engine,
    Finding,
    Progress,
    RunningServer,
    ServerInfo,
    Session,
    TaskCount,
)
from durameter.engines.detached import info_of
from durameter.engines.inngest_apps import make_way
from durameter.engines.own_environment import undisturbed
from durameter.engines.process import GuardedProcess, clean_environment, free_ports
from durameter.errors import EngineMissingError
from durameter.reconcile import Reconciliation, against_runs, state_of
from durameter.web import serve_app
from durameter_collectors.inngest.graphql import InngestApi, InngestApiError, RunTrace
from durameter_collectors.inngest.replies import (
    Reply,
    ReplyRecorder,
    RunReplies,
    counts_in_replies,
    runs_in_replies,
)
from durameter_collectors.inngest.runs import cancel_runs, count_runs
from durameter_collectors.units import Elsewhere, TaskLabel, Unit, nowhere

__all__ = ["InngestEngine", "InngestSession"]

_START_TRIES = 3
_SETTLE_PATIENCE = 20.0
_OPEN_PORTS = (
    "the dev server opens its three Connect ports on all interfaces, whatever --host says (seen on 1.44.0); "
    "nothing is connected to them"
)

_SDK_VARIABLES = ("INNGEST_", "RAILWAY_GIT_BRANCH", "RENDER_GIT_BRANCH", "VERCEL_GIT_COMMIT_REF")
"""What the Python SDK reads: another path, key, environment or way of answering would change what is measured."""

_BLIND_SPOTS = (
    "a step whose attempts all failed with RetryAfterError or NonRetriableError (Python SDK) has no step id anywhere",
    "attempts that the server makes by itself (step.ai, step.fetch) are seen by the trace only",
)
"""What neither the trace nor the replies can see."""

_log = logging.getLogger(__name__)


class InngestSession(Session):
    """What an Inngest implementation gets: clients for this server, and a way to serve functions to it."""

    def __init__(
        self,
        config: InngestConfig,
        info: ServerInfo,
        *,
        http: httpx.AsyncClient,
        folder: Path,
        process: GuardedProcess | None,
    ) -> None:
        self.info = info
        self.api = InngestApi(http, info.address)
        """The server's GraphQL API: free to read."""
        self._config = config
        self._http = http
        self._process = process
        self._replies_file = folder / "replies.jsonl"
        self._replies: list[Reply] = []
        self._records: dict[str, RunTrace] = {}
        self._apps: list[str] = []
        self._ports: set[int] = set()
        self._begun = datetime.now(UTC) - timedelta(seconds=1)

    def client(self, app_id: str) -> inngest.Inngest:
        """An SDK client that talks to this server."""
        address = self.info.address
        return inngest.Inngest(
            app_id=app_id,
            is_production=False,
            event_api_base_url=address,
            api_base_url=address,
            logger=logging.getLogger("inngest"),
        )

    @asynccontextmanager
    async def serve(self, client: inngest.Inngest, functions: Sequence[inngest.Function[object]]) -> AsyncIterator[str]:
        """Serve functions as a FastAPI app on uvicorn, recorded, and register them with the server.

        Yields:
            The URL of the app.

        Raises:
            EngineMissingError: the server refused the app, or somebody else is serving it.
        """
        if self._process is None:
            await make_way(
                client.app_id,
                self.info.address,
                config=self._config,
                http=self._http,
                now=self._begun,
                own_ports=self._ports,
            )
        app = fastapi.FastAPI()
        self._apps.append(client.app_id)
        # The origin is known only once the port is bound, hence the routes are added then.
        async with serve_app(ReplyRecorder(app, self._keep), host=self._config.app_bind) as port:
            self._ports.add(port)
            origin = f"http://{self._config.app_host}:{port}"
            inngest.fast_api.serve(app, client, list(functions), serve_origin=origin)
            local = f"http://{self._config.app_bind}:{port}/api/inngest"
            answer = await self._http.put(local)
            if answer.is_error:
                raise EngineMissingError(
                    f"The Inngest server at {self.info.address} did not take the app {client.app_id} at {origin}: "
                    f"{answer.text}. Can it reach this machine? DURAMETER_INNGEST_APP_HOST names it as it sees it."
                )
            yield f"{origin}/api/inngest"

    def _keep(self, reply: Reply) -> None:
        self._replies.append(reply)
        with self._replies_file.open("a") as file:
            file.write(reply.model_dump_json() + "\n")

    async def died(self) -> str:
        """Waits for the server's process, if it is ours."""
        return await self._process.died() if self._process else await super().died()

    async def abandon(self, roots: Sequence[str]) -> None:
        """Cancel the runs of these events and what they invoked."""
        try:
            await cancel_runs(self.api, roots)
        except InngestApiError as error:
            _log.warning("A run that is out of time could not be cancelled: %s", error)

    async def count(
        self,
        roots: Sequence[str],
        label: TaskLabel,
        *,
        elsewhere: Elsewhere = nowhere,  # noqa: ARG002 - no trace leads to a run of another task
    ) -> TaskCount:
        """Traces of all runs that descend from these events."""
        runs, gaps = await count_runs(self.api, roots, label=label, patience=_SETTLE_PATIENCE)
        self._records |= {run.record.id: run.record for run in runs}
        return TaskCount(
            units=[unit for run in runs for unit in run.count.units],
            gaps=gaps,
            runs=[run.record.id for run in runs],
            records={
                f"{run.record.id}.json.gz": gzip.compress(run.record.model_dump_json(by_alias=True).encode(), mtime=0)
                for run in runs
            },
        )

    async def reconcile(self, units: Sequence[Unit]) -> tuple[Reconciliation, ...]:
        """Traces against what the app answered, run by run and kind by kind."""
        runs = runs_in_replies(self._replies)
        in_time = runs_in_replies(reply for reply in self._replies if not self._after_end(reply))
        counts, taken = counts_in_replies(runs), counts_in_replies(in_time)
        late = {run: {k: n - taken.get(run, {}).get(k, 0) for k, n in kinds.items()} for run, kinds in counts.items()}
        lines = against_runs(units, counts, late, late_rule="reply_after_cancellation")
        problems = _problems(runs) + await self._strangers({unit.run for unit in units})
        return (
            Reconciliation(
                source="trace",
                other="replies",
                state=state_of(lines, problems),
                lines=lines,
                notes=tuple(problems),
                blind_spots=_BLIND_SPOTS,
            ),
        )

    def _after_end(self, reply: Reply) -> bool:
        """A reply to a run that was cancelled meanwhile: the server cannot take its steps any more."""
        record = self._records.get(reply.run)
        return (
            record is not None
            and record.status == "CANCELLED"
            and record.ended_at is not None
            and reply.time > record.ended_at
        )

    async def _strangers(self, runs: set[str]) -> list[str]:
        """Runs of the served apps that belong to no task."""
        prefixes = tuple(f"{app}-" for app in self._apps)
        try:
            return [
                f"run {run.id} of {run.function.slug} belongs to no task: its units are in no count "
                "(did its driver forget Measured.started?)"
                async for run in self.api.runs_since(self._begun)
                if run.id not in runs and run.function.slug.startswith(prefixes) and run.status != "SKIPPED"
            ]
        except InngestApiError as error:
            return [f"the server's list of runs cannot be read, so runs of nobody would not be seen: {error}"]


def _problems(runs: Mapping[str, RunReplies]) -> list[str]:
    return [f"run {run}: {problem}" for run, seen in runs.items() for problem in seen.problems]


class InngestEngine(Engine):
    """Inngest, billed by executions."""

    name = "inngest"
    unit = "execution"

    def examine(self, config: Config) -> list[Finding]:
        """Which program or server would be used."""
        if config.inngest.address:
            return [Finding(state="ok", subject="inngest", text=f"the server at {config.inngest.address}")]
        try:
            binary, reasons = inngest_binary.find(config.inngest.binary, config.cache.dir)
        except EngineMissingError as error:
            return [
                Finding(state="missing", subject="inngest", text="the configured program is no use", advice=str(error))
            ]
        if binary is not None:
            advice = binary.note if binary.tested else f"The suites have not been run on this version. {binary.note}"
            return [
                Finding(
                    state="ok" if binary.tested else "warning",
                    subject="inngest",
                    text=f"dev server {binary.version}, {binary.path} ({binary.origin})",
                    advice=advice.strip(),
                )
            ]
        ways = inngest_binary.could_build()
        obtainable = any(": ok" in way for way in ways)
        return [
            Finding(
                state="warning" if obtainable else "missing",
                subject="inngest",
                text="no dev server on this machine yet: " + "; ".join(reasons),
                advice=("The first run fetches or builds it. " if obtainable else "Install Node with npm, or Go. ")
                + "; ".join(ways),
            )
        ]

    async def start(self, config: Config, folder: Path, progress: Progress) -> RunningServer:
        """Start `inngest dev` on free ports, its store in `folder`."""
        folder = folder.absolute()  # the server works in it
        binary = await _ensure_binary(config, progress)
        progress(f"starting Inngest {binary.version}")
        # It looks for a configuration file in every folder upwards and takes the first: an empty one ends the search.
        (folder / "inngest.json").write_text("{}\n")
        for _ in range(_START_TRIES):
            port, gateway, gateway_grpc, executor_grpc = free_ports(4)
            argv = [str(binary.path), "dev", "--no-discovery", "--no-poll", "--host", "127.0.0.1", "--port", str(port)]
            argv += ["--connect-gateway-port", str(gateway), "--connect-gateway-grpc-port", str(gateway_grpc)]
            argv += ["--connect-executor-grpc-port", str(executor_grpc), "--retry-interval", "1", "--tick", "50"]
            argv += ["--persist", "--sqlite-dir", str(_prepared_store(folder / "store"))]
            process = await GuardedProcess.start(
                "The Inngest dev server",
                argv,
                folder=folder,
                environment=clean_environment(folder, {"DO_NOT_TRACK": "1"}),
            )
            address = f"http://127.0.0.1:{port}"
            if await process.ready(partial(_answers, address), port=port):
                notes = (_OPEN_PORTS, binary.note) if binary.note else (_OPEN_PORTS,)
                info = ServerInfo(
                    version=binary.version, origin=binary.origin, tested=binary.tested, address=address, notes=notes
                )
                return RunningServer(info, process, {"DURAMETER_INNGEST_ADDRESS": address})
        raise EngineMissingError(
            f"The Inngest dev server found its ports taken {_START_TRIES} times. See its log, {process.log}."
        )

    @asynccontextmanager
    async def session(self, config: Config, folder: Path, progress: Progress) -> AsyncIterator[InngestSession]:
        """A session on a server of its own, or on the configured one."""
        async with AsyncExitStack() as undo:
            undo.enter_context(undisturbed(*_SDK_VARIABLES))
            process: GuardedProcess | None = None
            if config.inngest.address:
                address = config.inngest.address.rstrip("/")
                reached = await _reached(address)
                info = info_of(config.servers.state, address) or reached
            else:
                server = await self.start(config, folder, progress)
                process, info = server.process, server.info
                undo.push_async_callback(process.stop)
            http = await undo.enter_async_context(httpx.AsyncClient(timeout=30))
            yield InngestSession(config.inngest, info, http=http, folder=folder, process=process)


def _prepared_store(folder: Path) -> Path:
    """A database in WAL mode for the server to open.

    In the server's own mode a reader makes it lose spans (`database is locked`), and everything is slower: 30 tasks
    took 26 s in WAL mode and 41 s without (measured).
    """
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / "main.db")) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("CREATE TABLE prepared (x)")  # the mode is kept only by a file that has a page
        store.execute("DROP TABLE prepared")
        store.commit()
    return folder


async def _ensure_binary(config: Config, progress: Progress) -> inngest_binary.InngestBinary:
    """Find or make the program in a thread, which Ctrl-C reaches only through the event."""
    cancelled = threading.Event()
    try:
        return await asyncio.to_thread(
            inngest_binary.ensure, config.inngest.binary, config.cache.dir, progress, cancelled=cancelled
        )
    except asyncio.CancelledError:
        cancelled.set()
        raise


async def _answers(address: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as http:  # no proxy on the way to this machine
            return (await http.get(f"{address}/dev")).is_success
    except httpx.HTTPError:
        return False


async def _reached(address: str) -> ServerInfo:
    """A server that is already there.

    Raises:
        EngineMissingError: nothing that speaks Inngest answers.
    """
    try:
        async with httpx.AsyncClient(timeout=10) as http:
            about = (await http.get(f"{address}/dev")).raise_for_status().json()
            version = str(about["version"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError) as error:
        raise EngineMissingError(
            f"No Inngest dev server answers at {address}: {error!r}. Start it, or remove [inngest] address from the "
            "configuration (DURAMETER_INNGEST_ADDRESS) to let durameter start its own."
        ) from error
    return ServerInfo(
        version=version, origin="address", tested=version in inngest_binary.TESTED_VERSIONS, address=address
    )
