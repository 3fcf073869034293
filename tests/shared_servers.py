"""One server for all worker processes of a run: a process of its own owns it, and ends it when the run ends.

`python shared_servers.py ENGINE FOLDER PID` is that process; PID is the run's, whatever happens to the workers.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from filelock import FileLock

from durameter.config import make_config
from durameter.engines.base import RunningServer
from durameter.engines.inngest.engine import InngestEngine
from durameter.engines.temporal.engine import TemporalEngine
from durameter.results.model import ServerInfo
from running import alive, environment

__all__ = ["lease", "share", "stop_all"]

_BUILD_SECONDS = 900
"""The first time on a machine, the Inngest server may have to be built."""
_STOP_SECONDS = 20
_STOP = "stop"
_RETIRED = ".retired"
"""Ending of a file by which one server ends."""
_OWNERS: "list[subprocess.Popen[bytes]]" = []
"""They end after this process, and Python complains of a forgotten one."""


@dataclass(frozen=True)
class _Process:
    """What tests ask of a server that another process has started."""

    pid: int


def share(engine: str, folder: Path, run: int, *, name: str = "") -> RunningServer:
    """The server of this name, by default one per engine; started by whoever asks first.

    Args:
        engine: `temporal` or `inngest`.
        folder: what all workers of the run share.
        run: process id of the run, with which the server ends.
        name: tells it apart from others of the same engine.
    """
    name = name or engine
    state, log = folder / f"{name}.json", folder / f"{name}.log"
    with FileLock(folder / f"{name}.lock", timeout=_BUILD_SECONDS):
        if not state.exists():
            words = [sys.executable, __file__, engine, str(folder), str(run), name]
            with log.open("wb") as out:
                owner = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env=environment(folder / "no state"),
                    start_new_session=True,
                )
            _OWNERS.append(owner)
            deadline = time.monotonic() + _BUILD_SECONDS
            while not state.exists():
                assert owner.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
    found = json.loads(state.read_text())
    return RunningServer(ServerInfo.model_validate(found["info"]), _Process(found["pid"]), found["settings"])


@contextlib.contextmanager
def lease(engine: str, folder: Path, run: int, *, files: int = 1000) -> Iterator[RunningServer]:
    """A server that nobody else uses meanwhile: one of as many as are used at a time.

    Args:
        engine: `temporal` or `inngest`.
        folder: what all workers of the run share.
        run: process id of the run, with which the server ends.
        files: after how many leases a fresh one takes its place.
    """
    number = 0
    while True:
        lock = FileLock(folder / f"{engine}-{number}.leased")
        with contextlib.suppress(TimeoutError):
            lock.acquire(timeout=0)
        if lock.is_locked:
            break
        number += 1
    try:
        uses = folder / f"{engine}-{number}.uses"
        used = int(uses.read_text()) if uses.exists() else 0
        uses.write_text(str(used + 1))
        name = f"{engine}-{number}-{used // files}"
        if used % files == 0 and used:
            (folder / f"{engine}-{number}-{used // files - 1}{_RETIRED}").touch()
        yield share(engine, folder, run, name=name)
    finally:
        lock.release()


def stop_all(folder: Path) -> None:
    """End the servers of a run, and wait until they are gone."""
    (folder / _STOP).touch()
    owners = [json.loads(state.read_text())["owner"] for state in folder.glob("*.json")]
    there = [psutil.Process(pid) for pid in owners if psutil.pid_exists(pid)]
    psutil.wait_procs(there, timeout=_STOP_SECONDS)


async def _own(engine: str, folder: Path, run: int, name: str) -> None:
    if engine == "inngest":
        server = await InngestEngine().start(make_config(), folder / name, print, lasting=False)
    else:
        server = await TemporalEngine().start(make_config(), folder / name, print)
    found = {
        "info": server.info.model_dump(mode="json"),
        "settings": dict(server.settings),
        "pid": server.process.pid,
        "owner": psutil.Process().pid,
    }
    part = folder / f"{name}.part"
    part.write_text(json.dumps(found))
    part.replace(folder / f"{name}.json")
    while alive({run}) and not (folder / _STOP).exists() and not (folder / f"{name}{_RETIRED}").exists():
        await asyncio.sleep(0.2)
    await server.process.stop()


if __name__ == "__main__":
    asyncio.run(_own(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
