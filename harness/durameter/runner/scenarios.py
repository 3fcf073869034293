"""Run a scenario: the base's tasks on the base's engines and variants, with the scenario's options laid over."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from durameter.config import Config
from durameter.cost.scenarios.effects import DECLARATION, scenario_folder, unfinished_folder
from durameter.errors import UsageError
from durameter.registry import load_engine
from durameter.results.folder import Result
from durameter.runner.run import Observer, Plan, Subject, measure
from durameter.workload import Implementation, Scenario, Task, Workload
from durameter.workload_files import SOURCE, is_path

__all__ = ["Base", "base_of", "run_scenario", "source_again"]


@dataclass(frozen=True)
class Base:
    """A normal day, and what it takes to run a bad one."""

    result: Result
    workload: Workload
    options: BaseModel
    scenarios: Sequence[Scenario]


def base_of(result: Result, workload: Workload) -> Base:
    """What a result was measured with.

    Args:
        result: the normal day.
        workload: the one that it names.

    Raises:
        UsageError: the workload takes its options no more, or the result has no measured engine.
    """
    if not any(engine.state == "measured" for engine in result.measurement.engines):
        raise UsageError(f"{result.folder} has no engine that was measured: there is nothing to compare with.")
    options = _parsed(workload, result.measurement.options, result.measurement.workload)
    return Base(result, workload, options, workload.scenarios(options))


async def run_scenario(
    base: Base, scenario: Scenario, *, tasks: int | None, config: Config, observer: Observer
) -> Path:
    """Run one scenario and keep it beside the base; one that was there is replaced when the new one is done.

    Args:
        base: the normal day.
        scenario: what to inject.
        tasks: how many of the base's tasks, the first ones; None for all.
        config: where the servers are. Questions are answered as in the base.
        observer: is told of the progress.

    Returns:
        The scenario's folder, a result folder with `scenario.json` in it.

    Raises:
        UsageError: the workload refuses the options, or has no such tasks or variant any more.
        ResultError: the folder cannot be written.
    """
    from durameter.telemetry import open_telemetry  # OpenTelemetry is heavy, and a list of scenarios needs none

    measurement = base.result.measurement
    answers = {engine.engine: engine.answers for engine in measurement.engines}
    laid = _laid_over(base.options.model_dump(mode="json"), scenario.options)
    options = _parsed(base.workload, laid, f"{measurement.workload}, scenario {scenario.name}")
    unfinished = unfinished_folder(base.result.folder, scenario.name)
    plan = Plan(
        workload=measurement.workload,
        options=options.model_dump(mode="json"),
        tasks=_tasks(base, options, tasks),
        subjects=_subjects(base, options),
        concurrency=measurement.concurrency,
        timeout=max(measurement.timeout_seconds, scenario.timeout),
        seed=measurement.seed,
        folder=unfinished,
    )
    if unfinished.exists():  # of a run that was stopped
        shutil.rmtree(unfinished)
    await measure(plan, config.model_copy(update={"answers": answers}), observer, open_telemetry("none"))
    (unfinished / DECLARATION).write_text(scenario.model_dump_json(indent=2) + "\n")
    done = scenario_folder(base.result.folder, scenario.name)
    if done.exists():
        shutil.rmtree(done)
    unfinished.rename(done)
    with suppress(OSError):  # another one was stopped and is still there
        unfinished.parent.rmdir()
    return done


def _parsed(workload: Workload, raw: Mapping[str, Any], what: str) -> BaseModel:
    try:
        return workload.parse_options(raw)
    except ValidationError as error:
        raise UsageError(f"{what} does not take the options that it was measured with: {error}") from error


def _laid_over(options: Mapping[str, Any], over: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Options with others laid over them; tables within tables are laid over each other."""
    laid = dict(options)
    for key, value in over.items():
        below = laid.get(key)
        laid[key] = _laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return laid


def _tasks(base: Base, options: BaseModel, count: int | None) -> Sequence[Task]:
    """The base's tasks as the scenario has them."""
    measurement = base.result.measurement
    there = {task.task for engine in measurement.engines for task in engine.tasks}
    made = base.workload.tasks(measurement.task_count, measurement.seed, options)
    tasks = [task for task in made if task.id in there]
    if not tasks:
        raise UsageError(f"{measurement.workload} makes no task any more that {base.result.folder} has.")
    return tasks[:count]


def _subjects(base: Base, options: BaseModel) -> list[Subject]:
    """Every engine that was measured, in the same variant."""
    offered: dict[tuple[str, str], Implementation[Any]] = {
        (each.engine, each.variant): each for each in base.workload.implementations(options)
    }
    subjects = []
    for engine in base.result.measurement.engines:
        if engine.state != "measured":
            continue
        found = offered.get((engine.engine, engine.variant))
        if found is None:
            raise UsageError(f"{base.result.measurement.workload} has no {engine.engine}={engine.variant} any more.")
        subjects.append(Subject(load_engine(engine.engine).engine(), found))
    return subjects


def source_again(result: Result) -> str:
    """What loads a result's workload again: its file, seen from the working folder, or its name.

    Raises:
        UsageError: the file is there no more.
    """
    source = result.measurement.about.get(SOURCE)
    if not isinstance(source, str):
        return result.measurement.workload
    where, _, attribute = source.partition(":")
    if not is_path(where):
        return source
    file = (result.folder / where).resolve()
    if not file.is_file():
        raise UsageError(
            f"{result.folder} was measured with {where}, seen from there, and that file is there no more. "
            "Name it with --workload FILE.py:workload."
        )
    return f"{file}:{attribute}"
