"""`durameter report`: render a result folder again, without a run."""

from pathlib import Path
from typing import Annotated

import typer

from durameter.cli.exits import exit_code
from durameter.cli.options import Answered, AsJson, AsMarkdown, ConfigFile, Volume
from durameter.cli.show import show
from durameter.config import load_config
from durameter.measure.answers import parse_answers, reread
from durameter.measure.folder import read_result

__all__ = ["report"]


def report(
    result: Annotated[Path, typer.Argument(help="A result folder, as `durameter run` names it.", metavar="RESULT")],
    volume: Volume = None,
    answer: Answered = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
    config: ConfigFile = None,
) -> None:
    """Show a measurement again, also one that was killed: what it had counted is there, marked incomplete.

    The exit status is the measurement's.

    [bold]Examples[/bold]

    durameter report durameter-results/2026-11-23T09-20-11-support_agent

    durameter report RESULT --volume 1M/month --markdown > report.md

    durameter report RESULT --answer temporal.patches=billed
    """
    found = reread(read_result(result), parse_answers(answer or []))
    show(found, load_config(config), volume=volume, as_json=as_json, as_markdown=as_markdown)
    raise typer.Exit(exit_code(found.measurement))
