"""An agent whose process is killed in the middle of model calls, while another one stands by."""

import asyncio
import contextlib
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from durameter import Driver, Measured, Task
from durameter_workloads.model_server.server import ModelLog

__all__ = ["GO", "READY", "SERVING", "Crashes", "crashing"]

READY, GO, SERVING = "ready", "go", "serving"
"""What a standing-by process says when it could begin, what it is told, and what it says when it has begun."""
_LOOK_SECONDS = 0.02
_GRACE_SECONDS = 5.0
"""How long the first held call waits for the other conversations', before all of them are killed."""
_START_SECONDS = 60.0


class _Process:
    """One process of the agent, which ends when this one does: its standard input is closed then."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._ready = False

    @classmethod
    async def start(cls, module: str, order: Mapping[str, Any], log: Path) -> "_Process":
        with log.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, stdin=PIPE, stdout=PIPE, stderr=file, start_new_session=True
            )
        started = cls(process)
        started.tell(json.dumps(order))
        return started

    def tell(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())

    async def ready(self) -> None:
        """Wait until it could serve."""
        if not self._ready:
            await self.says(READY)
        self._ready = True

    async def says(self, word: str) -> None:
        """Wait until it says this.

        Raises:
            RuntimeError: it ended before, or says something else.
        """
        said = b""
        if self._process.stdout is not None:
            async with asyncio.timeout(_START_SECONDS):
                said = await self._process.stdout.readline()
        if said.decode().strip() != word:
            raise RuntimeError(f"a process of the agent should say {word!r} and said {said!r}: see its log, agent.log")

    async def kill(self) -> None:
        """End it as a crash does: it can do nothing about it (SIGKILL)."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


class _Agent:
    """The process that serves, and the one that stands by."""

    def __init__(self, start: Callable[[], Awaitable[_Process]]) -> None:
        self._start = start
        self._processes: list[_Process] = []

    async def serve(self) -> None:
        """Let the next process serve, and have another one stand by."""
        while len(self._processes) < 2:
            self._processes.append(await self._start())
        serving, waiting = self._processes
        await serving.ready()
        serving.tell(GO)
        await serving.says(SERVING)
        await waiting.ready()

    async def crash(self) -> None:
        """Kill the one that serves; the next one takes over."""
        await self._processes.pop(0).kill()
        await self.serve()

    async def stop(self) -> None:
        """End both."""
        for process in self._processes:
            await process.kill()


class Crashes:
    """Kills the agent when every conversation that is under way hangs in a model call.

    Nothing else is under way then, so each crash costs each conversation one attempt, and that attempt alone.
    Conversations go in waves: those that come after the first crash of a wave wait until the wave is over, or a later
    crash would hit those of before again.
    """

    def __init__(self, crash: Callable[[], Awaitable[None]], log: ModelLog) -> None:
        self._crash = crash
        self._log = log
        self._active: set[str] = set()
        self._closed = False
        self._opened = asyncio.Condition()

    def around(self, driver: Driver) -> Driver:
        """The driver, whose tasks go in waves."""

        async def drive(task: Task, measured: Measured) -> None:
            async with self._opened:
                await self._opened.wait_for(lambda: not self._closed)
                self._active.add(task.id)
            try:
                await driver(task, measured)
            finally:
                self._active.discard(task.id)
                if not self._active:
                    self._closed = False
                    async with self._opened:
                        self._opened.notify_all()

        return drive

    async def run(self) -> None:
        """Wait for held calls and kill, until cancelled."""
        while True:
            await self._until_held()
            self._closed = True
            killed = set(self._log.held)
            await self._crash()
            while killed & self._log.held:  # the model server has yet to see that they are gone
                await asyncio.sleep(_LOOK_SECONDS)

    async def _until_held(self) -> None:
        while not self._log.held:
            await asyncio.sleep(_LOOK_SECONDS)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._log.held < self._active and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def crashing(
    module: str, order: Mapping[str, Any], *, log: ModelLog, folder: Path
) -> AsyncIterator[Callable[[Driver], Driver]]:
    """Run the agent in processes of its own, and kill the one that serves when conversations hang in held calls.

    Args:
        module: what such a process runs; it reads `order` as its first line, says READY, and SERVING after GO.
        order: what it needs to know.
        log: of the model server that holds calls.
        folder: gets `agent.log`, what the processes say on standard error.

    Yields:
        What to wrap the driver in.

    Raises:
        RuntimeError: a process cannot serve.
    """

    async def start() -> _Process:
        return await _Process.start(module, order, folder / "agent.log")

    agent = _Agent(start)
    crashes = Crashes(agent.crash, log)
    try:
        await agent.serve()
        killing = asyncio.create_task(crashes.run())
        try:
            yield crashes.around
        finally:
            killing.cancel()
            [problem] = await asyncio.gather(killing, return_exceptions=True)
            if isinstance(problem, Exception):  # the conversations that hung may have timed out for it
                raise problem
    finally:
        await agent.stop()
