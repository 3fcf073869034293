"""`durameter conformance`: run the scenarios whose cost was derived by hand."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Console

from durameter.cli._document import show_document
from durameter.cli._options import AsJson, AsMarkdown, ConfigFile, one_format
from durameter.cli._process import until_stopped
from durameter.config import Config, load_config
from durameter.conformance import Outcome, Suite
from durameter.errors import UsageError
from durameter.registry import load_suite
from durameter.report.conformance import conformance_document

__all__ = ["conformance"]

_OUTCOMES = TypeAdapter(list[Outcome])


def conformance(
    engine: Annotated[str, typer.Argument(help="An engine that has a suite.")],
    only: Annotated[
        list[str] | None, typer.Option("--only", "-k", help="Only scenarios with this in their name; repeatable.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, help="Scenarios side by side.")] = 8,
    times: Annotated[int, typer.Option(min=1, help="Rounds.")] = 1,
    address: Annotated[
        str | None, typer.Option(help="A server that is there.", show_default="a dev server of its own")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(help="Work in this namespace of it: counts are judged, and no meter.", show_default="one each"),
    ] = None,
    names: Annotated[bool, typer.Option("--list", help="Name the scenarios and stop.")] = False,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
    config: ConfigFile = None,
) -> None:
    """Run every scenario of an engine's rules for real, and compare its sources with the derivation.

    Each is a small workflow or function with a count that was derived by hand from the vendor's documents. `pass`: all
    are equal. `explained`: they differ by what named rules say, and by no more. Anything else is `unexplained`: exit
    status 4.

    [bold]Examples[/bold]

    durameter conformance temporal

    durameter conformance inngest -k retry -k parallel

    durameter conformance temporal --times 5 --at-once 8

    durameter conformance temporal --address NAMESPACE.ACCOUNT.tmprl.cloud:7233 --namespace NAMESPACE.ACCOUNT
    """
    one_format(as_json, as_markdown)
    suite = load_suite(engine)
    if names:
        print("\n".join(suite.scenarios))
        return
    settings = _reaching(load_config(config), engine, address, namespace)
    work = _run(suite, settings, only or [], at_once, times)
    outcomes = until_stopped(work, stopped="Stopped; no server is left.")
    if as_json:
        print(_OUTCOMES.dump_json(outcomes, indent=2).decode())
    else:
        show_document(conformance_document(engine, outcomes, second=suite.second), as_markdown=as_markdown)
    states = {outcome.state for outcome in outcomes}
    raise typer.Exit(4 if "unexplained" in states else 1 if "failed" in states else 0)


def _reaching(config: Config, engine: str, address: str | None, namespace: str | None) -> Config:
    """The configuration with the server of the command line."""
    given = {key: value for key, value in (("address", address), ("namespace", namespace)) if value is not None}
    section = getattr(config, engine, None)
    if section is None or any(key not in type(section).model_fields for key in given):
        raise UsageError(f"--address and --namespace are not for {engine}.")
    return config.model_copy(update={engine: section.model_copy(update=given)})


async def _run(suite: Suite, config: Config, only: Sequence[str], at_once: int, times: int) -> list[Outcome]:
    """Run on servers whose folder goes with them."""
    logging.getLogger().addHandler(logging.NullHandler())  # scenarios fail on purpose, and SDKs log it
    with tempfile.TemporaryDirectory(prefix="durameter-") as folder:
        observer = _Lines(Console(stderr=True), len(suite.scenarios) if not only else None)
        return await suite.run(config, Path(folder), only=only, at_once=at_once, times=times, observer=observer)


class _Lines:
    """Progress on standard error."""

    def __init__(self, console: Console, scenarios: int | None) -> None:
        self._console = console
        self._scenarios = f"/{scenarios}" if scenarios else ""
        self._done: dict[int, int] = {}

    def progress(self, line: str) -> None:
        """Short words about long work."""
        self._console.print(line, style="dim", markup=False, highlight=False, soft_wrap=True)

    def finished(self, outcome: Outcome, round_number: int) -> None:
        """One scenario is done."""
        self._done[round_number] = self._done.get(round_number, 0) + 1
        again = f"round {round_number}, " if round_number > 1 else ""
        place = f"{again}{self._done[round_number]}{self._scenarios}"
        self.progress(f"{place} {outcome.state}: {outcome.name} ({outcome.seconds:.0f} s)")
