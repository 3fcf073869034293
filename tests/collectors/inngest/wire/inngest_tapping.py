"""A tap under guard between a dev server and what the tests serve, as the harness starts it."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import fastapi
import httpx
import inngest
import inngest.fast_api

from durameter.engines.base import RunningServer
from durameter.processes.asgi import serve_app
from durameter.processes.server import GuardedProcess, clean_environment, free_ports
from durameter_collectors.inngest.api.graphql import ENDED, InngestApi
from durameter_collectors.inngest.wire.client import WireLog, tap_command


@dataclass
class Tapped:
    log: WireLog
    process: GuardedProcess
    out: Path

    async def decoder(self) -> int:
        """Process id of the decoder."""
        found = (await self.log.stats())["decoder"]
        assert isinstance(found, int)
        return found


@asynccontextmanager
async def tap(folder: Path, *, backlog: int = 0) -> AsyncIterator[Tapped]:
    """A tap without routes."""
    (control,) = free_ports(1)
    out = folder / "wire.jsonl"
    argv = tap_command(sys.executable, out=out, control=control) + (["--backlog", str(backlog)] if backlog else [])
    process = await GuardedProcess.start("the tap", argv, folder=folder, environment=clean_environment(folder))
    try:
        log = WireLog(out, control)
        assert await process.ready(log.ready, port=control)
        yield Tapped(log, process, out)
    finally:
        await process.stop()


def client_of(app: str, port: int) -> inngest.Inngest:
    """An SDK client that talks to the server through this port of a tap."""
    address = f"http://127.0.0.1:{port}"
    return inngest.Inngest(
        app_id=app,
        is_production=False,
        event_api_base_url=address,
        api_base_url=address,
        logger=logging.getLogger("inngest"),
    )


@asynccontextmanager
async def served(
    tapped: Tapped, client: inngest.Inngest, functions: Sequence[inngest.Function[object]]
) -> AsyncIterator[None]:
    """Serve functions so that the server asks them through the tap."""
    app = fastapi.FastAPI()
    async with serve_app(app) as port, httpx.AsyncClient(timeout=30) as http:
        before = await tapped.log.before_app(f"127.0.0.1:{port}")
        inngest.fast_api.serve(app, client, list(functions), serve_origin=f"http://127.0.0.1:{before}")
        (await http.put(f"http://127.0.0.1:{port}/api/inngest")).raise_for_status()
        yield


async def ended(api: InngestApi, event: str, seconds: float = 60) -> list[str]:
    """The runs of an event, once all have ended."""
    async with asyncio.timeout(seconds):
        while True:
            runs = await api.runs_of_event(event)
            if runs and all(run.status in ENDED for run in runs):
                return [run.id for run in runs]
            await asyncio.sleep(0.2)


def address_of(server: RunningServer) -> str:
    """`host:port` of a dev server."""
    return server.info.address.removeprefix("http://")


def database_of(server: RunningServer) -> Path:
    """Its store."""
    return Path(server.settings["DURAMETER_INNGEST_STORE"])
