"""`durameter project`: a result at your volume and mix, as a month's bill."""

from pathlib import Path
from typing import Annotated

import typer

from durameter.api import read_result
from durameter.cli._document import show_document
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
    one_format,
)
from durameter.cli._show import say_page
from durameter.config import load_config
from durameter.results.answers import parse_answers

__all__ = ["project"]

Mix = Annotated[
    str,
    typer.Option(
        "--mix",
        help="The month's tasks: `measured`, `cases`, `repeat`, or a CSV file with a column per covariate (`turns` for "
        "model calls) and optionally `weight`.",
        metavar="NAME|FILE",
    ),
]
Growth = Annotated[
    str | None,
    typer.Option(
        "--growth", help="Of the volume: 5%/month, or 3%..8%/month when it is not known.", show_default="none"
    ),
]
Months = Annotated[
    int | None, typer.Option("--months", help="How many months.", show_default="12 with --growth, else 1")
]
Scenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        help="Put a measured scenario in: NAME, or NAME=1% of the month's tasks; repeatable.",
        metavar="NAME[=SHARE]",
    ),
]
Plans = Annotated[
    list[str] | None,
    typer.Option("--plan", help="Only this plan: business, or ENGINE.business; repeatable.", metavar="ID"),
]
Against = Annotated[
    list[Path] | None,
    typer.Option("--against", help="Another result of the same tasks, to compare with; repeatable.", metavar="RESULT"),
]
Day = Annotated[
    str,
    typer.Option("--day-shape", help="Of the tasks over the day: flat, office, or a CSV file of 24 or more weights."),
]
Retention = Annotated[str, typer.Option("--retention-days", help="For which closed workflows are kept, 1 to 90.")]
Open = Annotated[
    str | None,
    typer.Option("--open-hours", help="For how long a task is open in production.", show_default="as measured"),
]
AtWork = Annotated[
    str | None,
    typer.Option(
        "--step-seconds",
        help="For how long a task has steps at work in production, where the model is slower than the measured one.",
        show_default="as measured",
    ),
]
Drawn = Annotated[int, typer.Option("--draws", help="Of the Monte Carlo simulation.")]
Seeded = Annotated[int, typer.Option("--seed", help="The same seed gives the same figures.")]


def project(
    result: Annotated[Path, typer.Argument(help="A result folder, as `durameter run` names it.", metavar="RESULT")],
    volume: Volume = None,
    mix: Mix = "measured",
    growth: Growth = None,
    months: Months = None,
    scenario: Scenarios = None,
    plan: Plans = None,
    prices: Prices = None,
    book: Books = None,
    on: OnDay = None,
    against: Against = None,
    day_shape: Day = "flat",
    retention_days: Retention = "30",
    open_hours: Open = None,
    step_seconds: AtWork = None,
    answer: Answered = None,
    draws: Drawn = 10_000,
    seed: Seeded = 0,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
    html: AsHtml = None,
    config: ConfigFile = None,
) -> None:
    """Project a measurement to a month: units and dollars per engine and plan, how sure, and what drives them.

    Nothing is run. The exit status is 0 also where counts are not proved: the first line then says so.

    [bold]Examples[/bold]

    durameter project RESULT --volume 1M/month

    durameter project RESULT --volume 50k --mix turns.csv --growth 5%/month --months 12

    durameter project RESULT --volume 1M --on 2025-06-01 --plan business

    durameter project RESULT --against OTHER_RESULT --markdown > projection.md

    durameter project RESULT --volume 1M --html month.html
    """
    # Heavy, and only this command needs it.
    from durameter.report.projection import projection_document
    from durameter.report.render_html import check_writable

    one_format(as_json, as_markdown)
    settings = load_config(config)
    answers = parse_answers(answer or [])
    if html is not None:
        check_writable(html)
    measured = read_result(result, answers=answers)
    found = measured.project(
        volume,
        mix=mix,
        growth=growth,
        months=months,
        scenarios=scenario or (),
        plans=plan or (),
        against=[read_result(each, answers=answers) for each in against or ()],
        day_shape=day_shape,
        retention_days=retention_days,
        open_hours=open_hours,
        step_seconds=step_seconds,
        draws=draws,
        seed=seed,
        prices=prices,
        books=book or (),
        on=day_of(on),
        config=settings,
    )
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        show_document(projection_document(found), as_markdown=as_markdown)
    if html is not None:
        measured.write_page(
            html, volume, projection=found, prices=prices, books=book or (), on=day_of(on), config=settings
        )
        say_page(html)
