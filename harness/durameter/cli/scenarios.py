"""`durameter scenarios`: run bad days for real and say what they add to a task that they hit."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console

from durameter.cli._document import show_document
from durameter.cli._options import AsJson, ConfigFile
from durameter.cli._process import exit_code, until_stopped
from durameter.cli._progress import progress_lines
from durameter.config import Config, load_config
from durameter.cost.scenarios import ScenarioEffect, read_effects_and_problems
from durameter.cost.scenarios.effects import (
    DECLARATION,
    declared_in,
    done_scenarios,
    scenario_folder,
    unfinished_folder,
)
from durameter.errors import UsageError
from durameter.registry import load_workload
from durameter.report.scenarios import effects_document, offer_document
from durameter.results.folder import Result, read_result
from durameter.results.model import Measurement, TaskState
from durameter.runner.scenarios import Base, base_of, run_scenario, source_again
from durameter.workload import Scenario

__all__ = ["scenarios"]


class _Report(BaseModel):
    """What `--json` prints."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    result: str
    effects: tuple[ScenarioEffect, ...]
    problems: tuple[str, ...]


def scenarios(
    result: Annotated[Path, typer.Argument(help="A result folder, as `durameter run` names it.", metavar="RESULT")],
    only: Annotated[
        list[str] | None, typer.Option("--only", help="This scenario; repeatable.", show_default="all")
    ] = None,
    tasks: Annotated[
        int | None, typer.Option(min=1, help="So many of the result's tasks, the first ones.", show_default="all")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Run also what was run before, and replace it.")] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Say which there are, and run nothing.")] = False,
    workload: Annotated[
        str | None,
        typer.Option(help="Where the result's workload is now: FILE.py:workload.", show_default="as it was measured"),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Run the result's tasks again on bad days, and say what these add to a task that they hit.

    Each scenario is a real run of the same tasks, engines and variants with faults injected, kept under
    RESULT/scenarios. One that is there already is not run again.

    The exit status is the gravest of the scenarios' runs; tasks that end as the scenario says count as completed.

    [bold]Examples[/bold]

    durameter scenarios RESULT --list

    durameter scenarios RESULT

    durameter scenarios RESULT --only provider_outage --tasks 5 --again
    """
    settings = load_config(config)
    base_result = read_result(result)
    if (door := base_result.measurement.door) != "run":
        raise UsageError(
            f"{result} was made by `durameter {door}`, and a scenario runs the tasks of a workload again, with faults. "
            "Write your agent as a workload (docs/quickstart-python.md), and give the result of `durameter run`."
        )
    _, found = load_workload(workload or source_again(base_result))
    base = base_of(base_result, found)
    chosen = _chosen(base, only or [])
    done = {folder.name for folder in done_scenarios(result)}
    if list_only:
        if as_json:
            print(json.dumps([each.model_dump(mode="json") | {"done": each.name in done} for each in chosen], indent=2))
        else:
            show_document(offer_document(chosen, done))
        return
    if not chosen:
        raise UsageError(f"{base_result.measurement.workload} offers no scenarios with the options of {result}.")
    due = [each for each in chosen if again or each.name not in done]
    _run(base, due, tasks=tasks, settings=settings)
    effects = read_effects_and_problems(base_result)
    if as_json:
        print(_Report(result=str(result), effects=effects.effects, problems=effects.problems).model_dump_json(indent=2))
    else:
        show_document(effects_document(effects))
    raise typer.Exit(_status(base_result, [each.name for each in chosen]))


def _chosen(base: Base, only: Sequence[str]) -> list[Scenario]:
    known = {each.name: each for each in base.scenarios}
    if unknown := [name for name in only if name not in known]:
        offers = ", ".join(known) or "none"
        raise UsageError(f"There is no scenario {unknown[0]!r}. {base.result.measurement.workload} offers: {offers}.")
    return [each for each in base.scenarios if not only or each.name in only]


def _run(base: Base, due: Sequence[Scenario], *, tasks: int | None, settings: Config) -> None:
    """One after the other."""
    for scenario in due:
        folder = unfinished_folder(base.result.folder, scenario.name)
        said = f"Stopped. What was measured of {scenario.name} is there: durameter report {folder}"
        with progress_lines(Console(stderr=True)) as observer:
            observer.note(f"{scenario.name}: {scenario.description}")
            until_stopped(run_scenario(base, scenario, tasks=tasks, config=settings, observer=observer), stopped=said)


def _status(base: Result, names: Sequence[str]) -> int:
    """4 before 3 before 1, over all the scenarios that were asked for."""
    folders = [scenario_folder(base.folder, name) for name in names]
    found = [
        exit_code(_as_it_should(read_result(folder).measurement, declared_in(folder)))
        for folder in folders
        if (folder / DECLARATION).is_file()
    ]
    return max(found, default=0)


def _as_it_should(measurement: Measurement, scenario: Scenario) -> Measurement:
    """With tasks that end as the scenario says as completed, and such that complete against it as failed."""
    states: dict[TaskState, TaskState] = {}
    if scenario.ends == "failed":
        states = {"failed": "completed", "completed": "failed"}
    engines = []
    for engine in measurement.engines:
        tasks = tuple(task.model_copy(update={"state": states.get(task.state, task.state)}) for task in engine.tasks)
        engines.append(engine.model_copy(update={"tasks": tasks}))
    return measurement.model_copy(update={"engines": tuple(engines)})
