"""`durameter run`: measure a workload and report."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from durameter.cli._options import Answered, AsHtml, AsJson, AsMarkdown, ConfigFile, Volume, counting_settings
from durameter.cli._process import exit_code, until_stopped
from durameter.cli._progress import progress_lines
from durameter.cli._show import show
from durameter.errors import UsageError
from durameter.requests import ready_measurement
from durameter.runner.until import AT_LEAST, AT_MOST
from durameter.telemetry import ExporterName

__all__ = ["run"]


def run(
    workload: Annotated[
        str | None,
        typer.Argument(
            help="package/workload, its last part, or a file: ./my_agent.py:workload.", show_default="support_agent"
        ),
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option("--engine", "-e", help="Measure on this engine; repeatable.", show_default="all"),
    ] = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="ENGINE=VARIANT: another pattern than the engine's default.")
    ] = None,
    tasks: Annotated[int | None, typer.Option(min=1, help="Tasks per engine.", show_default="10")] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="Go on in batches, the first of --tasks, until the 95 % interval of the mean is this narrow on every "
            "engine: ±5% or 5%."
        ),
    ] = None,
    at_most: Annotated[
        int | None,
        typer.Option(min=AT_LEAST, help="With --until: tasks per engine at most.", show_default=str(AT_MOST)),
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Tasks at once.", show_default="10")] = None,
    seed: Annotated[
        int | None, typer.Option(help="What is drawn by chance is drawn from this.", show_default="0")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds that one task may take.", show_default="180")
    ] = None,
    volume: Volume = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of this result; must be new.", show_default="durameter-results/TIME-WORKLOAD"),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="KEY=VALUE of the workload, such as faults.rate_limited=0.1; repeatable."),
    ] = None,
    model_base_url: Annotated[
        str | None,
        typer.Option(help="A real model behind an OpenAI-compatible API; its key is in DURAMETER_MODEL_API_KEY."),
    ] = None,
    answer: Answered = None,
    telemetry: Annotated[
        ExporterName | None, typer.Option(help="Export units through OpenTelemetry.", show_default="none")
    ] = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
    html: AsHtml = None,
    config: ConfigFile = None,
) -> None:
    """Run an agent for real on each engine, count every billable unit, and say what a month costs.

    Servers are started on free ports and stopped again. The first run may have to build a server, which takes
    some minutes, once.

    [bold]Examples[/bold]

    durameter run

    durameter run --tasks 30 --volume 1M/month

    durameter run ./my_agent.py:workload --tasks 5

    durameter run --until ±15% --at-most 200

    durameter run --engine temporal -o faults.rate_limited=0.2

    durameter run --tasks 5 --json > report.json

    durameter run --tasks 30 --html report.html
    """
    settings = counting_settings(
        config, answers=answer, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html
    )
    given = _given(option or [])
    if model_base_url is not None:
        given["model_base_url"] = model_base_url
    ready = ready_measurement(
        workload,
        settings,
        engines=engine or (),
        variants=_variants(variant or []),
        tasks=tasks,
        until=until,
        at_most=at_most,
        concurrency=concurrency,
        seed=seed,
        timeout=timeout,
        options=given,
        out=out,
        telemetry=telemetry,
    )
    with progress_lines(Console(stderr=True)) as observer:
        said = f"Stopped. What was measured is there: durameter report {ready.folder}"
        result = until_stopped(ready.run(observer), stopped=said)
    show(result, settings, volume=volume, as_json=as_json, as_markdown=as_markdown, html=html)
    raise typer.Exit(exit_code(result.measurement))


def _given(pairs: list[str]) -> dict[str, Any]:
    """`a.b=1` as nested options; a value is JSON where it can be read as that, else text."""
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--option {pair} is not KEY=VALUE.")
        *path, last = key.split(".")
        place = options
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise UsageError(f"--option {key}: {part} is a value already.")
        try:
            place[last] = json.loads(value)
        except ValueError:
            place[last] = value
    return options


def _variants(pairs: list[str]) -> dict[str, str]:
    wanted = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if len(wanted) != len(pairs):
        raise UsageError("--variant is ENGINE=VARIANT, once per engine.")
    return wanted
