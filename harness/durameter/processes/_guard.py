"""Keeps one server alive exactly as long as the process that asked for it.

Run as a script, with the standard library only, so that it starts fast and depends on nothing. The order comes as one
JSON line on standard input; the pipe then stays open. When it closes (the asking process stopped, crashed, or was
killed with SIGKILL: the kernel closes it in every case) the server is ended. A line `stay` on the pipe makes the
server stay without the asking process, until the guard gets SIGTERM. The guard lives in a session of its own, so that a
Ctrl-C in the terminal does not reach the server before the measurement has been closed.

Should the guard itself be killed with SIGKILL, the Linux kernel ends the server; elsewhere it would stay.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
import types

GRACE_SECONDS = 10.0
LOOK_SECONDS = 0.2
PR_SET_PDEATHSIG = 1

_guard, _asker = os.getpid(), os.getppid()


def _die_with_guard() -> None:
    """On Linux, let the kernel end the server should this guard itself be killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != _guard:  # killed before the kernel knew
            os._exit(1)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; 0 only asks. Returns whether anybody is in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so of a group of which only zombies are left
        return False
    return True


def _end(server: "subprocess.Popen[bytes]") -> None:
    """Ask the server and what it started to end, then insist: a wrapper script may end before its child."""
    deadline = time.monotonic() + GRACE_SECONDS
    _signal(server.pid, signal.SIGTERM)
    while time.monotonic() < deadline:
        if server.poll() is not None and not _signal(server.pid, 0):
            return
        time.sleep(LOOK_SECONDS / 10)
    _signal(server.pid, signal.SIGKILL)
    server.wait()


def _say(**words: object) -> None:
    with contextlib.suppress(BrokenPipeError):  # the asking process has gone meanwhile
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()


def main() -> int:
    """Start the server, report its process id, end it when the order ends; return its exit status."""
    order = json.loads(sys.stdin.readline())
    asked, stays = threading.Event(), threading.Event()

    def ask(_number: int, _frame: types.FrameType | None) -> None:
        asked.set()

    def listen() -> None:
        if sys.stdin.readline() == "stay\n":
            stays.set()
            _say(stays=True)
        else:
            asked.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask)
    with open(order["log"], "ab") as log:  # noqa: PTH123 - pathlib would slow the start of this script
        try:
            server = subprocess.Popen(
                order["argv"],
                cwd=order["folder"],
                env=order["environment"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=_die_with_guard,  # noqa: PLW1509 - this process has one thread until now
            )
        except OSError as error:
            _say(error=str(error))
            return 127
    _say(pid=server.pid)
    threading.Thread(target=listen, daemon=True).start()
    while server.poll() is None and not asked.wait(LOOK_SECONDS):
        # A fork of the asking process may hold the pipe open after its end.
        if os.getppid() != _asker and not stays.is_set():
            break
    _end(server)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


if __name__ == "__main__":
    status = main()
    os._exit(status)  # the listening thread may still hold standard input
