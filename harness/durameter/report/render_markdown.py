"""A document as GitHub-flavoured Markdown."""

from collections.abc import Iterable, Iterator

from durameter.report.document import (
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Note,
    Paragraph,
    Section,
    Side,
    Table,
    Verdict,
    shown,
)

__all__ = ["markdown"]


def markdown(document: Document) -> str:
    """The text of a file or a comment.

    Names that somebody chose break no table and no list in it, and are no HTML.

    Args:
        document: any.
    """
    parts = [f"{'#' * document.level} {_text(document.title)}"] if document.title else []
    marker = f"<!-- {document.marker} -->\n" if document.marker else ""
    return marker + "\n\n".join([*parts, *_blocks(document.blocks)]) + "\n"


def _blocks(blocks: Iterable[Block]) -> Iterator[str]:
    for block in shown(blocks, "markdown"):
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Verdict():
            yield " ".join(filter(None, [_strong(block.text), _text(block.more)]))
        case Paragraph():
            yield _strong(block.text) if block.strong else _text(block.text)
        case Note():
            yield _strong(block.text) if block.kind == "error" else _text(block.text)
        case Bullets():
            if block.title:
                yield f"{_text(block.title)}:"
            if block.lines:
                yield "\n".join(f"- {_text(line)}" for line in block.lines)
        case Table():
            yield _table(block)
        case Side():
            yield from _blocks(block.blocks)
        case Section():
            yield from _section(block)


def _section(section: Section) -> Iterator[str]:
    inner = _blocks(section.blocks)
    if section.folded:
        yield f"<details{' open' if section.folded == 'open' else ''}><summary>{_text(section.heading)}</summary>"
        yield from inner
        yield "</details>"
        return
    if "markdown" in section.headed:
        yield f"{'#' * section.level} {_text(section.heading)}"
    yield from inner


def _table(table: Table) -> str:
    places = [place for place, column in enumerate(table.columns) if "markdown" in column.forms]
    columns = [table.columns[place] for place in places]
    lines = [
        "|" + "".join(f" {_text(column.head)} |" if column.head else " |" for column in columns),
        "|" + "".join("---:|" if column.figures else "---|" for column in columns),
    ]
    lines += ["|" + "".join(f" {_cell(row[place], table.columns[place])} |" for place in places) for row in table.rows]
    return "\n".join(lines)


def _cell(cell: str | Cell, column: Column) -> str:
    if isinstance(cell, str):
        return _code(cell) if column.code else _text(cell)
    lines = (cell.text,) if isinstance(cell.text, str) else cell.text
    text = "<br>".join(_code(line) if column.code else _text(line) for line in lines)
    return f"**{text}**" if cell.tone == "strong" and text else text


def _strong(text: str) -> str:
    return f"**{_text(text)}**"


def _text(text: str) -> str:
    """One line that ends no cell and begins no element."""
    return " ".join(text.splitlines()).replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    """What is typed; within backticks an element is only text."""
    return f"`{' '.join(text.splitlines())}`".replace("|", "\\|") if text else ""
