"""Keeps one child alive exactly as long as the process that asked for it: a server, a command, a build.

Run as a script, with the standard library only, so that it starts fast and depends on nothing. Its argument is the
number of a socket; the order comes on it as one JSON line, and it then stays open. When it closes (the asking process
stopped, crashed, or was killed with SIGKILL: the kernel closes it in every case), or on SIGTERM, the child and its
whole process group are ended: asked first, by force after the order's `grace`. What is said on the socket, a JSON line
each: `pid` once the child runs, or `error` and `reason`; `status` when it has ended, negative for a signal.

The child gets this script's own standard streams, and is in a process group of its own, so that a Ctrl-C in the
terminal does not reach it before the measurement has been closed. When the child ends, what it left in its group is
ended too, unless the order says `keep_leftovers`: then the guard goes on watching the group. A line `stay` on the
socket makes the child stay without the asking process, until the guard gets SIGTERM. Folders of the child that are in
memory, links of the order's `lent`, are brought to where the links stand when all has ended.

Should the guard itself be killed with SIGKILL, the Linux kernel ends the child; elsewhere it would stay.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Collection
from pathlib import Path
from typing import Any

LOOK_SECONDS = 0.2
PR_SET_PDEATHSIG = 1

_guard, _asker = os.getpid(), os.getppid()


def _before_exec(ignored: Collection[int]) -> None:
    """In the child: die with this guard, where the kernel can do that, and ignore what the asking process ignores."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != _guard:  # killed before the kernel knew
            os._exit(1)
    for number in ignored:  # `nohup`
        signal.signal(number, signal.SIG_IGN)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; 0 only asks. Returns whether anybody is in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so of a group of which only zombies are left
        return False
    return True


def bring_home(link: Path) -> None:
    """Put a folder that a link leads to where the link stands. What is no link stays as it is.

    Raises:
        OSError: there is no room for it, for example; the link and the folder are as they were.
    """
    if not link.is_symlink():
        return
    folder, coming = link.readlink(), link.with_name(f"{link.name}.coming")
    try:
        shutil.copytree(folder, coming)
    except OSError:
        shutil.rmtree(coming, ignore_errors=True)
        raise
    link.unlink()
    coming.rename(link)
    shutil.rmtree(folder, ignore_errors=True)


def _let_go_of_streams() -> None:
    """They are the child's alone: whoever reads its output waits for the child's end, not for the guard's."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)


class Guard:
    """The guard of one child, and its side of the socket."""

    def __init__(self, control: int) -> None:
        self._control = control
        self._lines = os.fdopen(control, "rb", closefd=False)
        self._asked, self._stays, self._ended = threading.Event(), threading.Event(), threading.Event()

    def work(self) -> int:
        """Start the child, report its process id, end it when the order ends; return its status as a shell does."""
        order = json.loads(self._lines.readline())
        try:
            return self._guard(order)
        finally:
            for link in order["lent"]:
                with contextlib.suppress(OSError):
                    bring_home(Path(link))

    def _guard(self, order: dict[str, Any]) -> int:
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
        for number in numbers:
            signal.signal(number, self._ask)
        try:
            child = subprocess.Popen(
                order["argv"],
                cwd=order["folder"],
                env=order["environment"],
                process_group=0,
                preexec_fn=lambda: _before_exec(ignored),  # noqa: PLW1509 - this process has one thread until now
            )
        except OSError as error:
            self._say(error=str(error), reason=error.strerror)
            return 127
        _let_go_of_streams()
        self._say(pid=child.pid)
        threading.Thread(target=self._wait, args=(child, order["keep_leftovers"]), daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()
        while not self._asked.wait(LOOK_SECONDS):
            # A fork of the asking process may hold the socket open after its end.
            if os.getppid() != _asker and not self._stays.is_set():
                break
        self._end(child.pid, order["grace"])
        return child.returncode if child.returncode >= 0 else 128 - child.returncode

    def _ask(self, _number: int, _frame: types.FrameType | None) -> None:
        self._asked.set()

    def _wait(self, child: "subprocess.Popen[bytes]", keep_leftovers: bool) -> None:
        self._say(status=child.wait())
        self._ended.set()
        if not keep_leftovers:
            self._asked.set()

    def _listen(self) -> None:
        line = b""
        with contextlib.suppress(OSError):  # the other side may have gone with a word of ours unread
            line = self._lines.readline()
        if line == b"stay\n":
            self._stays.set()
            self._say(stays=True)
        else:
            self._asked.set()

    def _end(self, group: int, grace: float) -> None:
        """Ask the child and what it started to end, then insist: a wrapper script may end before its child."""
        deadline = time.monotonic() + grace
        _signal(group, signal.SIGTERM)
        while time.monotonic() < deadline:
            if self._ended.is_set() and not _signal(group, 0):
                return
            time.sleep(LOOK_SECONDS / 10)
        _signal(group, signal.SIGKILL)
        self._ended.wait()

    def _say(self, **words: object) -> None:
        with contextlib.suppress(OSError):  # the asking process has gone meanwhile
            os.write(self._control, json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    status = Guard(int(sys.argv[1])).work()
    os._exit(status)  # the listening thread may still wait for a line
