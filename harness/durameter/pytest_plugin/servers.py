"""The servers of a test session."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from durameter.config import CONFIG_FILE, Config, load_config
from durameter.engines.base import Engine, RunningServer
from durameter.pytest_plugin.loop import LoopThread
from durameter.registry import load_engine

__all__ = ["Servers", "session_config"]


def session_config(rootpath: Path) -> Config:
    """`durameter.toml` in the root folder of the tests, else in the working folder; variables win.

    Raises:
        UsageError: it is wrong.
    """
    file = rootpath / CONFIG_FILE
    return load_config(file if file.is_file() else None)


class Servers:
    """Each engine's server, started when it is first needed. A process of pytest-xdist has its own."""

    def __init__(self, base: Config, folder: Path) -> None:
        """Start nothing yet.

        Args:
            base: where a server is named by its address, that one is used.
            folder: for the servers' state and logs.
        """
        self.base = base
        self._folder = folder
        self._running: dict[str, RunningServer] = {}
        self._loop: LoopThread | None = None
        self._starting: asyncio.Lock | None = None

    @property
    def loop(self) -> LoopThread:
        """Where measurements run."""
        if self._loop is None:
            self._loop = LoopThread()
        return self._loop

    def config(self, *engines: str) -> Config:
        """The configuration with the addresses of these engines' servers, which are started if they are not yet.

        Raises:
            UsageError: there is no such engine.
            EngineMissingError: a server cannot be had.
        """
        return self.loop.run(self.reach(engines))

    def address(self, engine: str) -> str:
        """Where an engine's server is: `host:port` for Temporal, a base URL for Inngest. As `config` otherwise."""
        return str(getattr(self.config(engine), engine).address)

    async def reach(self, engines: Sequence[str]) -> Config:
        """`config`, in the loop."""
        if self._starting is None:
            self._starting = asyncio.Lock()
        config = self.base
        async with self._starting:
            for name in engines:
                engine: Engine = load_engine(name)()
                if getattr(getattr(self.base, name, None), "address", ""):
                    continue
                server = self._running.get(name)
                if server is None or not server.process.running:
                    folder = self._folder / f"{name}-{len(list(self._folder.iterdir()))}"
                    server = self._running[name] = await engine.start(self.base, folder, print)
                config = _with(config, server)
        return config

    def stop(self) -> None:
        """End every server that was started here."""
        if self._loop is not None:
            self._loop.run(self._stop())
            self._loop.close()
            self._loop = None

    async def _stop(self) -> None:
        servers, self._running = list(self._running.values()), {}
        await asyncio.gather(*(server.process.stop() for server in servers))


def _with(config: Config, server: RunningServer) -> Config:
    """The configuration as the variables that a server names would make it: `DURAMETER_TEMPORAL_ADDRESS` and so on."""
    changed: dict[str, Any] = {}
    for name, value in server.settings.items():
        section, _, key = name.removeprefix("DURAMETER_").lower().partition("_")
        before = changed.get(section, getattr(config, section))
        changed[section] = type(before).model_validate({**dict(before), key: value})
    return config.model_copy(update=changed)
