"""One app of the TypeScript scenarios: a Node.js program under guard, behind the tap, registered with the server."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx

from durameter.config import load_config
from durameter.engines.base import engine_needed
from durameter.engines.inngest.session import InngestSession
from durameter.errors import EngineMissingError
from durameter.processes.server import GuardedProcess, clean_environment, free_ports, log_tail
from durameter_workloads.conformance.inngest.node_packages import NodeMissingError, Packages, node_packages, sources

__all__ = ["AppDiedError", "Checkpointing", "NodeApp", "node_app", "node_there"]

Checkpointing = bool | Mapping[str, int | str]
"""As the SDK's client takes it: whether, or how."""

_START_TRIES = 3
_T = TypeVar("_T")


class AppDiedError(Exception):
    """The Node.js program ended by itself, in the middle of what it was needed for."""


@dataclass(frozen=True)
class NodeApp:
    """An app that is served."""

    process: GuardedProcess

    async def alive(self, work: Awaitable[_T]) -> _T:
        """Do what needs the app: without it, waiting would only end by a time-out.

        Raises:
            AppDiedError: it ended meanwhile.
        """
        doing, death = asyncio.ensure_future(work), asyncio.ensure_future(self.process.died())
        try:
            await asyncio.wait({doing, death}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
            said = log_tail(self.process.log, lines=10)
            raise AppDiedError(f"{self.process.name} ended by itself. Its log ends with:\n{said}")
        finally:
            doing.cancel()
            death.cancel()
            await asyncio.gather(doing, death, return_exceptions=True)


async def node_there() -> bool | str:
    """Whether the TypeScript scenarios can be run here, or why not. Installs their packages once."""
    try:
        await node_packages(load_config().cache.dir)
    except NodeMissingError as error:
        return str(error)
    return True


@asynccontextmanager
async def node_app(
    session: InngestSession,
    app_id: str,
    program: str,
    *,
    checkpointing: Checkpointing = False,
    streaming: bool = False,
) -> AsyncIterator[NodeApp]:
    """Serve one program of `typescript/programs.mjs` to the server of a session, until this is left.

    Args:
        session: whose server and tap.
        app_id: the app's id; its events are named `app_id/...`.
        program: which.
        checkpointing: of its client.
        streaming: whether it streams its replies.

    Raises:
        NodeMissingError: Node.js or the packages are not to be had.
        EngineMissingError: the app cannot be started, or the server refused it.
        TapError: the tap has died.
    """
    packages = await node_packages(load_config().cache.dir)
    with tempfile.TemporaryDirectory(prefix="durameter-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _lay_out(folder, packages)
        settings = {
            "APP_ID": app_id,
            "APP_PROGRAM": program,
            "APP_SERVER": session.address,
            "APP_CHECKPOINTING": json.dumps(checkpointing),
            "APP_STREAMING": json.dumps(streaming),
        }
        app, origin = await _started(session, packages, folder, settings)
        try:
            # At once alive and refused, or dead: the log says more than a refused connection.
            await app.alive(session.register(app_id, f"{origin}/api/inngest"))
            yield app
        finally:
            await app.process.stop()


def _lay_out(folder: Path, packages: Packages) -> None:
    """The app's files beside the packages: Node looks for these from where a file is, upwards."""
    for file in sources().iterdir():
        if file.name.endswith(".mjs"):
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "node_modules").symlink_to(packages.modules, target_is_directory=True)


async def _started(
    session: InngestSession, packages: Packages, folder: Path, settings: Mapping[str, str]
) -> tuple[NodeApp, str]:
    """The program, once it answers, and its origin for the server."""
    name = f"The TypeScript app {settings['APP_PROGRAM']}"
    for _ in range(_START_TRIES):
        (port,) = free_ports(1)
        origin = await session.before_app(f"127.0.0.1:{port}")
        with engine_needed():
            process = await GuardedProcess.start(
                name,
                [str(packages.node), "app.mjs"],
                folder=folder,
                environment=clean_environment(folder, {**settings, "APP_PORT": str(port), "APP_ORIGIN": origin}),
            )
            if await process.ready(partial(_answers, port), port=port):
                return NodeApp(process), origin
    raise EngineMissingError(f"{name} found its ports taken {_START_TRIES} times.")


async def _answers(port: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        async with httpx.AsyncClient(trust_env=False) as http:  # no proxy on the way to this machine
            return (await http.get(f"http://127.0.0.1:{port}/api/inngest")).is_success
    return False
