"""From a workload to a plan: options, tasks and implementations, each seen to be what the interface asks for."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from durameter.errors import UsageError
from durameter.registry import engine_names, load_engine, load_workload
from durameter.workload import Implementation, Task, Workload

__all__ = ["implementations_of", "named_workload", "options_of", "tasks_of"]


def named_workload(workload: Workload | Path | str) -> tuple[str, Workload]:
    """A workload and its name in results.

    Args:
        workload: itself, then named by its module and class; or its name; or its file, `./my_agent.py:workload`.

    Raises:
        UsageError: none or several have this name, or it cannot be loaded.
    """
    if isinstance(workload, Workload):
        return f"{type(workload).__module__.rpartition('.')[2]}/{type(workload).__name__}", workload
    return load_workload(os.fspath(workload))


def options_of(name: str, workload: Workload, raw: Mapping[str, Any]) -> BaseModel:
    """The workload's options, validated.

    Raises:
        UsageError: one is wrong; says which there are.
    """
    try:
        return workload.parse_options(raw)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        known = ", ".join(workload.options_model.model_fields) or "none"
        raise UsageError(f"An option of {name} is wrong: {wrong}. Its options: {known}.") from error


def tasks_of(name: str, workload: Workload, count: int, seed: int, options: BaseModel) -> Sequence[Task]:
    """So many tasks, each with an id of its own.

    Raises:
        UsageError: the workload makes something else.
    """
    try:
        tasks: list[Any] = list(workload.tasks(count, seed, options))
    except ValidationError as error:
        raise UsageError(f"{name} returned invalid tasks: {error}") from error
    if odd := [task for task in tasks if not isinstance(task, Task)]:
        raise UsageError(f"{name} made {odd[0]!r} for a task. tasks() must return durameter.Task objects.")
    ids = len({task.id for task in tasks})
    if not len(tasks) == ids == count:
        raise UsageError(
            f"{name} was asked for {count} tasks and made {len(tasks)}, with {ids} different ids. "
            "Each task needs an id of its own."
        )
    return tasks


def implementations_of(
    name: str, workload: Workload, options: BaseModel, engines: Sequence[str], variants: Mapping[str, str]
) -> list[Implementation[Any]]:
    """One implementation per engine: the asked variant, else the engine's first.

    Args:
        name: of the workload, for errors.
        workload: what offers them.
        options: as validated.
        engines: which; empty for all that the workload has.
        variants: engine → variant.

    Raises:
        UsageError: there is no such engine, the workload has nothing for it, or it is for one that is not installed.
    """
    offered = _offered(name, workload, options)
    has = ", ".join(f"{each.engine}={each.variant}" for each in offered)
    names = list(dict.fromkeys(engines)) or [e for e in engine_names() if any(i.engine == e for i in offered)]
    if not engines and (odd := sorted({each.engine for each in offered} - set(engine_names()))):
        raise UsageError(
            f"{name} is for {odd[0]}, which is no engine that is installed: {', '.join(engine_names())} are. "
            "Install it, correct the name in its implementation, or name the engines to measure."
        )
    for engine in (*names, *variants):
        load_engine(engine)
    chosen = []
    for engine in names:
        fits = [
            each for each in offered if each.engine == engine and each.variant == variants.get(engine, each.variant)
        ]
        if not fits:
            asked = f" in variant {variants[engine]}" if engine in variants else ""
            raise UsageError(f"{name} has nothing for {engine}{asked}. It has: {has}.")
        chosen.append(fits[0])
    return chosen


def _offered(name: str, workload: Workload, options: BaseModel) -> list[Implementation[Any]]:
    """What the workload has, if it is what the interface asks for."""
    offered: list[Any] = list(workload.implementations(options))
    for each in offered:
        if not isinstance(each, Implementation):
            what = f"the class {each.__name__}, not {each.__name__}()" if isinstance(each, type) else repr(each)
            raise UsageError(f"{name} offers {what}. implementations() must return durameter.Implementation objects.")
        if not hasattr(each, "engine"):
            raise UsageError(
                f'{type(each).__name__} of {name} names no engine. Write `engine = "{engine_names()[0]}"` in it.'
            )
    if not offered:
        raise UsageError(f"{name} has no implementation. implementations() must return one for an engine at least.")
    return offered
