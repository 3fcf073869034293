"""A command of the user's: in a group of its own, its output on our standard error, ended with all that it left."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence

import psutil

from durameter.processes.child import Child

__all__ = ["Command"]

_LOOK_SECONDS = 0.1
_FAMILY_SECONDS = 1.0
"""Looking through all processes takes time that the command may need."""
_GRACE_SECONDS = 5.0
"""What it has after SIGTERM when this process is gone."""


class Command:
    """A started command."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._family: dict[int, psutil.Process] = {}

    @classmethod
    def start(cls, argv: Sequence[str], environment: Mapping[str, str]) -> "Command":
        """Start it in this folder. Our standard output is the report's: both of its outputs go to our standard error.

        It cannot read from a terminal, since it is not in front there; what is piped to us, it gets.

        Raises:
            ProcessError: it cannot be started.
        """
        interactive = sys.stdin is None or sys.stdin.closed or sys.stdin.isatty()
        child = Child(
            stdin=subprocess.DEVNULL if interactive else None,
            stdout=sys.__stderr__,
            stderr=sys.__stderr__,
            own_session=False,
        )
        try:
            child.start(argv, environment, grace=_GRACE_SECONDS, keep_leftovers=True)
        except BaseException:
            child.give_up()
            raise
        return cls(child)

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._child.status

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
        self._child.kill()

    def _send(self, number: int) -> bool:
        """A signal to the group and to those who left it; returns whether anybody was there."""
        left = self.left()
        if self.status is None or left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)
        for each in left:
            with contextlib.suppress(psutil.Error, OSError):  # it may end meanwhile
                if os.getpgid(each.pid) != self._child.pid:
                    each.send_signal(number)
        return self.status is None or bool(left)

    def _remember(self) -> None:
        """Note who belongs to it: a child whose parent has ended cannot be found by its parent any more."""
        for each in self._found():
            if each.pid != self._child.pid:
                self._family.setdefault(each.pid, each)

    def _found(self) -> Iterable[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            yield from psutil.Process(self._child.pid).children(recursive=True)
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if os.getpgid(each.pid) == self._child.pid:
                    yield each


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
