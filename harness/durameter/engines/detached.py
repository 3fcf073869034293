"""Servers that stay until they are told to go: `durameter servers up | status | down`."""

import contextlib
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from durameter.engines.base import RunningServer, ServerInfo

__all__ = ["DetachedServer", "read_servers", "remember_server", "stop_server"]

_STATE = "servers.json"
_STOP_SECONDS = 20


class DetachedServer(BaseModel):
    """One server that runs in the background."""

    model_config = ConfigDict(frozen=True)

    engine: str
    info: ServerInfo
    pid: int
    """Of the server."""
    guard: int
    """Of the process that ends it on SIGTERM."""
    guard_started: float
    """Start time of the guard, so that a reused process id is not mistaken for it."""
    settings: dict[str, str]
    folder: Path

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self.guard_process() is not None

    def guard_process(self) -> psutil.Process | None:
        """The guard, if it still runs."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.guard)
            same = abs(process.create_time() - self.guard_started) < 1
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


_LIST = TypeAdapter(list[DetachedServer])


def read_servers(state: Path) -> list[DetachedServer]:
    """Servers that were started and not stopped, whether they still run or not."""
    try:
        return _LIST.validate_json((state / _STATE).read_bytes())
    except (OSError, ValidationError):
        return []


def _write(state: Path, servers: list[DetachedServer]) -> None:
    state.mkdir(parents=True, exist_ok=True)
    unfinished = state / f"{_STATE}.part"
    unfinished.write_bytes(_LIST.dump_json(servers, indent=2))
    unfinished.replace(state / _STATE)


def remember_server(state: Path, engine: str, server: RunningServer, folder: Path) -> DetachedServer:
    """Note a server that was started detached."""
    guard = server.process.guard.pid
    entry = DetachedServer(
        engine=engine,
        info=server.info,
        pid=server.process.pid,
        guard=guard,
        guard_started=psutil.Process(guard).create_time(),
        settings=dict(server.settings),
        folder=folder,
    )
    _write(state, [each for each in read_servers(state) if each.engine != engine] + [entry])
    return entry


def stop_server(state: Path, server: DetachedServer) -> bool:
    """End a server and forget it. Returns whether it was running."""
    guard = server.guard_process()
    if guard is not None:
        guard.terminate()
        try:
            guard.wait(_STOP_SECONDS)
        except psutil.TimeoutExpired:
            guard.kill()  # the kernel ends the server with its guard on Linux
            with contextlib.suppress(psutil.Error):
                psutil.Process(server.pid).kill()
    _write(state, [each for each in read_servers(state) if each.engine != server.engine])
    return guard is not None
