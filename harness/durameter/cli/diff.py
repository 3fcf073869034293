"""`durameter diff`: what one result has more than another."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

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
from durameter.gates.comparable import ALLOWABLE
from durameter.results.answers import parse_answers

__all__ = ["diff"]


class _Allow(StrEnum):
    OPTIONS = "options"
    VARIANT = "variant"
    TASKS = "tasks"


def diff(
    base: Annotated[Path, typer.Argument(help="The result before, as `durameter run` names it.", metavar="BASE")],
    head: Annotated[Path, typer.Argument(help="The result after.", metavar="HEAD")],
    engine: Annotated[
        list[str] | None,
        typer.Option("--engine", "-e", help="Only this engine; repeatable.", show_default="all of both"),
    ] = None,
    allow: Annotated[
        list[_Allow] | None,
        typer.Option(
            "--allow",
            help="This differs on purpose and is what is compared: options or variant; tasks compares those that both "
            "have, or the means of different ones. Again for more.",
        ),
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
    """Compare two results: units per task and a month by kind and cause, dollars a month, and how sure that is.

    Refused with status 2 when the two cannot be compared (another workload, other tasks, options, rules, sources), and
    with 4 when a count cannot be trusted; Markdown and JSON then say so too. A difference alone is no failure.

    [bold]Examples[/bold]

    durameter diff BASE HEAD --volume 1M/month

    durameter diff BASE HEAD --markdown > comment.md

    durameter diff BASE HEAD --allow options
    """
    # heavy, and only this command needs it
    from durameter.gates.diff import Refused
    from durameter.report.diff import diff_document, refusal

    one_format(as_json, as_markdown)
    settings = load_config(config)
    answers = parse_answers(answer or [])
    before, after = (read_result(each, answers=answers) for each in (base, head))
    names = {each.value for each in allow or ()}
    found = before.diff(
        after,
        engines=engine or (),
        allow=[each for each in ALLOWABLE if each in names],
        volume=volume,
        prices=prices,
        books=book or (),
        on=day_of(on),
        config=settings,
    )
    if as_json:
        print(found.model_dump_json(indent=2))
    elif as_markdown or not isinstance(found, Refused):
        show_document(diff_document(found), as_markdown=as_markdown)
    if isinstance(found, Refused):
        console = Console(stderr=True)
        if as_json or as_markdown:
            console.print(refusal(found), soft_wrap=True, markup=False, highlight=False)
        else:
            show_document(diff_document(found), console)
        raise typer.Exit(4 if found.untrusted else 2)
