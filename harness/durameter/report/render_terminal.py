"""A report in the terminal."""

from collections.abc import Sequence
from decimal import Decimal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from durameter.formatting import (
    count,
    percent,
    plain,
    span,
)
from durameter.report.intervals import TypeShare
from durameter.report.measurement import EngineReport, Report, Share
from durameter.report.measurement_words import (
    comparison,
    differences,
    estimated,
    headline,
    worth_knowing,
)

__all__ = ["show_report"]

_MOST_CAUSES = 12
_GOOD, _BAD = "green", "bold red"


def show_report(report: Report, console: Console) -> None:
    """Print the report."""
    agreed = report.verdict.startswith("Independent sources agree")
    title = f"{report.workload}, {headline(report)}, {report.started:%Y-%m-%d %H:%M} UTC"
    console.print()
    console.print(
        Panel(
            Text(report.verdict, style=_GOOD if agreed else _BAD),
            title=Text(title),
            title_align="left",
            box=box.ROUNDED,
        )
    )
    for engine in report.engines:
        for line in _alarms(engine):
            console.print(Text(f"{engine.engine}: {line}", style=_BAD))
    console.print(_side_by_side(report))
    for engine in report.engines:
        if engine.kinds:
            console.print(_engine(engine))
        _list(console, f"{engine.engine}: estimates, in no count above", estimated(engine))
        if engine.capacity:
            console.print(_capacity(engine, report.volume))
    _list(console, "Not covered", report.not_covered)
    _list(console, "Worth knowing", worth_knowing(report))
    console.print(Text(f"Everything is in {report.folder}", style="dim"), soft_wrap=True)


def _alarms(engine: EngineReport) -> list[str]:
    lines = [engine.problem] if engine.problem else []
    if engine.reconciliations and not engine.proved:
        lines += differences(engine)
    return lines + list(engine.troubles)


def _side_by_side(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for engine in report.engines:
        table.add_column(f"{engine.engine} ({engine.unit}s)", justify="right")
    for label, cells in comparison(report):
        style = "bold" if label in ("units per task", "dollars per month") else None
        table.add_row(*map(Text, (label, *cells)), style=style)
    return table


def _engine(engine: EngineReport) -> RenderableType:
    title = Text(f"{engine.engine}: where the {engine.unit}s come from", style="bold")
    causes = engine.causes[:_MOST_CAUSES]
    tables: list[RenderableType] = [_breakdown("kind", engine.kinds), _breakdown("made by", causes)]
    if len(engine.causes) > len(causes):
        tables.append(Text(f"and {len(engine.causes) - len(causes)} more causes in the ledger", style="dim"))
    if engine.types:
        tables.insert(0, _types(engine.types))
    return Group(title, *tables)


def _types(lines: Sequence[TypeShare]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("type of task", min_width=28, overflow="fold")
    for name in ("tasks", "per task", "min–max", "share"):
        table.add_column(name, justify="right")
    for line in lines:
        found = line.per_task
        cells = [f"{line.tasks:,}", count(found.mean), span(found.low, found.high), percent(line.share)]
        table.add_row(*map(Text, (line.name, *cells)))
    return table


def _capacity(engine: EngineReport, volume: Decimal) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "a month", "from"):
        table.add_column(name, overflow="fold")
    for row in engine.capacity:
        table.add_row(*map(Text, (row.what, row.value, row.why)))
    title = f"{engine.engine}: storage and capacity at {plain(volume)} tasks a month"
    return Group(Text(title, style="bold"), table)


def _breakdown(label: str, lines: tuple[Share, ...]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(label, min_width=28, overflow="fold")
    for name in ("per task", "min–max", "share"):
        table.add_column(name, justify="right")
    opened = any(line.upper for line in lines)
    if opened:
        table.add_column("open question", justify="right")
    for line in lines:
        cells = [count(line.documented.mean), span(line.documented.low, line.documented.high), percent(line.share)]
        if opened:
            cells.append(f"+ {count(line.upper)}" if line.upper else "")
        table.add_row(*map(Text, (line.name, *cells)))
    return table


def _list(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    points = Table.grid(padding=(0, 1))
    for line in lines:
        points.add_row("  -", Text(line))
    console.print(Text(title, style="bold"), points)
