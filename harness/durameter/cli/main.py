"""`durameter`: the command line. A command's module is imported when that command is run or explained."""

import sys
from importlib import import_module
from typing import Annotated, Any, Final, NoReturn

import typer
import typer.core

from durameter.cli._process import EXIT_CODES, leave
from durameter.errors import DurameterError

__all__ = ["COMMANDS", "app", "main"]

COMMANDS: Final = {
    "run": "Run an agent for real on each engine, count every billable unit, and say what a month costs.",
    "watch": "Run an unmodified program, count every billable unit of what it does, and say what a month costs.",
    "count": "Count what has run already: histories in files, or runs on a server.",
    "init": "Write a small agent that is measured as it is, for your own to take its place.",
    "report": "Show a measurement again, also one that was killed: what it had counted is there, marked incomplete.",
    "profile": (
        "Show what a task costs as a function of its shape: fixed, per model call, tool call, message, ..., and per "
        "retry."
    ),
    "scenarios": "Run the result's tasks again on bad days, and say what these add to a task that they hit.",
    "project": (
        "Project a measurement to a month: units and dollars per engine and plan, how sure, and what drives them."
    ),
    "check": "Check a result against the budgets in durameter.toml: units per task, of a kind, or dollars per month.",
    "diff": "Compare two results: units per task and a month by kind and cause, dollars a month, and how sure that is.",
    "prices": "Show the price books, or look through them.",
    "rules": "Print what is billed and when: each rule with its quantity, evidence, and the sources that can see it.",
    "conformance": ("Run every scenario of an engine's rules for real, and compare its sources with the derivation."),
    "doctor": ("Say which servers would be used, which version, from where, and what to do when something is missing."),
    "servers": "Manage long-running dev servers.",
}
"""Command, which is the name of its module and of what is in it → the first paragraph of its help, held to it by a
test: the list of commands is shown without importing any of them."""

_EXITS = "\n\n".join(f"{status}: {meaning}" for status, meaning in EXIT_CODES.items())


class _Commands(typer.core.TyperGroup):
    """Knows each command's name and line, and imports the one that is run."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands.update({name: typer.core.TyperCommand(name, help=line) for name, line in COMMANDS.items()})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments name, imported, and the arguments after it."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found if name is None else load_command(name), rest


def load_command(name: str) -> Any:
    """A command by its name, imported."""
    found = getattr(import_module(f"durameter.cli.{name}"), name)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
        alone.command(name)(found)
        return typer.main.get_command(alone)
    group = typer.main.get_command(found)
    group.name = name
    return group


app = typer.Typer(
    name="durameter",
    cls=_Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Counts what an agent costs on durable-execution engines: billable units per task, from the servers' records.",
    epilog=f"[bold]Exit status[/bold]\n\n{_EXITS}",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        from durameter.results.environment import durameter_version

        print(durameter_version())
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_say_version)
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
        from rich.console import Console
        from rich.text import Text

        Console(stderr=True).print(Text(str(error), style="bold red"), soft_wrap=True)
        status = error.exit_code
    leave(status if isinstance(status, int) else 0)
