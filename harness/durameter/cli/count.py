"""`durameter count`: units of what has run already, from its records."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from durameter.cli._options import (
    Answered,
    AsHtml,
    AsJson,
    AsMarkdown,
    ConfigFile,
    Volume,
    counting_settings,
)
from durameter.cli._process import exit_code, until_stopped
from durameter.cli._progress import file_progress
from durameter.cli._show import show
from durameter.config import Config
from durameter.engines.inngest.count_runs import count_inngest, window_of
from durameter.engines.temporal.count_histories import count_files
from durameter.engines.temporal.history_paths import files_of
from durameter.errors import UsageError
from durameter.results.estimates import parse_rates
from durameter.results.folder import Result, new_folder
from durameter.results.writer import WORKLOAD, see_new

__all__ = ["count"]


def count(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files of Temporal histories, or folders that hold them: JSON, protobuf, Cloud exports, gzip, zstd.",
            metavar="PATH",
        ),
    ] = None,
    inngest: Annotated[
        str | None,
        typer.Option("--inngest", help="Count runs of this Inngest server instead of files.", metavar="URL"),
    ] = None,
    function: Annotated[
        list[str] | None,
        typer.Option(
            "--function",
            help="With --inngest: tasks that begin with this function; again for more.",
            metavar="SLUG",
            show_default="all",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="With --inngest: runs queued from this time on: 2h, or 2026-11-01.",
            metavar="TIME",
            show_default="24 hours ago",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", help="With --inngest: runs queued before this time.", metavar="TIME", show_default="now"
        ),
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            "--rate",
            help="KIND=N/task, /run or /activity: estimate what no record shows, apart from the count; again for more.",
        ),
    ] = None,
    volume: Volume = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of this result; must be new.", show_default="durameter-results/TIME-records"),
    ] = None,
    answer: Answered = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
    html: AsHtml = None,
    config: ConfigFile = None,
) -> None:
    """Count what has run already: Temporal histories in files, or runs on an Inngest server.

    Runs are joined into tasks by their roots. What is no history is shown and makes the exit status 4; the other files
    are counted all the same. What records cannot show is named, and is in no count.

    [bold]Examples[/bold]

    durameter count history.json

    durameter count exports/ --volume 1M/month

    durameter count exports/ --rate query_workflow=2/task --rate record_activity_heartbeat=0.5/activity

    durameter count --inngest http://127.0.0.1:8288 --function app-agent --since 2026-11-01 --until 2026-12-01
    """
    settings = counting_settings(
        config, answers=answer, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html
    )
    if out is not None:
        see_new(out)

    def make_folder() -> Path:
        return out or new_folder(settings.run.results, WORKLOAD)

    if inngest is None:
        if function or since or until:
            raise UsageError(
                "--function, --since and --until choose runs of an Inngest server: name it by --inngest URL."
            )
        result = _files(paths or [], rate or [], make_folder, settings)
    elif paths:
        raise UsageError(
            "Files and --inngest are two counts: Temporal's histories lie in files, Inngest's runs on their server. "
            "Count one after the other."
        )
    else:
        window = window_of(since, until, now=datetime.now(UTC))
        rates = parse_rates(rate or [], "inngest")
        console = Console(stderr=True)
        work = count_inngest(
            inngest, function or [], window, make_folder, settings, rates=rates, note=lambda line: _say(console, line)
        )
        result = until_stopped(work, stopped="Stopped. Nothing was kept: count again.")
    show(result, settings, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html)
    raise typer.Exit(exit_code(result.measurement))


def _files(paths: list[Path], rate: list[str], make_folder: Callable[[], Path], settings: Config) -> Result:
    if not paths:
        raise UsageError(
            "Name files of Temporal histories, or folders that hold them; or an Inngest server by --inngest URL. "
            "`temporal workflow show --workflow-id ID --output json > ID.json` writes a history."
        )
    rates = parse_rates(rate, "temporal")
    files = files_of(paths)
    with file_progress(Console(stderr=True), len(files.paths)) as told:
        return count_files(files, make_folder, settings, rates=rates, named=paths, told=told)


def _say(console: Console, line: str) -> None:
    console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
