"""A document's blocks as HTML elements."""

from collections.abc import Iterable
from typing import Final

from markupsafe import Markup

from durameter.report.document import (
    Block,
    Bullets,
    Cell,
    Column,
    Note,
    NoteKind,
    Paragraph,
    Plot,
    Section,
    Side,
    Table,
    Verdict,
    shown,
)

__all__ = ["html"]

_MOST_LINES, _MOST_ROWS, _MOST_CHARACTERS = 25, 40, 600
_SERIES = 4
"""Colours of engines; more engines begin again."""
_KINDS: Final[dict[NoteKind, str]] = {"info": "note", "error": "bad"}


def html(blocks: Iterable[Block]) -> Markup:
    """Elements for the body of a page; every text in them is escaped.

    Long lines and lists are cut with a sentence that says so: whole they are in the result folder.

    Args:
        blocks: of a document.
    """
    return _lines(_block(block) for block in shown(blocks, "page"))


def _lines(parts: Iterable[Markup]) -> Markup:
    return Markup("\n").join(parts)


def _block(block: Block) -> Markup:
    match block:
        case Paragraph() | Verdict() | Note():
            return _element("p", block.text, _class(block))
        case Bullets():
            return _bullets(block)
        case Table():
            return _table(block)
        case Plot():
            figure = Markup("<figure>\n{}\n<figcaption>{}</figcaption>\n</figure>")
            return figure.format(block.picture, block.caption)
        case Side():
            beside = _lines(_beside(each) for each in shown(block.blocks, "page"))
            return Markup('<div class="pair">\n{}\n</div>').format(beside)
        case Section():
            return _section(block)
        case _:
            raise TypeError(f"{type(block).__name__} has no form in HTML")


def _class(block: Paragraph | Verdict | Note) -> str:
    match block:
        case Note():
            return _KINDS.get(block.kind, "")
        case Verdict():
            return block.tone
        case _:
            return "strong" if block.strong else ""


def _element(tag: str, text: str, classes: str = "", attributes: str = "") -> Markup:
    """One element: tag, classes and attributes are ours, the text is anybody's."""
    named = f' class="{classes}"' if classes else ""
    element = Markup(f"<{tag}{attributes}{named}>{{}}</{tag}>")  # noqa: S704 - nothing in it is anybody's but the text
    return element.format(text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} …")


def _beside(block: Block) -> Markup:
    """A section that stands beside another block holds together."""
    inner = _block(block)
    return Markup("<div>\n{}\n</div>").format(inner) if isinstance(block, Section) else inner


def _section(section: Section) -> Markup:
    inner = [_block(block) for block in shown(section.blocks, "page")]
    if section.folded:
        opening = Markup("<details open>") if section.folded == "open" else Markup("<details>")
        return _lines([opening, _element("summary", section.heading), *inner, Markup("</details>")])
    if "page" not in section.headed:
        return _lines(inner)
    anchor = f' id="{section.anchor}"' if section.anchor else ""
    return _lines([_element(f"h{section.level}", section.heading, _series(section.series), anchor), *inner])


def _bullets(bullets: Bullets) -> Markup:
    lines = [_element("li", line) for line in bullets.lines[:_MOST_LINES]]
    if len(bullets.lines) > _MOST_LINES:
        lines.append(_element("li", _more(len(bullets.lines) - _MOST_LINES), "note"))
    return _lines([Markup("<ul>"), *lines, Markup("</ul>")])


def _table(table: Table) -> Markup:
    places = [place for place, column in enumerate(table.columns) if "page" in column.forms]
    rows = []
    for number, row in enumerate(table.rows[:_MOST_ROWS]):
        cells = [_cell(row[place], place, table) for place in places]
        strong = Markup(' class="strong"') if number in table.emphasis else ""
        rows.append(Markup("<tr{}>{}</tr>").format(strong, Markup("").join(cells)))
    whole = Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{}">\n<table{}>\n'
        "<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>\n</div>"
    ).format(
        table.caption,
        Markup(' class="figures"') if table.labels else "",
        Markup("").join(_head(place, table) for place in places),
        _lines(rows),
    )
    if len(table.rows) <= _MOST_ROWS:
        return whole
    return _lines([whole, _element("p", _more(len(table.rows) - _MOST_ROWS), "note")])


def _head(place: int, table: Table) -> Markup:
    column = table.columns[place]
    if table.labels and not place:
        return Markup("<td></td>")
    return _element("th", column.head, _series(column.series) or _column(column), ' scope="col"')


def _cell(cell: str | Cell, place: int, table: Table) -> Markup:
    text = cell if isinstance(cell, str) else cell.text if isinstance(cell.text, str) else "\n".join(cell.text)
    if table.labels:  # the style of such a table says how its figures stand
        return _element("td", text) if place else _element("th", text, attributes=' scope="row"')
    column = table.columns[place]
    return _element("td", text, _column(column) or ("whole" if column.fit == "whole" else ""))


def _column(column: Column) -> str:
    return "number" if column.figures else "wide" if column.fit == "long" else ""


def _series(number: int | None) -> str:
    return "" if number is None else f"engine engine-{number % _SERIES + 1}"


def _more(number: int) -> str:
    return f"and {number} more in the result folder"
