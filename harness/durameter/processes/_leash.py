"""Ends a process group when the process that holds its pipe is gone: a command must not outlive a killed watch.

Run as a script, with the standard library only. Its argument is the group; its standard input is a pipe that nobody
writes to. When that closes (the watch has ended, crashed, or was killed with SIGKILL), whatever is left of the group is
asked to end, and then ended by force.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 5.0


def main() -> None:
    """Wait for the end of the pipe, then end the group."""
    group = int(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with its pipe
    sys.stdin.buffer.read()
    try:
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.1)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # nobody is left


if __name__ == "__main__":
    main()
