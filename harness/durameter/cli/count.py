"""`durameter count`: units of what has run already, from its records."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from durameter.cli._options import Answered, AsHtml, AsJson, AsMarkdown, ConfigFile, Volume, counting_settings
from durameter.cli._process import exit_code, until_stopped
from durameter.cli._progress import file_progress
from durameter.cli._show import show
from durameter.registry import engines
from durameter.requests import ready_count

__all__ = ["count"]


def _with_servers(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option, behind the files, for the server of each engine that counts on one."""
    asked = [each for each in engines() if each.counts_servers]

    @wraps(command)
    def wrapped(**given: Any) -> None:
        command(servers={each.name: given.pop(each.name) for each in asked}, **given)

    own = inspect.signature(command)
    first, *rest = (each for name, each in own.parameters.items() if name != "servers")
    options = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None,
            annotation=Annotated[
                str | None,
                typer.Option(
                    f"--{each.name}", help=f"Count runs of this {each.title} server instead of files.", metavar="URL"
                ),
            ],
        )
        for each in asked
    ]
    # typer reads a command's options from its signature and its annotations.
    wrapped.__signature__ = own.replace(parameters=[first, *options, *rest])  # type: ignore[attr-defined]  # as inspect documents it
    wrapped.__annotations__ = {each.name: each.annotation for each in (first, *options, *rest)}
    return wrapped


@_with_servers
def count(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files of histories, or folders that hold them: JSON, protobuf, Cloud exports, gzip, zstd.",
            metavar="PATH",
        ),
    ] = None,
    function: Annotated[
        list[str] | None,
        typer.Option(
            "--function",
            help="Of a server: tasks that begin with this function; repeatable.",
            metavar="SLUG",
            show_default="all",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="Of a server: runs queued from this time on: 2h, or 2026-11-01.",
            metavar="TIME",
            show_default="24 hours ago",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", help="Of a server: runs queued before this time.", metavar="TIME", show_default="now"),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            help="Whose records the files are.",
            show_default="by their names, or the first that reads files",
        ),
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            "--rate",
            help="KIND=N/task, /run or /activity: estimate what no record shows, apart from the count; repeatable.",
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
    servers: Mapping[str, str | None] = {},
) -> None:
    """Count what has run already: histories in files, or runs on a server.

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
    counting, request = ready_count(
        paths or (),
        settings,
        engine=engine,
        servers={name: url for name, url in servers.items() if url is not None},
        functions=function or (),
        since=since,
        until=until,
        rates=rate or (),
        out=out,
    )
    console = Console(stderr=True)
    if request.server:
        work = counting.count_server(request, lambda line: _say(console, line))
        result = until_stopped(work, stopped="Stopped. Nothing was kept: count again.")
    else:
        with file_progress(console) as told:
            result = counting.count_files(request, told)
    show(result, settings, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html)
    raise typer.Exit(exit_code(result.measurement))


def _say(console: Console, line: str) -> None:
    console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
