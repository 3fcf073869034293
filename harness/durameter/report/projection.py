"""A projection in the terminal and as Markdown."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from durameter.projection import EngineProjection, Projection
from durameter.report import projection_words as words
from durameter.report.templates import markdown

__all__ = ["projection_markdown", "show_projection"]

PLAN_HEADS = ("plan", "p5", "p50", "p95", "cheapest in", "")
CHANGE_HEADS = ("engine", "if", "units per task", "dollars a month", "plan then")
MONTH_HEADS = ("month", "tasks", "units", "plan", "dollars")
CAPACITY_HEADS = ("", "a month", "from")


def projection_markdown(found: Projection) -> str:
    """The projection as GitHub-flavoured Markdown."""
    return markdown(
        "projection.md.j2",
        found=found,
        words=words,
        plan_heads=PLAN_HEADS,
        change_heads=CHANGE_HEADS,
        month_heads=MONTH_HEADS,
        capacity_heads=CAPACITY_HEADS,
    )


def show_projection(found: Projection, console: Console) -> None:
    """Print the projection."""
    style = "green" if found.trusted else "bold red"
    console.print()
    console.print(
        Panel(Text(found.headline, style=style), title=Text(words.subject(found)), title_align="left", box=box.ROUNDED)
    )
    heads = ["", *(f"{each.engine} ({each.unit}s)" for each in found.engines)]
    rows = [[label, *cells] for label, cells in words.side_by_side(found)]
    console.print(_table(heads, rows, bold=("units per task", "dollars a month")))
    console.print(Text("Ranges are from the 5th to the 95th percentile of the draws.", style="dim"))
    for engine in found.engines:
        _engine(console, engine)
    if changed := words.sensitivity_rows(found):
        _titled(console, "What the month hangs on", _table(CHANGE_HEADS, changed, wide=1))
    _list(console, "Crossovers", [each.words for each in found.crossovers])
    _list(console, "Prices", words.books(found))
    _list(console, "Rests on", words.rests_on(found))
    _list(console, "Not covered", words.worth_knowing(found))


def _engine(console: Console, engine: EngineProjection) -> None:
    if engine.readings and engine.readings[0].plans:
        _titled(
            console,
            f"{engine.engine}: plans, dollars a month",
            _table(PLAN_HEADS, words.plan_rows(engine), wide=5),
        )
    if rows := words.months(engine):
        _titled(console, f"{engine.engine}: month by month, each on its cheapest plan", _table(MONTH_HEADS, rows))
    for line in words.scenarios(engine):
        console.print(Text(line))
    if engine.capacity:
        rows = [[row.what, row.value, row.why] for row in engine.capacity]
        _titled(console, f"{engine.engine}: storage and capacity", _table(CAPACITY_HEADS, rows, wide=2))
    _list(console, f"{engine.engine}: limits of the plan", engine.near)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, bold: Sequence[str] = (), wide: int = 0) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, head in enumerate(heads):
        left = number in (0, wide)
        table.add_column(head, justify="left" if left else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row), style="bold" if row[0] in bold else None)
    return table


def _titled(console: Console, title: str, table: Table) -> None:
    console.print(Text(title, style="bold"), table)


def _list(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    points = Table.grid(padding=(0, 1))
    for line in lines:
        points.add_row("  -", Text(line))
    console.print(Text(title, style="bold"), points)
