"""Start a server under guard, wait until it answers, and end it whatever happens to this process."""

import asyncio
import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from durameter.processes.child import Child, ProcessError

__all__ = ["GuardedProcess", "clean_environment", "free_ports", "log_tail"]

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
_LOOK_SECONDS = 0.1
_READY_SECONDS = 60.0
_ANSWER_SECONDS = 3.0
_PORT_TAKEN = (b"address already in use",)
"""How a server says that a port was taken before it came, in the words of the system."""


def clean_environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment for a server that nothing of the user's set-up can change.

    Servers read configuration from the home folder and from variables of their own: home is the measurement's folder,
    and only what a process needs to run is passed on.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / ".config")} | dict(extra or {})


def free_ports(count: int) -> list[int]:
    """Ports on the loopback interface that were free a moment ago, all different.

    A port can be taken between this call and the server's start; callers start again with others then.
    """
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def log_tail(log: Path, lines: int = 5) -> str:
    """The last lines of a server's log, for error messages."""
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return ""


@dataclass
class GuardedProcess:
    """A server that ends with this process: on `stop`, at exit, after a crash and after SIGKILL."""

    name: str
    child: Child
    log: Path
    log_start: int
    """Bytes in the log that an earlier server wrote."""

    @classmethod
    async def start(
        cls,
        name: str,
        argv: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        lent: Sequence[Path] = (),
    ) -> "GuardedProcess":
        """Start `argv` in `folder`, its output appended to `folder/server.log`.

        Args:
            name: what to call it in messages.
            argv: program and arguments.
            folder: working folder; made when missing.
            environment: the whole environment of the server.
            lent: see `Child.start`.

        Raises:
            ProcessError: the program cannot be started.
        """
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "server.log"
        log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            child = Child(folder=folder, stdout=output, stderr=output)
        started = False
        try:
            await asyncio.to_thread(partial(child.start, argv, environment, lent=lent))
            started = True
        except ProcessError as error:
            raise ProcessError(f"{name} cannot be started ({argv[0]}): {error}") from error
        finally:
            if not started:
                child.give_up()
        return cls(name, child, log, log_start)

    @property
    def pid(self) -> int:
        """The server's own process id."""
        return self.child.pid

    @property
    def guard(self) -> "subprocess.Popen[bytes]":
        """The process that ends the server, also on SIGTERM. Its exit status is the server's, as a shell says it."""
        return self.child.guard

    @property
    def running(self) -> bool:
        """Whether the server still runs."""
        return self.child.running

    async def ready(
        self,
        answers: Callable[[], Awaitable[bool]],
        *,
        port: int,
        taken: Sequence[bytes] = _PORT_TAKEN,
        harmless: Sequence[bytes] = (),
    ) -> bool:
        """Wait until the server answers. It is stopped when it does not, or when this is cancelled.

        Args:
            answers: asks once.
            port: the server itself must listen there.
            taken: words in its log that tell of a taken port.
            harmless: words of lines in its log that may tell of one all the same: it serves without that port.

        Returns:
            False when another program took one of its ports meanwhile: start again with others.

        Raises:
            ProcessError: it ended, or did not answer within 60 s.
        """
        deadline = time.monotonic() + _READY_SECONDS
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(self.stop)
            while self.running and time.monotonic() < deadline:
                if await _in_time(answers) and self._listens(port):
                    undo.pop_all()
                    return True
                if self._port_taken(taken, harmless):
                    return False
                await asyncio.sleep(_LOOK_SECONDS)
            if self._port_taken(taken, harmless):
                return False
            why = f"did not answer within {_READY_SECONDS:g} s" if self.running else "ended at once"
            raise ProcessError(f"{self.name} {why}. Its log, {self.log}, ends with:\n{log_tail(self.log)}")

    def _listens(self, port: int) -> bool:
        """Whether it is this server that answers on the port, not another one of its kind."""
        try:
            server = psutil.Process(self.pid)
            family = [server, *server.children(recursive=True)]  # the program may be a wrapper script
            sockets = [each for process in family for each in process.net_connections("tcp")]
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:  # some systems show them to nobody
            return True
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets)

    def _port_taken(self, taken: Sequence[bytes], harmless: Sequence[bytes]) -> bool:
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            lines = log.read().splitlines()
        grave = [line for line in lines if not any(words in line for words in harmless)]
        return any(words in line for line in grave for words in taken)

    async def died(self) -> str:
        """Wait until the server ends before it was asked to, and say so."""
        status = await self.child.ended()
        return (
            f"{self.name} ended by itself with status {status}. Its log, {self.log}, ends with:\n{log_tail(self.log)}"
        )

    async def stay(self) -> None:
        """Let the server run on when this process ends, until its guard gets SIGTERM."""
        await asyncio.to_thread(self.child.stay)

    async def stop(self) -> None:
        """End the server and wait until it is gone: at once, or by force after 10 s."""
        await self.child.end()


async def _in_time(answers: Callable[[], Awaitable[bool]]) -> bool:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await answers()
    except TimeoutError:
        return False
