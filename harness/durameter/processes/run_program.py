"""Run programs: short questions, and long commands that show progress and can be stopped."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from durameter.errors import EngineMissingError

__all__ = ["Attempt", "UnavailableError", "ask", "lines_of"]

# The guard ends a command when this process stops, also by SIGKILL. See its docstring for the order that it takes.
_GUARD = Path(__file__).with_name("_guard.py")

ASK_SECONDS = 10.0
POLL_SECONDS = 0.2
TELL_SECONDS = 3.0


class UnavailableError(Exception):
    """One way to the program gave nothing. The message, one line, is the reason."""


def ask(argv: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> str:
    """Run a command that answers at once; return what it prints, stripped.

    Args:
        argv: program and arguments.
        environment: its whole environment.
        folder: its working folder.

    Raises:
        UnavailableError: it cannot be run, takes more than 10 s, or ends with an error.
    """
    shown = " ".join(argv)
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise UnavailableError(f"`{shown}` cannot be run: {error.strerror or error}") from error
    try:
        said, complaint = process.communicate(timeout=ASK_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"`{shown}` gave no answer in {ASK_SECONDS:g} s") from error
    finally:
        if process.returncode is None:  # the whole group: a wrapper script's child would live on
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        _close(process.stdout)
        _close(process.stderr)
    if process.returncode != 0:
        last = (complaint.strip() or said.strip() or "no message").splitlines()[0]
        raise UnavailableError(f"`{shown}` failed with status {process.returncode}: {last[:200]}")
    return said.strip()


@dataclass(frozen=True)
class Attempt:
    """One attempt to make the program: who is told how it goes, and who may stop it."""

    progress: Callable[[str], None]
    """Called with one short line at each stage and every few seconds. What it raises ends the attempt."""
    cancelled: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Stop here if that was asked for.

        Raises:
            EngineMissingError: it was.
        """
        if self.cancelled.is_set():
            raise EngineMissingError(
                "Making the Inngest dev server was stopped. Nothing half-made is kept; the next run starts again."
            )

    def run(
        self,
        argv: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        limit: float,
        stage: Callable[[int], str],
    ) -> list[str]:
        """Run a long command to its end, under guard, in a session of its own.

        Args:
            argv: program and arguments.
            folder: its working folder.
            environment: its whole environment.
            log: file for what it prints.
            limit: seconds that it may take.
            stage: what to tell, given how many lines it has printed.

        Returns:
            The lines that it printed.

        Raises:
            UnavailableError: it cannot be started, fails, or takes too long. The lines are in the log.
            EngineMissingError: the attempt was cancelled.
        """
        guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            order = {
                "argv": list(argv),
                "folder": str(folder),
                "log": str(log),
                "environment": dict(environment),
            }
            _give(guard, order)
            self._wait(guard, log, limit, stage)
        finally:
            _close(guard.stdin)  # should the command still run, this ends it
            guard.wait()
            _close(guard.stdout)
        if guard.returncode != 0:
            raise UnavailableError(f"`{' '.join(argv[:3])}` failed with status {guard.returncode}")
        return lines_of(log)

    def _wait(self, guard: "subprocess.Popen[bytes]", log: Path, limit: float, stage: Callable[[int], str]) -> None:
        started = told = time.monotonic()
        self.progress(stage(0))
        while True:
            self.check()
            try:
                guard.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                now = time.monotonic()
            else:
                return
            if now - started > limit:
                raise UnavailableError(f"it was not done after {limit:g} s")
            if now - told >= TELL_SECONDS:
                told = now
                self.progress(f"{stage(len(lines_of(log)))}, {now - started:.0f} s")


def lines_of(log: Path) -> list[str]:
    """The lines of a log; none when it was not begun."""
    try:
        return log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _give(guard: "subprocess.Popen[bytes]", order: Mapping[str, object]) -> None:
    assert guard.stdin is not None  # noqa: S101 - both are pipes, see above
    assert guard.stdout is not None  # noqa: S101
    try:
        guard.stdin.write(json.dumps(order).encode() + b"\n")
        guard.stdin.flush()
    except OSError as error:
        raise UnavailableError(f"its guard process died: {error.strerror or error}") from error
    answer = json.loads(guard.stdout.readline() or b'{"error": "its guard process died"}')
    if "error" in answer:
        raise UnavailableError(f"it cannot be started: {answer['error']}")


def _close(pipe: IO[Any] | None) -> None:
    with contextlib.suppress(OSError):  # the other side may be gone
        if pipe is not None:
            pipe.close()
