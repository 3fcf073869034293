"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from durameter.errors import UsageError

__all__ = ["Answered", "AsJson", "AsMarkdown", "ConfigFile", "Volume", "one_format"]

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Configuration file.", show_default="durameter.toml, if it is there")
]
Volume = Annotated[
    str | None,
    typer.Option("--volume", help="Tasks per month for the bill: 1M/month, 250k, 5000/day.", show_default="100k/month"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print the report as Markdown.")]
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
