"""Start a server under guard, and end it whatever happens to this process."""

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from durameter.errors import EngineMissingError

__all__ = ["GuardedProcess", "clean_environment", "free_ports", "log_tail"]

_GUARD = Path(__file__).with_name("_guard.py")
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


def clean_environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment for a server that nothing of the user's set-up can change.

    Servers read configuration from the home folder and from variables of their own (`INNGEST_*`, `TEMPORAL_*`): home is
    the measurement's folder, and only what a process needs to run is passed on.
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
    pid: int
    """The server's own process id."""
    guard: asyncio.subprocess.Process
    log: Path

    @classmethod
    async def start(
        cls,
        name: str,
        argv: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        detached: bool = False,
    ) -> "GuardedProcess":
        """Start `argv` in `folder`, its output appended to `folder/server.log`.

        Args:
            name: what to call it in messages.
            argv: program and arguments.
            folder: working folder; made when missing.
            environment: the whole environment of the server.
            detached: leave it running when this process ends; end it with SIGTERM to `guard.pid`.

        Raises:
            EngineMissingError: the program cannot be started.
        """
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "server.log"
        guard = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_GUARD),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        assert guard.stdin is not None  # noqa: S101 - asked for above
        assert guard.stdout is not None  # noqa: S101
        order = {
            "argv": list(argv),
            "folder": str(folder),
            "log": str(log),
            "environment": dict(environment),
            "detached": detached,
        }
        guard.stdin.write(json.dumps(order).encode() + b"\n")
        await guard.stdin.drain()
        answer = json.loads(await guard.stdout.readline() or b'{"error": "the guard process died"}')
        if "error" in answer:
            raise EngineMissingError(f"{name} cannot be started ({argv[0]}): {answer['error']}")
        return cls(name=name, pid=answer["pid"], guard=guard, log=log)

    @property
    def running(self) -> bool:
        """Whether the server still runs."""
        return self.guard.returncode is None

    async def died(self) -> str:
        """Wait until the server ends before it was asked to, and say so."""
        status = await self.guard.wait()
        return (
            f"{self.name} ended by itself with status {status}. Its log, {self.log}, ends with:\n{log_tail(self.log)}"
        )

    async def stop(self) -> None:
        """End the server and wait until it is gone."""
        if self.guard.stdin is not None:
            self.guard.stdin.close()
        await self.guard.wait()
