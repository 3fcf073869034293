"""The command of a watch: a process group of its own, its output on our standard error, ended with all that it left."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from durameter.errors import UsageError

__all__ = ["Command", "check_command"]

_LEASH = Path(__file__).with_name("_leash.py")
_LOOK_SECONDS = 0.1
_FAMILY_SECONDS = 1.0
"""Looking through all processes takes time that the command may need."""


def check_command(argv: Sequence[str]) -> None:
    """Check that a command can be started at all.

    Raises:
        UsageError: there is no such program.
    """
    if shutil.which(argv[0]) is None:
        folder = "" if "/" in argv[0] else " on the PATH"
        raise UsageError(
            f"The command cannot be started: there is no program {argv[0]!r}{folder}. Write it as in a shell, after "
            "two hyphens: durameter watch -- python my_agent.py. What needs a shell (&&, |, &): sh -c '...'."
        )


class Command:
    """A started command."""

    def __init__(self, process: "subprocess.Popen[bytes]", leash: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._leash = leash
        self._family: dict[int, psutil.Process] = {}

    @classmethod
    def start(cls, argv: Sequence[str], environment: Mapping[str, str]) -> "Command":
        """Start it in this folder. Our standard output is the report's: both of its outputs go to our standard error.

        It cannot read from a terminal, since it is not in front there; what is piped to us, it gets.

        Raises:
            UsageError: it cannot be started.
        """
        interactive = sys.stdin is None or sys.stdin.closed or sys.stdin.isatty()
        try:
            process = subprocess.Popen(
                argv,
                env=dict(environment),
                stdin=subprocess.DEVNULL if interactive else None,
                stdout=sys.__stderr__,
                stderr=sys.__stderr__,
                process_group=0,
            )
        except OSError as error:
            raise UsageError(f"The command {argv[0]!r} cannot be started: {error.strerror}.") from error
        leash = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LEASH), str(process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return cls(process, leash)

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    async def wait(self) -> int:
        """Wait until the command itself has ended; what it left in the background may go on."""
        loop, looked = asyncio.get_running_loop(), 0.0
        while (status := self.status) is None:
            if loop.time() > looked + _FAMILY_SECONDS:
                self._remember()
                looked = loop.time()
            await asyncio.sleep(_LOOK_SECONDS)
        return status

    def left(self) -> list[psutil.Process]:
        """Processes of its group, or that it had started, which still run."""
        self._remember()
        return [each for each in self._family.values() if _runs(each)]

    async def end(self, grace: float) -> None:
        """Ask all of it to end, as Ctrl-C does, then as `kill` does, then end it by force.

        Args:
            grace: seconds that it has after Ctrl-C, and half of that again after SIGTERM.
        """
        for number, seconds in ((signal.SIGINT, grace), (signal.SIGTERM, grace / 2), (signal.SIGKILL, grace)):
            if not self._send(number):
                return
            deadline = asyncio.get_running_loop().time() + seconds
            while asyncio.get_running_loop().time() < deadline:
                if self.status is not None and not self.left():
                    return
                await asyncio.sleep(_LOOK_SECONDS)

    def kill(self) -> None:
        """End all of it by force, at once; nothing is left of it."""
        self._send(signal.SIGKILL)
        self._process.wait()
        self._leash.kill()
        self._leash.wait()
        if self._leash.stdin is not None:
            self._leash.stdin.close()

    def _send(self, number: int) -> bool:
        """A signal to the group and to those who left it; returns whether anybody was there."""
        left = self.left()
        if self.status is None or left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)
        for each in left:
            with contextlib.suppress(psutil.Error):
                if os.getpgid(each.pid) != self._process.pid:
                    each.send_signal(number)
        return self.status is None or bool(left)

    def _remember(self) -> None:
        """Note who belongs to it: a child whose parent has ended cannot be found by its parent any more."""
        for each in self._found():
            if each.pid != self._process.pid:
                self._family.setdefault(each.pid, each)

    def _found(self) -> Iterable[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            yield from psutil.Process(self._process.pid).children(recursive=True)
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if os.getpgid(each.pid) == self._process.pid:
                    yield each


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
