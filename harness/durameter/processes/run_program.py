"""Run programs to their end: short questions, and long commands that show progress and can be stopped."""

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from durameter.processes.child import Child, ProcessError

__all__ = ["Attempt", "StoppedError", "UnavailableError", "ask", "lines_of"]

ASK_SECONDS = 10.0
POLL_SECONDS = 0.2
TELL_SECONDS = 3.0


class UnavailableError(Exception):
    """A program gave nothing. The message, one line, is the reason."""


class StoppedError(Exception):
    """An attempt was stopped, because that was asked for."""


def ask(argv: Sequence[str], *, environment: Mapping[str, str], folder: Path, limit: float | None = None) -> str:
    """Run a command that answers at once; return what it prints, stripped.

    Args:
        argv: program and arguments.
        environment: its whole environment.
        folder: its working folder.
        limit: seconds that it may take, by default 10.

    Raises:
        UnavailableError: it cannot be run, takes too long, or ends with an error.
    """
    shown = " ".join(argv)
    seconds = ASK_SECONDS if limit is None else limit
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = Child(folder=folder, stdout=out, stderr=err)
        try:
            child.start(argv, environment)
            child.guard.wait(seconds)
        except ProcessError as error:
            raise UnavailableError(f"`{shown}` cannot be run: {error.reason or error}") from error
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"`{shown}` gave no answer in {seconds:g} s") from error
        finally:
            child.kill()
        out.seek(0)
        err.seek(0)
        said, complaint = (file.read().decode(errors="replace").strip() for file in (out, err))
    if child.status != 0:
        last = (complaint or said or "no message").splitlines()[0]
        raise UnavailableError(f"`{shown}` failed with status {child.status}: {last[:200]}")
    return said


@dataclass(frozen=True)
class Attempt:
    """One attempt to make the program: who is told how it goes, and who may stop it."""

    progress: Callable[[str], None]
    """Called with one short line at each stage and every few seconds. What it raises ends the attempt."""
    cancelled: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Stop here if that was asked for.

        Raises:
            StoppedError: it was.
        """
        if self.cancelled.is_set():
            raise StoppedError

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
            StoppedError: the attempt was cancelled.
        """
        with log.open("ab") as output:
            child = Child(folder=folder, stdout=output, stderr=output)
        try:
            child.start(argv, environment)
            self._wait(child, log, limit, stage)
        except ProcessError as error:
            raise UnavailableError(f"it cannot be started: {error}") from error
        finally:
            child.give_up()  # should it still run, this ends it
        if child.guard.returncode != 0:
            raise UnavailableError(f"`{' '.join(argv[:3])}` failed with status {child.guard.returncode}")
        return lines_of(log)

    def _wait(self, child: Child, log: Path, limit: float, stage: Callable[[int], str]) -> None:
        started = told = time.monotonic()
        self.progress(stage(0))
        while True:
            self.check()
            try:
                child.guard.wait(POLL_SECONDS)
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
