"""`durameter count`: units of what has run already, from its records."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

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
from durameter.engines.counting import CountRequest
from durameter.engines.plugin import EnginePlugin
from durameter.errors import UsageError
from durameter.registry import engine_packages, engines, load_engine
from durameter.results.estimates import parse_rates
from durameter.results.folder import Result, new_folder
from durameter.results.writer import WORKLOAD, check_new

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
            help="Of a server: tasks that begin with this function; again for more.",
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
    if out is not None:
        check_new(out)

    def make_folder() -> Path:
        return out or new_folder(settings.run.results, WORKLOAD)

    asked = {name: url for name, url in servers.items() if url is not None}
    options = " or ".join(f"--{name} URL" for name in servers)
    if not asked:
        if function or since or until:
            raise UsageError(f"--function, --since and --until choose runs of a server: name it by {options}.")
        result = _files(paths or [], rate or [], make_folder, settings, engine, options)
    elif paths or engine or len(asked) > 1:
        raise UsageError(
            f"Files and {options.removesuffix(' URL')} are two counts: files hold histories, a server has runs of its "
            "own. Count one after the other."
        )
    else:
        [(name, url)] = asked.items()
        plugin = load_engine(name)
        counting = plugin.counting()
        assert counting is not None  # noqa: S101 - else there were no such option
        request = CountRequest(
            make_folder,
            settings,
            rates=parse_rates(rate or [], plugin.recorded()),
            server=url,
            functions=tuple(function or ()),
            since=since,
            until=until,
            packages=tuple(engine_packages()),
        )
        console = Console(stderr=True)
        work = counting.count_server(request, lambda line: _say(console, line))
        result = until_stopped(work, stopped="Stopped. Nothing was kept: count again.")
    show(result, settings, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html)
    raise typer.Exit(exit_code(result.measurement))


def _files(
    paths: list[Path],
    rate: list[str],
    make_folder: Callable[[], Path],
    settings: Config,
    engine: str | None,
    servers: str,
) -> Result:
    plugin = _engine_of(paths, engine)
    if not paths:
        raise UsageError(f"Name files of histories, or folders that hold them; or a server by {servers}.")
    counting = plugin.counting()
    if counting is None or not plugin.counts_files:
        raise UsageError(f"Records of {plugin.title} are not counted from files: name a server by {servers}.")
    request = CountRequest(
        make_folder,
        settings,
        rates=parse_rates(rate, plugin.recorded()),
        paths=tuple(paths),
        packages=tuple(engine_packages()),
    )
    with file_progress(Console(stderr=True)) as told:
        return counting.count_files(request, told)


def _engine_of(paths: list[Path], engine: str | None) -> EnginePlugin:
    """The engine that was named, or that claims the files, or the first that reads files."""
    if engine is not None:
        return load_engine(engine)
    readers = [(each, counting) for each in engines() if each.counts_files and (counting := each.counting())]
    if not readers:
        raise UsageError("No installed engine counts files.")
    return next((each for each, counting in readers if paths and counting.claims(paths)), readers[0][0])


def _say(console: Console, line: str) -> None:
    console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)
