"""`durameter prices`: show price books, and look through them."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from durameter.cli._document import show_document
from durameter.cli._options import ConfigFile, one_format
from durameter.config import load_config
from durameter.cost.prices import PriceBook, book, book_by_id, load_books
from durameter.cost.prices.check import Finding, check_books
from durameter.errors import UsageError
from durameter.report.prices import books_document, findings_document, list_document

__all__ = ["prices"]


def prices(
    engine: Annotated[str | None, typer.Argument(help="An engine.", show_default="all")] = None,
    book_id: Annotated[
        str, typer.Option("--book", metavar="ID", help="One book, as `durameter prices` names it.", show_default=False)
    ] = "",
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="The book in force on that day.", show_default="today (UTC)"),
    ] = None,
    own: Annotated[
        Path | None,
        typer.Option(
            "--prices",
            help="A price file of your own, or a folder of them.",
            show_default="`prices` in the configuration",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Look through the books: age, dates, sources, what has no price.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print as Markdown.")] = False,
    config: ConfigFile = None,
) -> None:
    """Show the price books, or look through them.

    Without an engine, a book or a day, lists the books. A file of your own adds books, or changes single plans of one;
    docs/prices.md describes the format. A file with a gap or an overlap between bands is refused (exit status 2).

    The exit status of [bold]--check[/bold] is 1 if a book asks for something to be done, such as one in force that was
    checked more than 90 days ago; else 0. What has no price is a note, and no fault.

    [bold]Examples[/bold]

    durameter prices

    durameter prices temporal

    durameter prices inngest --on 2026-10-01 --markdown

    durameter prices --book temporal-2025

    durameter prices --check --prices my-prices.toml
    """
    one_format(as_json, as_markdown)
    books = load_books(own or load_config(config).prices)
    now = today()
    day = on.date() if on is not None else None
    selected = _selected(books, engine, book_id, day, now, check=check)
    findings = check_books(selected, books, now) if check else None
    if as_json:
        print(_json(selected, findings))
    else:
        if findings is not None:
            document = findings_document(findings, selected)
        elif selected == books:
            document = list_document(books, now)
        else:
            document = books_document(selected, books)
        show_document(document, as_markdown=as_markdown)
    if findings and any(finding.level == "warning" for finding in findings):
        raise typer.Exit(1)


def today() -> date:
    """The day in UTC: the vendors' billing months are in UTC."""
    return datetime.now(UTC).date()


def _selected(
    books: tuple[PriceBook, ...], engine: str | None, book_id: str, day: date | None, now: date, *, check: bool
) -> tuple[PriceBook, ...]:
    if book_id:
        if engine is not None or day is not None:
            raise UsageError("--book names one book: leave out the engine and --on.")
        return (book_by_id(book_id, books),)
    if engine is not None:
        if check and day is None:
            book(engine, now, books)  # says which engines there are, if it is none of them
            return tuple(each for each in books if each.engine == engine)
        return (book(engine, day or now, books),)
    if day is not None:
        return tuple(book(name, day, books) for name in sorted({each.engine for each in books}))
    return books


def _json(books: Sequence[PriceBook], findings: Sequence[Finding] | None) -> str:
    found: dict[str, object] = {"schema_version": 1}
    found["books"] = [{"id": each.id, **each.model_dump(mode="json")} for each in books]
    if findings is not None:
        found["findings"] = [finding.model_dump(mode="json") for finding in findings]
    return json.dumps(found, indent=2)
