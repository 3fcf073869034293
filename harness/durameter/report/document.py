"""What is shown, before it is known where: sections, tables, notes and plots that every renderer takes.

A builder turns a result into a `Document` once; `render_terminal`, `render_markdown` and `render_html` lay it out. What
one form has and another has not is said here, by `forms`, and never in a renderer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

__all__ = [
    "BLANK",
    "EVERYWHERE",
    "MARKDOWN",
    "PAGE",
    "TERMINAL",
    "TEXT",
    "Block",
    "Bullets",
    "Cell",
    "Column",
    "Document",
    "Fit",
    "Form",
    "Note",
    "NoteKind",
    "Paragraph",
    "Plot",
    "Row",
    "Section",
    "Side",
    "Table",
    "Tone",
    "Verdict",
    "only",
    "shown",
]

Form = Literal["terminal", "markdown", "page"]
Forms = frozenset[Form]

EVERYWHERE: Final[Forms] = frozenset({"terminal", "markdown", "page"})
TERMINAL: Final[Forms] = frozenset({"terminal"})
MARKDOWN: Final[Forms] = frozenset({"markdown"})
PAGE: Final[Forms] = frozenset({"page"})
TEXT: Final[Forms] = frozenset({"terminal", "markdown"})

Tone = Literal["plain", "strong", "good", "doubtful", "bad"]
NoteKind = Literal["plain", "info", "warning", "gap", "difference", "assumption", "error"]
Fit = Literal["", "long", "whole"]
"""How a column meets a narrow screen: as any text, as long text that needs room, or never broken."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Anything in a document."""

    forms: Forms = EVERYWHERE
    """Where it is shown."""


@dataclass(frozen=True)
class Paragraph(Block):
    """Running text; backticks mark what is typed."""

    text: str
    strong: bool = False
    indent: int = 0
    """Spaces before it on the terminal."""


@dataclass(frozen=True)
class Verdict(Block):
    """The sentence that says what came of it."""

    text: str
    tone: Tone
    subject: str = ""
    """Of what; the terminal frames the sentence with it."""
    more: str = ""
    """What Markdown says after it."""


@dataclass(frozen=True)
class Note(Block):
    """One sentence that qualifies figures."""

    kind: NoteKind
    text: str


@dataclass(frozen=True)
class Bullets(Block):
    """Sentences side by side, each of which stands alone."""

    lines: tuple[str, ...]
    kind: NoteKind = "plain"
    title: str = ""
    bare: bool = False
    """On the terminal without marks, and no line broken, so that it can be searched and copied."""
    indent: int = 2
    """Of bare lines."""


@dataclass(frozen=True)
class Cell:
    """A cell that is more than plain text."""

    text: str | tuple[str, ...]
    """Several lines where it is a tuple."""
    tone: Tone = "plain"


Row = tuple[str | Cell, ...]


@dataclass(frozen=True)
class Column:
    """What holds of all cells below one head."""

    head: str
    figures: bool = False
    """Figures stand on the right."""
    code: bool = False
    """What is typed: a name, an id."""
    fit: Fit = ""
    width: int = 0
    """Characters that it has at least on the terminal."""
    optional: bool = False
    """The terminal, where width is scarce, leaves it out if every cell is empty."""
    series: int | None = None
    """Number of the engine that it is of, for the page's colours; from 0."""
    forms: Forms = EVERYWHERE


@dataclass(frozen=True)
class Table(Block):
    """Rows of the same things."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    """What it is of, for who cannot see it; the page alone has it."""
    emphasis: frozenset[int] = frozenset()
    """Numbers of the rows that the eye should meet first; the terminal and the page mark them."""
    ruled: bool = False
    """With lines between the rows, where cells have several lines."""
    labels: bool = False
    """The first column names the rows."""
    most: int | None = None
    """So many rows on the terminal; `more` says what the others are."""
    more: str = ""


@dataclass(frozen=True)
class Plot(Block):
    """A picture that the page draws, with its caption."""

    picture: str
    """An `svg` element."""
    caption: str
    forms: Forms = field(default=PAGE, kw_only=True)


@dataclass(frozen=True)
class Side(Block):
    """Blocks that stand beside each other where there is room."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section(Block):
    """Blocks under a heading."""

    heading: str
    blocks: tuple[Block, ...]
    level: int = 2
    """As in HTML."""
    headed: Forms = EVERYWHERE
    """Where the heading is shown."""
    folded: Literal["", "open", "closed"] = ""
    """Whether it folds, and how it is at first; the terminal folds nothing."""
    anchor: str = ""
    """Its address on the page."""
    series: int | None = None
    """Number of the engine that it is about, for the page's colours; from 0."""


@dataclass(frozen=True)
class Document:
    """Everything that is shown of one thing."""

    blocks: tuple[Block, ...]
    title: str = ""
    """Heads a file in Markdown and a page; whoever typed a command knows what they asked for."""
    level: int = 1
    """Of the title."""
    marker: str = ""
    """By which a program finds the comment that it wrote, to write it anew."""


BLANK: Final = Paragraph("", forms=TERMINAL)
"""An empty line on the terminal; the other forms set blocks apart by themselves."""


def shown(blocks: Iterable[Block], form: Form) -> list[Block]:
    """Blocks that a form shows; sections with nothing in them are left out.

    Args:
        blocks: of a document or a section.
        form: which asks.
    """
    return [
        block
        for block in blocks
        if form in block.forms and (not isinstance(block, Section | Side) or shown(block.blocks, form))
    ]


def only(forms: Forms, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The same blocks, in these forms alone.

    Args:
        forms: where they are shown.
        blocks: as built for all.
    """
    return tuple(replace(block, forms=block.forms & forms) for block in blocks)
