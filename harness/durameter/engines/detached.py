"""Servers that stay until they are told to go: `durameter servers up | status | down`."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from durameter.engines.base import RunningServer
from durameter.errors import UsageError
from durameter.results.model import ServerInfo

__all__ = ["DetachedServer", "info_of", "keep_server", "locked", "read_servers", "stop_server"]

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


@contextlib.contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the state alone, so that two commands at once do not start two servers or forget one.

    Raises:
        UsageError: the folder cannot be written.
    """
    lock = FileLock(state / ".lock")
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise UsageError(f"{state} cannot be written: {error}. DURAMETER_SERVERS_STATE names another place.") from error
    try:
        yield
    finally:
        lock.release()


def read_servers(state: Path) -> list[DetachedServer]:
    """Servers that were started and not stopped, whether they still run or not.

    Raises:
        UsageError: the state file is damaged, so that running servers would be forgotten.
    """
    file = state / _STATE
    try:
        return _LIST.validate_json(file.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"{file} is damaged or of another version of durameter, so the servers in it are not known. "
            f"End those that still run (their command lines hold {state}), then remove the file."
        ) from error


def info_of(state: Path, address: str) -> ServerInfo | None:
    """What is known of the running server at this address, if `durameter servers up` started it.

    A server itself may not say which version it is: one that was built from source often does not.
    """
    with contextlib.suppress(UsageError):
        for each in read_servers(state):
            if each.info.address == address and each.running:
                return each.info.model_copy(update={"origin": "address"})
    return None


def _write(state: Path, servers: list[DetachedServer]) -> None:
    unfinished = state / f"{_STATE}.part"
    unfinished.write_bytes(_LIST.dump_json(servers, indent=2))
    unfinished.replace(state / _STATE)


async def keep_server(state: Path, engine: str, server: RunningServer, folder: Path) -> DetachedServer:
    """Note a server, then let it stay when this process ends. Killed before, this process leaves no server behind."""
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
    await server.process.stay()
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
