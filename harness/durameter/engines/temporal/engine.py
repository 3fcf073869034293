"""Start a Temporal server, or reach one, with a tap before it."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest

from durameter.config import Config
from durameter.engines.base import Engine, Finding, Progress, RunningServer, engine_needed
from durameter.engines.detached import info_of
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.server import (
    TESTED_VERSIONS,
    answers,
    binary_version,
    connect,
    find_binary,
    quiet_core,
    register,
    wants_tls,
)
from durameter.engines.temporal.session import TemporalSession
from durameter.engines.temporal.tap import RunningTap, start_tap
from durameter.errors import EngineMissingError
from durameter.processes.environment import undisturbed
from durameter.processes.server import GuardedProcess, clean_environment, free_ports
from durameter.results.model import ServerInfo
from durameter_collectors.temporal.meter import Meter

__all__ = ["ReachedTemporal", "TemporalEngine"]

_START_TRIES = 3
_SETTINGS = ("frontend.WorkflowPauseEnabled=true", "nexusoperation.enableStandalone=true")
"""What this server version can do and has switched off by default."""
_PRAGMAS = ("journal_mode=WAL", "synchronous=OFF")
"""With SQLite's defaults each write waits for the disk, and the server gives a third of its throughput in memory
(`benchmarks/watch_cost.py`). So it waits for none: what it has handed to the operating system outlives its own death, a
SIGKILL too, and not that of the machine, which would end the measurement as well."""


class ReachedTemporal:
    """A server with a tap before it, for any number of sessions."""

    def __init__(
        self,
        config: TemporalConfig,
        info: ServerInfo,
        *,
        tap: RunningTap | None,
        meter: Meter | None,
        server: GuardedProcess | None,
    ) -> None:
        self.info = info
        self.tap = tap
        self.meter = meter
        self.server = server
        """None for one that was there already."""
        self._config = config

    @property
    def tap_speaks_tls(self) -> bool:
        """Whether the server speaks TLS, which ends at the tap."""
        return wants_tls(self._config)

    @property
    def api_key(self) -> str:
        """The key that clients must send; empty when there is none."""
        return self._config.api_key.get_secret_value() if self._config.api_key else ""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[TemporalSession]:
        """A session in a namespace of its own, or in the configured one.

        Raises:
            EngineMissingError: the server does not answer, or lets nobody register a namespace.
        """
        namespace = self._config.namespace or f"durameter{uuid.uuid4().hex[:12]}"
        reader = await connect(self._config, self.info.address, namespace)
        if not self._config.namespace:
            await register(reader, namespace)
        client = await connect(self._config, self.tap.address, namespace, through_tap=True) if self.tap else reader
        session = TemporalSession(
            client,
            reader,
            self.info.model_copy(update={"namespace": namespace}),
            tap=self.tap,
            meter=self.meter,
            own_namespace=not self._config.namespace,
            processes=[self.server] if self.server else [],
        )
        await session.begin()
        yield session


class TemporalEngine(Engine):
    """Temporal, billed by Actions."""

    name = "temporal"
    unit = "Action"

    def examine(self, config: Config) -> list[Finding]:
        """Which CLI or server would be used."""
        if TemporalConfig.of(config).address:
            meter = TemporalConfig.of(config).metrics_url or "none"
            return [
                Finding(
                    state="ok" if TemporalConfig.of(config).metrics_url else "warning",
                    subject="temporal",
                    text=f"the server at {TemporalConfig.of(config).address}, meter: {meter}",
                    advice=""
                    if TemporalConfig.of(config).metrics_url
                    else "Set DURAMETER_TEMPORAL_METRICS_URL, or counts have no second source.",
                )
            ]
        try:
            binary = find_binary(TemporalConfig.of(config))
            version, server = binary_version(binary)
        except EngineMissingError as error:
            return [Finding(state="missing", subject="temporal", text="no server", advice=str(error))]
        return [
            Finding(
                state="ok" if version in TESTED_VERSIONS else "warning",
                subject="temporal",
                text=f"CLI {version} with server {server}, {binary}",
                advice="" if version in TESTED_VERSIONS else "The suites have not been run on this version.",
            )
        ]

    async def start(self, config: Config, folder: Path, progress: Progress) -> RunningServer:
        """Start `temporal server start-dev` on free loopback ports, its store in `folder`."""
        quiet_core()
        folder = folder.absolute()  # the server works in it
        binary = find_binary(TemporalConfig.of(config))
        version, server_version = binary_version(binary)
        progress(f"starting Temporal {server_version} (CLI {version})")
        for _ in range(_START_TRIES):
            frontend, metrics, http_port = free_ports(3)
            argv = [str(binary), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(frontend)]
            argv += ["--metrics-port", str(metrics), "--http-port", str(http_port), "--log-level", "warn"]
            argv += ["--db-filename", str(folder / "temporal.db")]
            for pragma in _PRAGMAS:
                argv += ["--sqlite-pragma", pragma]
            for setting in _SETTINGS:
                argv += ["--dynamic-config-value", setting]
            address = f"127.0.0.1:{frontend}"
            with engine_needed():
                process = await GuardedProcess.start(
                    "The Temporal dev server", argv, folder=folder, environment=clean_environment(folder)
                )
                ready = await process.ready(partial(answers, address), port=frontend)
            if ready:
                info = ServerInfo(
                    version=server_version,
                    origin=f"temporal CLI {version}",
                    tested=version in TESTED_VERSIONS,
                    address=address,
                )
                metrics_url = f"http://127.0.0.1:{metrics}/metrics"
                return RunningServer(
                    info,
                    process,
                    {"DURAMETER_TEMPORAL_ADDRESS": address, "DURAMETER_TEMPORAL_METRICS_URL": metrics_url},
                )
        raise EngineMissingError(
            f"The Temporal dev server found its ports taken {_START_TRIES} times. See its log, {process.log}."
        )

    @asynccontextmanager
    async def reached(self, config: Config, folder: Path, progress: Progress) -> AsyncIterator[ReachedTemporal]:
        """A server of its own, or the configured one, with a tap before it unless that is switched off.

        Args:
            config: where the server is.
            folder: for state, logs and the tap's rows.
            progress: is told what starts.

        Raises:
            EngineMissingError: no server can be had.
        """
        quiet_core()
        temporal = TemporalConfig.of(config)
        async with AsyncExitStack() as undo:
            undo.enter_context(undisturbed("TEMPORAL_"))
            process: GuardedProcess | None = None
            if temporal.address:
                address, metrics_url = temporal.address, temporal.metrics_url
                info = info_of(config.servers.state, address)
            else:
                server = await self.start(config, folder, progress)
                process, info, address = server.process, server.info, server.info.address
                undo.push_async_callback(process.stop)
                metrics_url = server.settings["DURAMETER_TEMPORAL_METRICS_URL"]
            if info is None:
                client = await connect(temporal, address, temporal.namespace or "default")
                system = await client.workflow_service.get_system_info(GetSystemInfoRequest())
                info = ServerInfo(version=system.server_version, origin="address", tested=False, address=address)
            tap: RunningTap | None = None
            if temporal.tap:
                tap = await start_tap(temporal, address, folder)
                undo.push_async_callback(tap.process.stop)
            http = await undo.enter_async_context(httpx.AsyncClient(timeout=30))
            meter = Meter(http, metrics_url) if metrics_url else None
            yield ReachedTemporal(temporal, info, tap=tap, meter=meter, server=process)

    @asynccontextmanager
    async def session(self, config: Config, folder: Path, progress: Progress) -> AsyncIterator[TemporalSession]:
        """A server, reached, with one session."""
        async with self.reached(config, folder, progress) as reached, reached.session() as session:
            yield session
