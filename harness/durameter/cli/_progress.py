"""Live progress of a measurement, on standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from durameter.engines.counting import FilesRead
from durameter.formatting import plain
from durameter.results.model import EngineResult, TaskResult

__all__ = [
    "ProgressLines",
    "file_progress",
    "progress_lines",
]

# How the reading of many files goes, on standard error.

_EVERY_SECONDS = 5.0


@contextmanager
def file_progress(console: Console) -> Iterator[Callable[[FilesRead], None]]:
    """A bar in a terminal, elsewhere a line every few seconds and at the end. What is no history is said at once."""
    bars = Progress(
        TextColumn("files"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}", style="dim", markup=False),
        console=console,
        disable=not console.is_terminal,
    )
    bar = bars.add_task("files", total=None, said="")
    said, refused = time.monotonic(), 0

    def told(read: FilesRead) -> None:
        nonlocal said, refused
        bars.update(bar, total=read.total, completed=read.files, said=f"{read.histories} histories")
        for _, problem in read.refused[refused:]:
            console.print(problem, style="bold red", markup=False, highlight=False, soft_wrap=True)
        refused = len(read.refused)
        if not console.is_terminal and (read.files == read.total or time.monotonic() - said > _EVERY_SECONDS):
            said = time.monotonic()
            line = f"{read.files} of {read.total} files read: {read.histories} histories"
            console.print(line, style="dim", highlight=False, soft_wrap=True)

    with bars:
        yield told


class ProgressLines:
    """Shows one bar per engine in a terminal, and plain lines elsewhere."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self._console = console
        self._bars = bars
        self._ids: dict[str, TaskID] = {}
        self._units: dict[str, str] = {}

    def note(self, line: str) -> None:
        """A line about something long."""
        self._print(line, style="dim")

    def begin(self, engine: str, variant: str, tasks: int) -> None:
        """A bar appears; a further batch makes it longer."""
        if engine in self._ids:
            known = next(each for each in self._bars.tasks if each.id == self._ids[engine])
            self._bars.update(known.id, total=(known.total or 0) + tasks)
            return
        self._ids[engine] = self._bars.add_task(f"{engine} ({variant})", total=tasks, said="")

    def task(self, engine: str, result: TaskResult) -> None:
        """A task is counted."""
        self._bars.update(self._ids[engine], advance=1, said=f"{result.task}: {plain(result.units)}")
        if result.state != "completed":
            self.note(f"{engine} {result.task} {result.state.replace('_', ' ')}: {result.error}")
        elif not self._console.is_terminal:
            seconds = (result.ended - result.started).total_seconds()
            self.note(f"{engine} {result.task} completed in {seconds:.1f} s: {plain(result.units)} units")

    def end(self, result: EngineResult) -> None:
        """An engine is done."""
        if result.engine in self._ids:
            self._bars.update(self._ids[result.engine], said="done" if not result.problem else "stopped")
        if result.problem:
            self._print(f"{result.engine}: {result.problem}", style="bold red")

    def _print(self, line: str, *, style: str) -> None:
        # What a server logged is no markup, and a path that is broken in two cannot be copied.
        self._console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_lines(console: Console) -> Iterator[ProgressLines]:
    """Show progress while the context lasts."""
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}", style="dim", markup=False),
        console=console,
        disable=not console.is_terminal,
    )
    with bars:
        yield ProgressLines(console, bars)
