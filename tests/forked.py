"""`durameter ...` as a process of its own, forked from one that has imported everything already: 0.1 s instead of 1 s.

Arguments, environment, folder, output and exit status are the child's own, and it leaves as the real command does. What
only a fresh interpreter shows (what is imported when, how long it takes) is asked elsewhere: by `test_start_up.py`, and
by all tests on servers, which run the real command. With DURAMETER_TESTS_REAL_PROCESSES each of these is a fresh
interpreter too. As a program, this file is the one that forks: a line of JSON per command comes in, a line with its
exit status goes out.
"""

import functools
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from running import DURAMETER, patience

__all__ = ["call"]

_REAL = bool(os.environ.get("DURAMETER_TESTS_REAL_PROCESSES")) or sys.platform == "darwin"  # there, forks are not safe
_SECONDS = 60


def call(*words: str | Path, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it to its end.

    Args:
        words: what stands after `durameter`.
        cwd: the folder to run it in.
        env: its whole environment.
    """
    argv = [DURAMETER, *map(str, words)]
    if _REAL:
        return subprocess.run(
            argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=_SECONDS * patience(), check=False
        )
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        order = {"argv": argv, "cwd": str(cwd), "env": dict(env), "out": str(out), "err": str(err)}
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        return subprocess.CompletedProcess(argv, status, out.read_text(), err.read_text())


@functools.cache
def _server() -> "subprocess.Popen[str]":
    """One per process that runs tests; it ends when its input does."""
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # a fork copies one thread
    return subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | single
    )


def _serve() -> None:
    orders, answers = sys.stdin, os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    main = importlib.import_module("durameter.cli.main").main
    for name in ("durameter", "matplotlib.figure", "scipy.stats"):
        module = importlib.import_module(name)
        if name == "durameter":
            for found in pkgutil.walk_packages(module.__path__, "durameter."):
                if not found.name.endswith("__main__"):  # it is the command line itself
                    importlib.import_module(found.name)
    for line in orders:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(order)
            main()
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        answers.flush()


def _become(order: "dict[str, dict[str, str]]") -> None:
    for target, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, order["out"], os.O_WRONLY | os.O_CREAT),
        (2, order["err"], os.O_WRONLY | os.O_CREAT),
    ):
        opened = os.open(str(name), flags, 0o600)
        os.dup2(opened, target)
        os.close(opened)
    os.chdir(str(order["cwd"]))
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = list(order["argv"])


if __name__ == "__main__":
    _serve()
