"""`durameter doctor`: what would be used, and what to do when something is missing."""

import json
import platform
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from durameter.cli._options import ConfigFile
from durameter.config import CONFIG_FILE, load_config
from durameter.engines.base import Finding
from durameter.errors import EngineMissingError, UsageError
from durameter.registry import engine_names, load_engine, load_workload, workload_names
from durameter.results.environment import durameter_version

__all__ = ["doctor"]

_MARKS = {"ok": ("ok     ", "green"), "warning": ("look   ", "yellow"), "missing": ("missing", "bold red")}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False, config: ConfigFile = None
) -> None:
    """Say which servers would be used, which version, from where, and what to do when something is missing.

    Starts nothing and downloads nothing. Exit status 3 when an engine cannot be had.
    """
    settings = load_config(config)
    file = config or Path(CONFIG_FILE)
    findings = [
        Finding(
            state="ok",
            subject="durameter",
            text=f"{durameter_version()} on Python {platform.python_version()}, {sys.prefix}",
        ),
        Finding(
            state="ok",
            subject="configuration",
            text=f"{file.absolute()} and DURAMETER_*" if file.is_file() else f"defaults and DURAMETER_*; no {file}",
        ),
        *map(_workload, workload_names()),
    ]
    for name in engine_names():
        findings += load_engine(name).engine().examine(settings)
    exporters = find_spec("opentelemetry.exporter") is not None
    findings.append(
        Finding(
            state="ok",
            subject="telemetry",
            text="console and OTLP" if exporters else "console only",
            advice="" if exporters else "pip install 'durameter[otlp]' for OTLP.",
        )
    )
    if as_json:
        print(json.dumps([finding.model_dump() for finding in findings], indent=2))
    else:
        console = Console()
        for finding in findings:
            mark, style = _MARKS[finding.state]
            console.print(
                Text.assemble((mark, style), f"  {finding.subject}: {finding.text}"), soft_wrap=True, highlight=False
            )
            if finding.advice:
                console.print(Text(f"         {finding.advice}", style="dim"), soft_wrap=True)
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(EngineMissingError.exit_code)


def _workload(name: str) -> Finding:
    try:
        _, workload = load_workload(name)
    except UsageError as error:
        return Finding(state="warning", subject="workload", text=name, advice=str(error))
    return Finding(state="ok", subject="workload", text=f"{name}: {workload.description}".rstrip(": "))
