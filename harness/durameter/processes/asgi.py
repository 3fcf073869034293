"""Serve an ASGI app from within this process, on a port that was really bound."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

__all__ = ["serve_app"]

_KEEP_ALIVE_SECONDS = 600


class _Server(uvicorn.Server):
    """Leaves the signals to the program around it, which has more to close than this server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve_app(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Serve `app` while the context lasts.

    Args:
        app: any ASGI app.
        host: interface to listen on.
        port: 0 for a free one.

    Yields:
        The port that it listens on.

    Raises:
        OSError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
            # Longer than any client keeps an idle connection: a request on one that is just closed would be lost, and
            # tried again, which the engine would count as an attempt.
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not running.done():
            await asyncio.sleep(0.01)
        if running.done():
            await running
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running
        listener.close()
