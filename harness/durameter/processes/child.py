"""A child process under guard: how everything here is started, and ended whatever happens to this process.

`_guard.py` is the guard, a program of its own between this process and the child; its docstring says what it promises.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

__all__ = ["Child", "ProcessError", "Stream"]

_GUARD = Path(__file__).with_name("_guard.py")
_LOOK_SECONDS = 0.1
_GRACE_SECONDS = 10.0

Stream = int | IO[Any] | None
"""As `subprocess` takes it."""


class ProcessError(Exception):
    """A child process cannot be started, or ended too early. The message is for people."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        """What the system says about it, shortly: `Permission denied`."""


class Child:
    """One child process. It ends with this process: on `end`, at exit, after a crash and after SIGKILL."""

    pid: int
    """The child's own process id, once it is started. Its process group has the same number."""

    def __init__(
        self,
        *,
        folder: Path | None = None,
        stdin: Stream = subprocess.DEVNULL,
        stdout: Stream = subprocess.DEVNULL,
        stderr: Stream = subprocess.DEVNULL,
        own_session: bool = True,
    ) -> None:
        """Start the guard alone, which takes milliseconds; `start` starts the child.

        Args:
            folder: working folder of both; by default this process's.
            stdin: the child's standard input.
            stdout: its standard output.
            stderr: its standard error.
            own_session: whether it leaves this terminal session; otherwise it is in the background of it.
        """
        # Not asyncio's subprocess: its transports kill the process when they are collected, also one that shall stay.
        self._control, theirs = socket.socketpair()
        self._folder = folder
        self._said: dict[str, Any] = {}
        self._unread = b""
        self._deaf = False
        with theirs:
            self.guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), str(theirs.fileno())],
                cwd=folder,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(theirs.fileno(),),
                start_new_session=own_session,
                process_group=None if own_session else 0,
            )

    def start(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        *,
        grace: float = _GRACE_SECONDS,
        keep_leftovers: bool = False,
        lent: Sequence[Path] = (),
    ) -> None:
        """Start the child, and wait until it runs. After an error, or where this is cancelled: `give_up`.

        Args:
            argv: program and arguments.
            environment: its whole environment.
            grace: seconds that it has after SIGTERM when it is to end, and all that it started.
            keep_leftovers: whether what it leaves in its process group goes on after its end, while this process does.
            lent: links to folders in memory, which are copied to where the links stand when all of it has ended.

        Raises:
            ProcessError: it cannot be started. The message is what the system says.
        """
        self._tell(
            json.dumps(
                {
                    "argv": list(argv),
                    "folder": None if self._folder is None else str(self._folder),
                    "environment": dict(environment),
                    "grace": grace,
                    "keep_leftovers": keep_leftovers,
                    "lent": [str(link.absolute()) for link in lent],
                }
            ),
            "pid",
            "error",
        )
        if "pid" not in self._said:
            raise ProcessError(self._said.get("error", "its guard process died"), self._said.get("reason") or "")
        self.pid = self._said["pid"]

    @property
    def running(self) -> bool:
        """Whether it is under guard: it runs, or what it left does."""
        return self.guard.poll() is None

    @property
    def status(self) -> int | None:
        """The child's own exit status, negative for a signal; None while it runs."""
        while not self._deaf and "status" not in self._said and self._hear(socket.MSG_DONTWAIT):
            pass
        if "status" in self._said:
            return int(self._said["status"])
        return -signal.SIGKILL if self._deaf else None  # the kernel ends it with its guard

    async def ended(self) -> int:
        """Wait until nothing of it runs; returns its exit status as a shell does."""
        while (status := self.guard.poll()) is None:
            await asyncio.sleep(_LOOK_SECONDS)
        return status

    def stay(self) -> None:
        """Let it run on when this process ends, until its guard gets SIGTERM. Blocks for milliseconds."""
        self._tell("stay", "stays")

    async def end(self) -> None:
        """End it and wait until nothing of it runs: asked first, by force after its grace."""
        if self.running:
            self.guard.terminate()
        await self.ended()
        self._control.close()

    def kill(self) -> None:
        """End it by force, at once, with its process group; nothing is left of it, nor of its guard."""
        if hasattr(self, "pid"):
            if self.status is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
            while self.status is None:
                self._hear()
        self.guard.kill()
        self.guard.wait()
        self._control.close()

    def give_up(self) -> None:
        """End it and its guard, whether it is started already or not, and wait for that: it has its grace."""
        self.guard.terminate()
        self.guard.wait()
        self._control.close()

    def _tell(self, line: str, *answers: str) -> None:
        """One line to the guard; waits for one of these answers, or for the guard's death."""
        with contextlib.suppress(OSError):
            self._control.sendall(line.encode() + b"\n")
        while not self._said.keys() & set(answers) and self._hear():
            pass

    def _hear(self, flags: int = 0) -> bool:
        """Take in what the guard says next; returns whether it said anything."""
        try:
            data = self._control.recv(4096, flags)
        except BlockingIOError:
            return False
        except OSError:  # it has died with a line unread
            data = b""
        self._deaf = not data
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._said |= json.loads(line)
        return bool(data)
