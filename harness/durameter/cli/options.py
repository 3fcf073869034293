"""Options that several commands share."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from durameter.errors import UsageError

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
        help="Price with this book, such as temporal-2025; again for another engine. `durameter prices` lists them.",
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
        help="ENGINE.QUESTION=billed or =free: answer an open question of the billing rules; again for more. "
        "`durameter rules` prints them.",
    ),
]


def one_format(as_json: bool, as_markdown: bool) -> None:
    """See that at most one format is asked for.

    Raises:
        UsageError: both are.
    """
    if as_json and as_markdown:
        raise UsageError("--json and --markdown exclude each other.")
