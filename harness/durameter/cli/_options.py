"""Options that several commands share."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from durameter.config import Config, load_config
from durameter.cost.prices import load_books
from durameter.errors import UsageError
from durameter.requests import with_answers
from durameter.results.answers import parse_answers
from durameter.times import parse_volume

__all__ = [
    "Answered",
    "AsHtml",
    "AsJson",
    "AsMarkdown",
    "Books",
    "ConfigFile",
    "OnDay",
    "Prices",
    "Volume",
    "counting_settings",
    "day_of",
    "one_format",
]

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Configuration file.", show_default="durameter.toml, if it is there")
]
Volume = Annotated[
    str | None,
    typer.Option("--volume", help="Tasks per month for the bill: 1M/month, 250k, 5000/day.", show_default="100k/month"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print the report as Markdown.")]
AsHtml = Annotated[
    Path | None,
    typer.Option("--html", help="Also write it as one self-contained page, with plots, to this file.", metavar="FILE"),
]
Prices = Annotated[
    Path | None, typer.Option("--prices", help="A price file or folder of your own.", show_default="as configured")
]
Books = Annotated[
    list[str] | None,
    typer.Option(
        "--book",
        help="Price with this book, such as ENGINE-2025; again for another engine. `durameter prices` lists them.",
        metavar="ID",
        show_default="in force on the day of the measurement",
    ),
]
OnDay = Annotated[
    datetime | None,
    typer.Option("--on", help="Price with the books in force on this day.", formats=["%Y-%m-%d"], metavar="DATE"),
]
Answered = Annotated[
    list[str] | None,
    typer.Option(
        "--answer",
        help="ENGINE.QUESTION=billed or =free: answer an open question of the billing rules; repeatable. "
        "`durameter rules` prints them.",
    ),
]


def one_format(as_json: bool, as_markdown: bool) -> None:
    """Check that at most one format is asked for.

    Raises:
        UsageError: both are.
    """
    if as_json and as_markdown:
        raise UsageError("--json and --markdown exclude each other.")


# The settings of a command that counts and reports. What is wrong with the call is said before anything is counted.


def counting_settings(
    config: Path | None,
    *,
    answers: list[str] | None,
    volume: str | None,
    as_json: bool,
    as_markdown: bool,
    html: Path | None,
) -> Config:
    """Read the configuration, with the answers of the command line, and see that a report can be made in the end.

    Args:
        config: its file, or None for the usual one.
        answers: `ENGINE.QUESTION=ANSWER`, each known to its engine's rulebook.
        volume: tasks a month; None for the configured one.
        as_json: whether the report is to be JSON.
        as_markdown: whether it is to be Markdown.
        html: where a page is to be written.

    Raises:
        UsageError: the configuration, an answer, the volume, a price file, the formats or the page's place are wrong.
    """
    settings = load_config(config)
    settings = with_answers(settings, parse_answers(answers or []))
    parse_volume(volume or settings.run.volume)
    load_books(settings.prices)
    one_format(as_json, as_markdown)
    if html is not None:
        from durameter.report.render_html import check_writable  # heavy, and only a page needs it

        check_writable(html)
    return settings


def day_of(on: datetime | None) -> date | None:
    """The day of `--on`."""
    return None if on is None else on.date()
