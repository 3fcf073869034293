"""`durameter report`: render a result folder again, without a run."""

from pathlib import Path
from typing import Annotated

import typer

from durameter.api import read_result
from durameter.cli._options import (
    Answered,
    AsHtml,
    AsJson,
    AsMarkdown,
    Books,
    ConfigFile,
    OnDay,
    Prices,
    Volume,
    day_of,
)
from durameter.cli._process import exit_code
from durameter.cli._show import show
from durameter.config import load_config
from durameter.results.answers import parse_answers

__all__ = ["report"]


def report(
    result: Annotated[Path, typer.Argument(help="A result folder, as `durameter run` names it.", metavar="RESULT")],
    volume: Volume = None,
    prices: Prices = None,
    book: Books = None,
    on: OnDay = None,
    answer: Answered = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
    html: AsHtml = None,
    config: ConfigFile = None,
) -> None:
    """Show a measurement again, also one that was killed: what it had counted is there, marked incomplete.

    The exit status is the measurement's.

    [bold]Examples[/bold]

    durameter report durameter-results/2026-11-23T09-20-11-support_agent

    durameter report RESULT --volume 1M/month --markdown > report.md

    durameter report RESULT --html report.html

    durameter report RESULT --book temporal-2025

    durameter report RESULT --answer temporal.patches=billed
    """
    found = read_result(result, answers=parse_answers(answer or []))
    settings = load_config(config)
    show(
        found,
        settings,
        volume=volume,
        as_json=as_json,
        as_markdown=as_markdown,
        html=html,
        prices=prices,
        books=book,
        on=day_of(on),
    )
    raise typer.Exit(exit_code(found.measurement))
