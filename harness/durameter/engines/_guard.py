"""Keeps one server alive exactly as long as the process that asked for it.

Run as a script, with the standard library only, so that it starts fast and depends on nothing. The order comes as one
JSON line on standard input; the pipe then stays open. When it closes (the asking process stopped, crashed, or was
killed with SIGKILL: the kernel closes it in every case) the server is ended. A detached guard ignores the pipe and
waits for SIGTERM instead. It lives in a session of its own, so that a Ctrl-C in the terminal does not reach the server
before the measurement has been closed.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import types

GRACE_SECONDS = 10.0
PR_SET_PDEATHSIG = 1


def _die_with_guard() -> None:
    """On Linux, let the kernel end the server should this guard itself be killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(server: "subprocess.Popen[bytes]") -> None:
    """Ask the server's process group to end, then insist."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def main() -> int:
    """Start the server, report its process id, end it when the order ends; return its exit status."""
    order = json.loads(sys.stdin.readline())
    asked = threading.Event()

    def ask(_number: int, _frame: types.FrameType | None) -> None:
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
            sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
            return 127
    sys.stdout.write(json.dumps({"pid": server.pid}) + "\n")
    sys.stdout.flush()
    if not order["detached"]:

        def watch() -> None:
            while sys.stdin.buffer.read(1):
                pass
            asked.set()

        threading.Thread(target=watch, daemon=True).start()
    while server.poll() is None:
        if asked.wait(0.2):
            _end(server)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # the watching thread may still hold standard input
