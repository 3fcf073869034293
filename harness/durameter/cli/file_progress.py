"""How the reading of many files goes, on standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from durameter.count.temporal import FilesRead

__all__ = ["file_progress"]

_EVERY_SECONDS = 5.0


@contextmanager
def file_progress(console: Console, files: int) -> Iterator[Callable[[FilesRead], None]]:
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
    bar = bars.add_task("files", total=files, said="")
    said, refused = time.monotonic(), 0

    def told(read: FilesRead) -> None:
        nonlocal said, refused
        bars.update(bar, completed=read.files, said=f"{read.histories} histories")
        for _, problem in read.refused[refused:]:
            console.print(problem, style="bold red", markup=False, highlight=False, soft_wrap=True)
        refused = len(read.refused)
        if not console.is_terminal and (read.files == files or time.monotonic() - said > _EVERY_SECONDS):
            said = time.monotonic()
            line = f"{read.files} of {files} files read: {read.histories} histories"
            console.print(line, style="dim", highlight=False, soft_wrap=True)

    with bars:
        yield told
