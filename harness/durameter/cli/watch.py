"""`durameter watch`."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from durameter.cli._options import Answered, AsHtml, AsJson, AsMarkdown, ConfigFile, Volume, counting_settings
from durameter.cli._process import exit_code, until_stopped
from durameter.cli._progress import ProgressLines
from durameter.cli._show import show
from durameter.requests import Ready, ready_watch
from durameter.results.folder import Result

__all__ = ["watch"]


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
    app: Annotated[list[str] | None, typer.Option(help="URL of an app that the engine calls; repeatable.")] = None,
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
    r"""Run an unmodified program, count every billable unit of what it does, and say what a month costs.

    A server is started, with a tap before it, and the command runs with the variables set by which the engine's SDKs
    find it. Ctrl-C ends the command and counts what it did; once more stops everything.

    [bold]Examples[/bold]

    durameter watch -- python run_orders.py

    durameter watch --task-key 'id:^(order-\d+)' -- sh -c 'python worker.py & python start.py'

    durameter watch --for 60s --engine inngest -- npm run dev

    durameter watch --attach 127.0.0.1:7233 --since 2h
    """
    settings = counting_settings(
        config, answers=answer, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html
    )
    ready = ready_watch(
        command or (),
        settings,
        engine=engine,
        task_key=task_key,
        apps=app or (),
        attach=attach,
        seconds=seconds,
        tasks=tasks,
        since=since,
        until=until,
        query=query,
        usual_ports=usual_ports,
        out=out,
    )
    console = Console(stderr=True)
    lines = ProgressLines(console, Progress(console=console, disable=True))  # the command writes there too
    said = f"Stopped. What was counted is there: durameter report {ready.folder}"
    result = until_stopped(_stoppable(ready, lines), stopped=said)
    show(result, settings, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html)
    raise typer.Exit(exit_code(result.measurement))


async def _stoppable(ready: Ready, lines: ProgressLines) -> Result:
    """The watch, whose command the first Ctrl-C or SIGTERM ends; everything else is ended by the next one."""
    loop, work = asyncio.get_running_loop(), asyncio.ensure_future(ready.run(lines))
    interrupted = False

    def ask(number: int) -> None:
        nonlocal interrupted
        if (stop := ready.stop) and stop.armed and not stop.asked.is_set():
            stop.asked.set()
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
