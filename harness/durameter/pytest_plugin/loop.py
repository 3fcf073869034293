"""An event loop in a thread of its own, so that plain tests and tests with a loop of their own can both use it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any, TypeVar

__all__ = ["LoopThread"]

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
