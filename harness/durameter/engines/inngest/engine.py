"""Inngest: the dev server, found, fetched or built, or a server that is already there."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path

import httpx

from durameter.config import Config
from durameter.engines.base import Engine, Finding, Progress, RunningServer, ServerInfo
from durameter.engines.detached import info_of
from durameter.engines.inngest import binary as inngest_binary
from durameter.engines.inngest.session import InngestSession
from durameter.engines.own_environment import undisturbed
from durameter.engines.process import GuardedProcess, clean_environment, free_ports
from durameter.errors import EngineMissingError

__all__ = ["InngestEngine"]

_START_TRIES = 3
_OPEN_PORTS = (
    "the dev server opens its three Connect ports on all interfaces, whatever --host says (seen on 1.44.0); "
    "nothing is connected to them"
)

_SDK_VARIABLES = ("INNGEST_", "RAILWAY_GIT_BRANCH", "RENDER_GIT_BRANCH", "VERCEL_GIT_COMMIT_REF")
"""What the Python SDK reads: another path, key, environment or way of answering would change what is measured."""


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
