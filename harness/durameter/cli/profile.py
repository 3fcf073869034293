"""`durameter profile`: what a task costs as a function of its shape."""

from pathlib import Path
from typing import Annotated

import typer

from durameter.api import read_result
from durameter.cli._document import show_document
from durameter.cli._options import Answered, AsJson, AsMarkdown, one_format
from durameter.cli._process import exit_code
from durameter.results.answers import parse_answers

__all__ = ["profile"]


def profile(
    result: Annotated[Path, typer.Argument(help="A result folder, as `durameter run` names it.", metavar="RESULT")],
    engine: Annotated[
        list[str] | None, typer.Option("--engine", "-e", help="Only this engine; repeatable.", show_default="all")
    ] = None,
    answer: Answered = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
) -> None:
    """Show what a task costs as a function of its shape: fixed, per model call, tool call, message, ..., and per retry.

    Fitted from the ledger of a measurement, per engine and kind of unit. A line that says every task's count exactly is
    shown as exact; the rest has a standard error, clustered by task. The exit status is the measurement's.

    [bold]Examples[/bold]

    durameter profile durameter-results/2026-11-23T09-20-11-support_agent

    durameter profile RESULT --engine temporal --markdown > profile.md

    durameter profile RESULT --answer inngest.step_retries=billed --json
    """
    # Regressions and what they need are slow to import, and no other command should wait for them.
    from durameter.report.profile import profiles_document

    one_format(as_json, as_markdown)
    found = read_result(result, answers=parse_answers(answer or []))
    profiles = found.profile(engine or ())
    if as_json:
        print(profiles.model_dump_json(indent=2))
    else:
        show_document(profiles_document(profiles), as_markdown=as_markdown)
    raise typer.Exit(exit_code(found.measurement))
