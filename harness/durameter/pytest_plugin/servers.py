"""The servers of a test session."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, TypeVar

from durameter.config import CONFIG_FILE, Config, load_config
from durameter.engines.base import Engine, RunningServer
from durameter.registry import load_engine

__all__ = [
    "LoopThread",
    "Servers",
    "session_config",
]

# An event loop in a thread of its own, so that plain tests and tests with a loop of their own can both use it.
# By hand and not anyio's blocking portal: a future that is cancelled there is done at once, before the work has cleaned
# up (a server would outlive its test), and its thread would hold the interpreter's end up while something hangs.

_Value = TypeVar("_Value")

_LOOK_SECONDS = 0.2
_CLEAN_SECONDS = 60.0
"""For what is stopped to be put in order: a server takes seconds, by force 10."""


class LoopThread:
    """Runs coroutines to their end, whoever waits for them."""

    def __init__(self) -> None:
        """Start the thread."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, name="durameter", daemon=True)
        self._thread.start()
        self._ready.wait()

    def _work(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._stay())

    async def _stay(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self._ready.set()
        await self._end.wait()

    def run(self, work: Coroutine[Any, Any, _Value]) -> _Value:
        """Wait for it here. If the wait is broken off (Ctrl-C, a time-out), it is cancelled and cleans up first."""
        done, cancel = self._begin(work)
        try:
            # Ctrl-C may reach another thread, of an SDK: this one must wake by itself to learn of it.
            while not wait([done], timeout=_LOOK_SECONDS).done:
                pass
        except BaseException:
            cancel()
            wait([done], timeout=_CLEAN_SECONDS)
            raise
        return done.result()

    async def awaited(self, work: Coroutine[Any, Any, _Value]) -> _Value:
        """Wait for it in a loop of one's own, which goes on meanwhile."""
        done, cancel = self._begin(work)
        waiting = asyncio.wrap_future(done)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            cancel()
            await asyncio.wait([waiting], timeout=_CLEAN_SECONDS)
            raise

    def _begin(self, work: Coroutine[Any, Any, _Value]) -> tuple["Future[_Value]", Callable[[], object]]:
        done: Future[_Value] = Future()
        tasks: list[asyncio.Task[_Value]] = []

        def ended(task: "asyncio.Task[_Value]") -> None:
            error: BaseException | None
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(task.result())

        def begin() -> None:
            tasks.append(self._loop.create_task(work))
            tasks[0].add_done_callback(ended)

        def stop() -> None:
            tasks[0].cancel()

        self._loop.call_soon_threadsafe(begin)
        return done, lambda: self._loop.call_soon_threadsafe(stop)

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(_CLEAN_SECONDS)


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
        """Where an engine's server is, in the engine's own form. As `config` otherwise."""
        return str(getattr(self.config(engine), engine).address)

    async def reach(self, engines: Sequence[str]) -> Config:
        """`config`, in the loop."""
        if self._starting is None:
            self._starting = asyncio.Lock()
        config = self.base
        async with self._starting:
            for name in engines:
                engine: Engine = load_engine(name).engine()
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
    """The configuration as the variables that a server names would make it: `DURAMETER_ENGINE_ADDRESS` and so on."""
    changed: dict[str, Any] = {}
    for name, value in server.settings.items():
        section, _, key = name.removeprefix("DURAMETER_").lower().partition("_")
        before = changed.get(section, getattr(config, section))
        changed[section] = type(before).model_validate({**dict(before), key: value})
    return config.model_copy(update=changed)
