"""The real command line as a process of its own, and what stays of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

DURAMETER = str(Path(sys.executable).with_name("durameter"))

_FOREIGN = ("DURAMETER_", "OTEL_", "INNGEST_", "TEMPORAL_")


def environment(state: Path, **variables: str) -> dict[str, str]:
    """This environment without anybody's settings, with these."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN) or k == "DURAMETER_CACHE_DIR"}
    return kept | {"DURAMETER_SERVERS_STATE": str(state)} | variables


def processes_in(folder: Path) -> list[psutil.Process]:
    """Every process that has this folder in its command line or works in it; zombies have neither."""
    found = []
    for process in psutil.process_iter():
        try:
            where = [*process.cmdline(), process.cwd()]
        except psutil.Error:
            continue
        if any(str(folder) in word for word in where):
            found.append(process)
    return found


def servers_in(folder: Path) -> set[int]:
    """Process ids of those that are no guards."""
    return {each.pid for each in processes_in(folder) if not any("_guard.py" in word for word in each.cmdline())}


def alive(pids: set[int]) -> set[int]:
    """Those that still run."""

    def runs(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return {pid for pid in pids if runs(pid)}


def patience() -> float:
    """How many times as long as on an idle machine things may take: the processes that want each core, 1 or more.

    Limits of tests are said for an idle machine. On a busy one, all that a limit tells of is a hang.
    """
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def within(seconds: float, true: Callable[[], object]) -> bool:
    """Whether it comes true in time, which is stretched by `patience`."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > seconds * patience():
            return False
        time.sleep(0.05)
    return True


def journal(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of a journal so far."""
    try:
        text = (folder / "journal.jsonl").read_text()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str
    seconds: float


@dataclass
class Command:
    """`durameter ...`, running in a session of its own, as a terminal's foreground process group."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    """What its processes are known by: a result folder, or a folder of state."""
    logs: Path
    started: float = field(default_factory=time.monotonic)

    def until_task(self, engine: str) -> None:
        """Wait until a task is in the journal."""

        def done() -> bool:
            assert self.process.poll() is None, self.err
            return any(line["event"] == "task" and line["engine"] == engine for line in journal(self.folder))

        assert within(90, done), self.err

    def servers(self) -> set[int]:
        """Process ids of the servers."""
        return servers_in(self.folder) - {self.process.pid}

    def guards(self) -> set[int]:
        """Process ids of their guards."""
        return {psutil.Process(pid).ppid() for pid in self.servers()}

    def ctrl_c(self) -> None:
        """As a terminal does: to the whole foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    @property
    def err(self) -> str:
        """What it has said so far."""
        return (self.logs / "err").read_text()

    def end(self, seconds: float = 120) -> Ended:
        """Wait for its end."""
        status = self.process.wait(seconds * patience())
        return Ended(status, (self.logs / "out").read_text(), self.err, time.monotonic() - self.started)


@contextmanager
def command(*words: str | Path, folder: Path, cwd: Path, **variables: str) -> Iterator[Command]:
    """Start it; whatever happens, leave nothing of it."""
    logs = cwd / f"log-{time.monotonic_ns()}"
    logs.mkdir(parents=True)
    with (logs / "out").open("w") as out, (logs / "err").open("w") as err:
        process = subprocess.Popen(
            [DURAMETER, *map(str, words)],
            cwd=cwd,
            env=environment(cwd / "state", **variables),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    try:
        yield Command(process, folder, logs)
    finally:
        process.kill()
        process.wait()


def run(*words: str | Path, cwd: Path, **variables: str) -> Ended:
    """Run a command to its end."""
    with command(*words, folder=cwd, cwd=cwd, **variables) as running:
        return running.end()
