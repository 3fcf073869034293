"""`durameter`: the command line."""

import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from durameter.cli import (
    check,
    conformance,
    count,
    diff,
    doctor,
    init,
    prices,
    profile,
    project,
    report,
    rules,
    run,
    scenarios,
    servers,
    watch,
)
from durameter.cli._process import EXIT_CODES, leave
from durameter.errors import DurameterError
from durameter.results.environment import durameter_version

__all__ = ["app", "main"]

_EXITS = "\n\n".join(f"{status}: {meaning}" for status, meaning in EXIT_CODES.items())

app = typer.Typer(
    name="durameter",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Counts what an agent costs on durable-execution engines: billable units per task, from the servers' records.",
    epilog=f"[bold]Exit status[/bold]\n\n{_EXITS}",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("watch")(watch.watch)
app.command("count")(count.count)
app.command("init")(init.init)
app.command("report")(report.report)
app.command("profile")(profile.profile)
app.command("scenarios")(scenarios.scenarios)
app.command("project")(project.project)
app.command("check")(check.check)
app.command("diff")(diff.diff)
app.command("prices")(prices.prices)
app.command("rules")(rules.rules)
app.command("conformance")(conformance.conformance)
app.command("doctor")(doctor.doctor)
app.add_typer(servers.app, name="servers")


def _say_version(wanted: bool) -> None:
    if wanted:
        print(durameter_version())
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Say the version and stop.", is_eager=True, callback=_say_version)
    ] = False,
) -> None: ...


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    status: object = 0
    try:
        app()
    except SystemExit as stop:  # typer has shown what there is to show
        status = stop.code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        status = 130
    except DurameterError as error:
        Console(stderr=True).print(Text(str(error), style="bold red"), soft_wrap=True)
        status = error.exit_code
    leave(status if isinstance(status, int) else 0)
