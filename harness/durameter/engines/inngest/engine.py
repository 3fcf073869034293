"""Inngest: the dev server, found, fetched or built, or a server that is already there."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx

from durameter.config import Config
from durameter.engines.base import Engine, Finding, Progress, RunningServer, engine_needed
from durameter.engines.detached import info_of
from durameter.engines.inngest import binary as inngest_binary
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.server import PORT_TAKEN, PORTS, SigningKey, how_to_start, reach
from durameter.engines.inngest.session import InngestSession
from durameter.engines.inngest.tap import RunningTap, start_tap
from durameter.errors import EngineMissingError
from durameter.processes.environment import undisturbed
from durameter.processes.server import GuardedProcess, clean_environment, free_ports
from durameter.results.model import ServerInfo

__all__ = ["InngestEngine", "ReachedInngest"]

_START_TRIES = 3

_SDK_VARIABLES = ("INNGEST_", "RAILWAY_GIT_BRANCH", "RENDER_GIT_BRANCH", "VERCEL_GIT_COMMIT_REF")
"""What the Python SDK reads: another path, key, environment or way of answering would change what is measured."""


class ReachedInngest:
    """A server with a tap, for any number of sessions; at the same time, if apps and events have names of their own."""

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
        self.tap = tap
        self.store = store
        """The server's database, where it is at hand."""
        self._config = config
        self._http = http
        self._address = address
        self._server = server

    @asynccontextmanager
    async def session(self) -> AsyncIterator[InngestSession]:
        """A session of its own on this server."""
        session = InngestSession(
            self._config,
            self.info,
            http=self._http,
            address=self._address,
            tap=self.tap,
            store=self.store,
            server=self._server,
        )
        try:
            yield session
        finally:
            await session.close()


class InngestEngine(Engine):
    """Inngest, billed by executions."""

    name = "inngest"
    unit = "execution"

    def examine(self, config: Config) -> list[Finding]:
        """Which program or server would be used."""
        if InngestConfig.of(config).address:
            return [Finding(state="ok", subject="inngest", text=f"the server at {InngestConfig.of(config).address}")]
        try:
            binary, reasons = inngest_binary.find(
                InngestConfig.of(config).binary, config.cache.dir, version=InngestConfig.of(config).version
            )
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
        ways = inngest_binary.could_build(InngestConfig.of(config).version)
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

    async def start(self, config: Config, folder: Path, progress: Progress, *, lasting: bool = True) -> RunningServer:
        """Start `inngest dev` on free ports, its store in `folder`.

        Args:
            config: which program.
            folder: it works there.
            progress: is told what starts.
            lasting: whether it may run for long. Otherwise its store is in memory until it ends, where there is room.
        """
        folder = folder.absolute()  # the server works in it
        binary = await _ensure_binary(config, progress)
        progress(f"starting Inngest {binary.version}")
        for _ in range(_START_TRIES):
            ports = free_ports(PORTS)
            start = await how_to_start(binary.path, folder, ports, lasting=lasting)
            environment = clean_environment(folder, start.environment)
            address = f"http://127.0.0.1:{ports[0]}"
            with engine_needed():
                process = await GuardedProcess.start(
                    "The Inngest dev server", start.argv, folder=folder, environment=environment, lent=start.lent
                )
                ready = await process.ready(
                    partial(_answers, address), port=ports[0], taken=PORT_TAKEN, harmless=start.harmless
                )
            if ready:
                info = ServerInfo(
                    version=binary.version,
                    origin=binary.origin,
                    tested=binary.tested,
                    address=address,
                    notes=(*start.notes, *((binary.note,) if binary.note else ())),
                )
                settings = {"DURAMETER_INNGEST_ADDRESS": address, "DURAMETER_INNGEST_STORE": str(start.store)}
                return RunningServer(info, process, settings)
        raise EngineMissingError(
            f"The Inngest dev server found its ports taken {_START_TRIES} times. See its log, {process.log}."
        )

    @asynccontextmanager
    async def reached(
        self, config: Config, folder: Path, progress: Progress, *, hidden: tuple[str, ...] = _SDK_VARIABLES
    ) -> AsyncIterator[ReachedInngest]:
        """A server of its own, or the configured one, with a tap unless that is switched off.

        Args:
            config: where the server is.
            folder: for state, logs and the tap's rows.
            progress: is told what starts.
            hidden: beginnings of the variables that are hidden meanwhile, for the sake of an agent in this process.

        Raises:
            EngineMissingError: no server can be had.
        """
        inngest = InngestConfig.of(config)
        async with AsyncExitStack() as undo:
            undo.enter_context(undisturbed(*hidden))
            process: GuardedProcess | None = None
            store = inngest.store
            if inngest.address:
                address = inngest.address.rstrip("/")
                there = await reach(address, inngest.signing_key)
                info = info_of(config.servers.state, address) or there
            else:
                server = await self.start(config, folder, progress, lasting=False)
                process, info = server.process, server.info
                named = server.settings.get("DURAMETER_INNGEST_STORE")
                store = Path(named) if named else None
                undo.push_async_callback(process.stop)
            tap: RunningTap | None = None
            address = info.address
            if inngest.tap:
                tap = await start_tap(folder)
                undo.push_async_callback(tap.process.stop)
                target = httpx.URL(info.address)
                if target.scheme == "http":
                    port = await tap.log.before_server(f"{target.host}:{target.port or 80}")
                    address = f"http://127.0.0.1:{port}"
            key = inngest.signing_key if inngest.address else None
            auth = SigningKey(key, info.address) if key else None
            http = await undo.enter_async_context(httpx.AsyncClient(timeout=30, auth=auth))
            yield ReachedInngest(inngest, info, http=http, address=address, tap=tap, store=store, server=process)

    @asynccontextmanager
    async def session(self, config: Config, folder: Path, progress: Progress) -> AsyncIterator[InngestSession]:
        """A server, reached, with one session."""
        async with self.reached(config, folder, progress) as reached, reached.session() as session:
            yield session


async def _ensure_binary(config: Config, progress: Progress) -> inngest_binary.InngestBinary:
    """Find or make the program in a thread, which Ctrl-C reaches only through the event."""
    cancelled = threading.Event()
    try:
        return await asyncio.to_thread(
            inngest_binary.ensure,
            InngestConfig.of(config).binary,
            config.cache.dir,
            progress,
            version=InngestConfig.of(config).version,
            cancelled=cancelled,
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
