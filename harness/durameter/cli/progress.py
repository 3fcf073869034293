"""Live progress of a measurement, on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from durameter.measure.result import EngineResult, TaskResult
from durameter.report.numbers import plain

__all__ = ["ProgressLines", "progress_lines"]


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
