"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Answered", "AsJson", "AsMarkdown", "ConfigFile", "Volume"]

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
