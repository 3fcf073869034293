"""`durameter check`: a result against the budgets of the configuration."""

from pathlib import Path
from typing import Annotated

import typer

from durameter.api import read_result
from durameter.cli._document import show_document
from durameter.cli._options import (
    Answered,
    AsJson,
    AsMarkdown,
    Books,
    ConfigFile,
    OnDay,
    Prices,
    Volume,
    day_of,
    one_format,
)
from durameter.config import load_config
from durameter.results.answers import parse_answers

__all__ = ["check"]


def check(
    result: Annotated[Path, typer.Argument(help="A result folder, as `durameter run` names it.", metavar="RESULT")],
    budget: Annotated[
        list[str] | None,
        typer.Option("--budget", help="Check this one; repeatable.", show_default="all of this workload"),
    ] = None,
    volume: Volume = None,
    prices: Prices = None,
    book: Books = None,
    on: OnDay = None,
    answer: Answered = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
    config: ConfigFile = None,
) -> None:
    """Check a result against the budgets in durameter.toml: units per task, of a kind, or dollars per month.

    The exit status is 99 when a budget is broken, and 4 when that cannot be said: an engine is missing, a task was not
    counted or did not complete, two sources differ, there is no price. Without a budget that applies it is 2.

    [bold]Examples[/bold]

    durameter check RESULT

    durameter check RESULT --budget agent --markdown > comment.md
    """
    from durameter.report.check import check_document  # heavy, and only this command needs it

    one_format(as_json, as_markdown)
    settings = load_config(config)
    found = read_result(result, answers=parse_answers(answer or []))
    checked = found.check(budget, volume=volume, prices=prices, books=book or (), on=day_of(on), config=settings)
    if as_json:
        print(checked.model_dump_json(indent=2))
    else:
        show_document(check_document(checked), as_markdown=as_markdown)
    raise typer.Exit(checked.exit_code)
