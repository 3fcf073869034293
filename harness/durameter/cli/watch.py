"""`durameter watch`."""

import asyncio
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

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
from durameter.cli._progress import ProgressLines
from durameter.cli._show import show
from durameter.config import Config
from durameter.engines.discovery import WatchOptions
from durameter.engines.task_key import parse_key
from durameter.errors import UsageError
from durameter.registry import engine_names, load_engine, task_keys
from durameter.results.folder import Result, new_folder
from durameter.times import parse_moment, parse_span
from durameter.watch.run_command import check_command
from durameter.watch.watch import WatchPlan
from durameter.watch.watch import watch as watch_command

__all__ = ["watch"]

_INTERPRETERS = re.compile(r"(python[\d.]*|node|npx|npm|tsx|ts-node|go|bun|deno|uv|poetry|sh|bash|env)")


def watch(
    command: Annotated[
        list[str] | None, typer.Argument(help="The command, after two hyphens: -- python agent.py")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Engine that the program uses.", show_default="the first that is installed")
    ] = None,
    task_key: Annotated[
        str | None,
        typer.Option(
            help="KIND:VALUE, what makes one task of several root runs: id:REGEX, search-attribute:NAME, memo:KEY, or "
            "event:FIELD, as the engine has it.",
            show_default="each root run is a task",
        ),
    ] = None,
    app: Annotated[list[str] | None, typer.Option(help="URL of an app that the engine calls; again for more.")] = None,
    attach: Annotated[
        str | None, typer.Option(help="Address of a server that runs already, instead of a new one.")
    ] = None,
    seconds: Annotated[str | None, typer.Option("--for", help="End the command after so long: 60s, 5m.")] = None,
    tasks: Annotated[int | None, typer.Option(min=1, help="End the command when so many tasks have ended.")] = None,
    since: Annotated[
        str | None, typer.Option(help="With --attach: what began before is left out. 2h, or 2026-09-30T08:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="With --attach: what began later is left out.")] = None,
    query: Annotated[
        str | None, typer.Option(help="With --attach: a list query, such as \"WorkflowType = 'Order'\".")
    ] = None,
    usual_ports: Annotated[
        bool,
        typer.Option(help="Also listen on the engine's usual ports where they are free: many programs hard-code them."),
    ] = True,
    volume: Volume = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of this result; must be new.", show_default="durameter-results/TIME-PROGRAM"),
    ] = None,
    answer: Answered = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
    html: AsHtml = None,
    config: ConfigFile = None,
) -> None:
    r"""Run any program as it is, count every billable unit of what it does, and say what a month costs.

    A server is started, with a tap before it, and the command runs with the variables set by which the engine's SDKs
    find it. Ctrl-C ends the command and counts what it did; once more stops everything.

    [bold]Examples[/bold]

    durameter watch -- python run_orders.py

    durameter watch --task-key 'id:^(order-\d+)' -- sh -c 'python worker.py & python start.py'

    durameter watch --for 60s --engine inngest -- npm run dev

    durameter watch --attach 127.0.0.1:7233 --since 2h
    """
    argv = tuple(command or ())
    if engine is not None and engine not in engine_names():
        raise UsageError(f"There is no engine {engine!r} to watch. There are: {', '.join(engine_names())}.")
    plugin = load_engine(engine or engine_names()[0])
    if not argv and attach is None:
        raise UsageError(
            "Give the command after two hyphens: durameter watch -- python my_agent.py. Without one, --attach counts "
            "what a server that runs already holds."
        )
    if not argv and (seconds is not None or tasks is not None):
        raise UsageError("--for and --tasks end a command, and there is none. For a window of time: --since, --until.")
    settings = counting_settings(
        config, answers=answer, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html
    )
    now = datetime.now(UTC)
    options = WatchOptions(
        key=parse_key(task_key, task_keys(), plugin.name) if task_key else None,
        app=tuple(app or ()),
        attach=attach or "",
        command=bool(argv),
        since=parse_moment(since, "--since", now=now) if since is not None else None,
        until=parse_moment(until, "--until", now=now) if until is not None else None,
        query=query or "",
        usual_ports=usual_ports,
    )
    if argv:
        check_command(argv)
    plugin.check_watch(options, settings)
    limit = parse_span(seconds).total_seconds() if seconds is not None else None
    name = _name(argv) if argv else plugin.name
    plan = WatchPlan(
        engine=plugin.name,
        unit=plugin.unit,
        name=f"watch/{name}",
        command=argv,
        options=options,
        folder=out or new_folder(settings.run.results, f"watch-{name}"),
        seconds=limit,
        tasks=tasks,
    )
    console = Console(stderr=True)
    lines = ProgressLines(console, Progress(console=console, disable=True))  # the command writes there too
    said = f"Stopped. What was counted is there: durameter report {plan.folder}"
    result = until_stopped(_stoppable(plan, settings, lines), stopped=said)
    show(result, settings, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html)
    raise typer.Exit(exit_code(result.measurement))


async def _stoppable(plan: WatchPlan, settings: Config, lines: ProgressLines) -> Result:
    """The watch, whose command the first Ctrl-C or SIGTERM ends; everything else is ended by the next one."""
    loop, work = asyncio.get_running_loop(), asyncio.ensure_future(watch_command(plan, settings, lines))
    interrupted = False

    def ask(number: int) -> None:
        nonlocal interrupted
        if plan.stop.armed and not plan.stop.asked.is_set():
            plan.stop.asked.set()
            return
        interrupted = number == signal.SIGINT
        work.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)
    try:
        return await work
    except asyncio.CancelledError:
        if interrupted:
            raise KeyboardInterrupt from None
        raise


def _name(argv: tuple[str, ...]) -> str:
    """A short name of a program: its script, where an interpreter runs one."""
    words = [argv[0]]
    if _INTERPRETERS.fullmatch(Path(argv[0]).name):
        words = [word for word in argv[1:] if re.fullmatch(r"[\w./:-]+\.\w+", word)][:1] or words
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(words[0]).stem).strip("-") or "program"
