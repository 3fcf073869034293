"""The document model: what every renderer makes of every block, and what a hostile name does in it."""

import re

import pytest
from rich.console import Console

from durameter.report.document import (
    MARKDOWN,
    TERMINAL,
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Note,
    Paragraph,
    Plot,
    Section,
    Side,
    Table,
    Verdict,
    only,
    shown,
)
from durameter.report.page.blocks import html
from durameter.report.render_markdown import markdown
from durameter.report.render_terminal import show

HOSTILE = ["a|b", "two\nlines", "<img src=x onerror=alert(1)>", "</details>", "| --- |\n| x |", "[red]x[/red]"]


def every_block(name: str) -> tuple[Block, ...]:
    """One of each, with a name that somebody chose wherever there is text."""
    columns = (Column(name, fit="long"), Column("code", code=True), Column("figures", figures=True))
    rows = ((name, name, Cell((name, "more"))), (Cell(name, "strong"), Cell(name), ""))
    table = Table(columns, rows, caption=name, emphasis=frozenset({0}))
    return (
        Verdict(name, "bad", name, more=name),
        Paragraph(name, strong=True),
        Note("error", name),
        Bullets((name, name), title=name),
        Bullets((name,), bare=True),
        Section(name, (table, Side((table, Section(name, (Paragraph(name),), level=3))))),
        Section(name, (Paragraph(name),), folded="open"),
        Plot("<svg></svg>", name),
    )


def terminal(*blocks: Block) -> str:
    console = Console(width=60, color_system=None)
    with console.capture() as capture:
        show(Document(blocks), console)
    return capture.get()


def test_every_kind_of_block_is_tried_here() -> None:
    tried = {type(block) for block in every_block("name")} | {Table, Side}
    assert tried == set(Block.__subclasses__())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_breaks_no_markdown(name: str) -> None:
    before, after = (markdown(Document(every_block(each), each)).splitlines() for each in ("name", name))
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        assert one.startswith("|") == other.startswith("|")
        assert one.count("|") == other.count("|") - other.count("\\|")
    outside_code = re.sub(r"`[^`]*`", "", "\n".join(after))
    assert "<img" not in outside_code
    assert outside_code.count("</details>") == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_text_on_the_page(name: str) -> None:
    def tags(text: str) -> list[str]:
        return re.findall(r"</?\w+", text)

    assert tags(html(every_block(name)[:-1])) == tags(html(every_block("name")[:-1]))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_shown_as_it_is_on_the_terminal(name: str) -> None:
    assert " ".join(name.split()) in " ".join(terminal(Bullets((name,), bare=True)).split())


def test_a_block_is_shown_where_it_belongs() -> None:
    blocks = (Paragraph("here", forms=TERMINAL), Section("empty", (Paragraph("there", forms=MARKDOWN),)))
    assert shown(blocks, "terminal") == [blocks[0]]
    assert shown(blocks, "markdown") == [blocks[1]]
    assert terminal(*blocks) == "here\n"
    assert markdown(Document(blocks)) == "## empty\n\nthere\n"
    assert shown(only(TERMINAL, blocks), "markdown") == []


def test_a_column_without_words_gives_its_room_to_the_others_on_the_terminal() -> None:
    columns = (Column("name"), Column("rarely", optional=True))
    assert "rarely" not in terminal(Table(columns, (("one", ""),)))
    assert "rarely" in terminal(Table(columns, (("one", "x"),)))
    assert "| name | rarely |" in markdown(Document((Table(columns, (("one", ""),)),)))


def test_rows_beyond_the_most_are_counted_on_the_terminal_alone() -> None:
    table = Table((Column("name"),), tuple((f"row {n}",) for n in range(5)), most=2, more="more in the ledger")
    assert "and 3 more in the ledger" in terminal(table)
    assert "row 2" not in terminal(table)
    assert "row 4" in markdown(Document((table,)))


def test_long_lists_and_lines_are_cut_on_the_page_and_that_is_said() -> None:
    text = html([Bullets(tuple(f"line {n}" for n in range(30))), Paragraph("x" * 700)])
    assert "and 5 more in the result folder" in text
    assert f"{'x' * 600} …" in text
    assert "x" * 601 not in text
