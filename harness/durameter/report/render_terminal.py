"""A document on the terminal."""

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from durameter.report.document import (
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Note,
    NoteKind,
    Paragraph,
    Row,
    Section,
    Side,
    Table,
    Tone,
    Verdict,
    shown,
)

__all__ = ["show"]

_STRONG, _FAINT = "bold", "dim"
_TONES: dict[Tone, str] = {"plain": "", "strong": _STRONG, "good": "green", "doubtful": "yellow", "bad": "bold red"}
_KINDS: dict[NoteKind, str] = {"info": _FAINT, "error": _TONES["bad"]}


def show(document: Document, console: Console) -> None:
    """Print a document.

    Args:
        document: any.
        console: where to; its width is the page's.
    """
    _blocks(document.blocks, console)


def _blocks(blocks: Iterable[Block], console: Console) -> None:
    for block in shown(blocks, "terminal"):
        _block(block, console)


def _block(block: Block, console: Console) -> None:
    match block:
        case Verdict():
            _verdict(block, console)
        case Paragraph():
            text = " " * block.indent + block.text
            console.print(Text(text, style=_STRONG if block.strong else ""))
        case Note():
            console.print(Text(block.text, style=_KINDS.get(block.kind, "")))
        case Bullets():
            _bullets(block, console)
        case Table():
            _table(block, console)
        case Side():
            _blocks(block.blocks, console)
        case Section():
            if "terminal" in block.headed:
                console.print(Text(block.heading, style=_STRONG))
            _blocks(block.blocks, console)


def _verdict(verdict: Verdict, console: Console) -> None:
    text = Text(verdict.text, style=_TONES[verdict.tone])
    if verdict.subject:
        console.print()
        console.print(Panel(text, title=Text(verdict.subject), title_align="left", box=box.ROUNDED))
    else:
        console.print(text, soft_wrap=True)


def _bullets(bullets: Bullets, console: Console) -> None:
    style = _KINDS.get(bullets.kind, "")
    if bullets.title:
        console.print(Text(bullets.title, style=_STRONG))
    if bullets.bare:
        for line in bullets.lines:
            console.print(Text(" " * bullets.indent + line, style=style), soft_wrap=True)
        return
    points = Grid.grid(padding=(0, 1))
    for line in bullets.lines:
        points.add_row("  -", Text(line, style=style))
    if bullets.lines:
        console.print(points)


def _table(table: Table, console: Console) -> None:
    places = [place for place, column in enumerate(table.columns) if _has_room(column, place, table)]
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=table.ruled)
    for column in (table.columns[place] for place in places):
        grid.add_column(
            Text(column.head),
            justify="right" if column.figures else "left",
            overflow="fold",
            no_wrap=column.fit == "whole",
            min_width=column.width or None,
        )
    for number, row in enumerate(table.rows[: table.most]):
        style = _STRONG if number in table.emphasis else None
        grid.add_row(*(_cell(row[place]) for place in places), style=style)
    console.print(grid)
    if table.most is not None and len(table.rows) > table.most:
        console.print(Text(f"and {len(table.rows) - table.most} {table.more}", style=_FAINT))


def _has_room(column: Column, place: int, table: Table) -> bool:
    if "terminal" not in column.forms:
        return False
    return not column.optional or any(_words(row, place) for row in table.rows)


def _words(row: Row, place: int) -> str:
    return _cell(row[place]).plain


def _cell(cell: str | Cell) -> Text:
    if isinstance(cell, str):
        return Text(cell)
    text = cell.text if isinstance(cell.text, str) else "\n".join(cell.text)
    return Text(text, style=_TONES[cell.tone])
