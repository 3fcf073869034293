"""A dev server of a test's own, which may be killed, and apps in processes of their own, which may be too."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import psutil

from durameter import InngestSession
from durameter.config import Config, make_config
from durameter.engines.inngest import binary
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.server import PORTS, Start, how_to_start
from durameter.processes.server import GuardedProcess, clean_environment, free_ports
from running import patience


async def answers(url: str) -> bool:
    """Whether anything answers there, and well."""
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(url)).is_success
    except httpx.HTTPError:
        return False


async def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something is so."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds * patience(), "it did not come"
        await asyncio.sleep(0.05)


@dataclass
class OwnServer:
    """A dev server with a working folder; another start goes on with what is in it."""

    folder: Path
    ports: list[int] = field(default_factory=lambda: free_ports(PORTS))
    process: GuardedProcess | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def config(self) -> Config:
        """It is a server that is already there."""
        return make_config(inngest=InngestConfig(address=self.address, store=self.folder / ".inngest" / "main.db"))

    async def launch(self) -> tuple[GuardedProcess, Start]:
        found, reasons = binary.find(None, make_config().cache.dir, version="")
        assert found is not None, reasons
        start = await how_to_start(found.path, self.folder, self.ports)
        environment = clean_environment(self.folder, start.environment)
        return await GuardedProcess.start("The server", start.argv, folder=self.folder, environment=environment), start

    async def start(self) -> None:
        self.process, start = await self.launch()
        ready = partial(answers, f"{self.address}/dev")
        assert await self.process.ready(ready, port=self.ports[0], harmless=start.harmless)

    async def kill(self) -> None:
        """As a crash does."""
        assert self.process is not None
        psutil.Process(self.process.pid).kill()
        await self.process.stop()  # its guard ends with it

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop()


@asynccontextmanager
async def own_server(folder: Path) -> AsyncIterator[OwnServer]:
    server = OwnServer(folder)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


@dataclass
class ChildApp:
    """The app in `inngest_child_app.py`, behind a session's tap."""

    session: InngestSession
    name: str
    folder: Path
    """Its steps leave a mark here when they begin."""
    port: int = 0
    origin: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    async def start(self, mode: str) -> None:
        """Start it; the first time also register it.

        Args:
            mode: `hang` for an app whose slow steps never end, `go` for one without slow steps.
        """
        new = not self.port
        while not self.port:
            [port] = free_ports(1)
            self.origin = await self.session.before_app(f"127.0.0.1:{port}")
            if not self.origin.endswith(f":{port}"):  # the tap itself may have got this free port
                self.port = port
        program = Path(__file__).with_name("inngest_child_app.py")
        words = [self.name, str(self.port), self.origin, self.session.address, mode, str(self.folder)]
        self.process = subprocess.Popen([sys.executable, program, *words])  # noqa: ASYNC220 - takes milliseconds
        url = f"http://127.0.0.1:{self.port}/api/inngest"
        async with asyncio.timeout(30 * patience()):
            while not await answers(url):
                await asyncio.sleep(0.1)
        if new:
            await self.session.register(self.name, f"{self.origin}/api/inngest")

    async def begun(self, *steps: str) -> None:
        """Wait until these steps have begun."""
        await until(lambda: all((self.folder / step).exists() for step in steps))

    def kill(self) -> None:
        """As a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@asynccontextmanager
async def child_app(session: InngestSession, name: str, folder: Path) -> AsyncIterator[ChildApp]:
    app = ChildApp(session, name, folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        await app.start("hang")
        yield app
    finally:
        app.kill()
