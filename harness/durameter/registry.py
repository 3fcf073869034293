"""The installed engines, workloads and conformance suites, by name; a user's own workload also by its path."""

from functools import cache
from typing import Any

from durameter.engines.plugin import EnginePlugin
from durameter.errors import UsageError
from durameter.plugins import ENGINES, SUITES, WORKLOADS, load_point, points
from durameter.results.answers import Answers, answered
from durameter.workload import Workload
from durameter.workload_files import is_own_file, load_own
from durameter_collectors.rulebook import Rulebook

__all__ = [
    "answered_rulebook",
    "engine_names",
    "engine_packages",
    "engines",
    "load_engine",
    "load_suite",
    "load_workload",
    "plugin_of",
    "rulebook_of",
    "task_keys",
    "workload_names",
]


@cache
def engines() -> tuple[EnginePlugin, ...]:
    """All installed engines, by rank.

    Raises:
        UsageError: one cannot be loaded, or what its entry point names is no plug-in.
    """
    found = [load_engine(name) for name in points(ENGINES)]
    return tuple(sorted(found, key=lambda engine: (engine.rank, engine.name)))


def engine_names() -> list[str]:
    """Names of all installed engines, by rank."""
    return [engine.name for engine in engines()]


def engine_packages() -> list[str]:
    """Distributions whose versions a result records, of all installed engines."""
    return [package for engine in engines() for package in engine.packages]


def workload_names() -> list[str]:
    """All installed workloads, as `package/workload`."""
    return list(points(WORKLOADS))


@cache
def load_engine(name: str) -> EnginePlugin:
    """The engine of that name.

    Raises:
        UsageError: no such engine is installed, or what its entry point names is no plug-in.
    """
    installed = points(ENGINES)
    if name not in installed:
        raise UsageError(f"There is no engine {name!r}. Installed: {', '.join(engine_names())}.")
    plugin = load_point(installed[name])
    if not isinstance(plugin, EnginePlugin) or plugin.name != name:
        raise UsageError(
            f"The entry point {name} ({installed[name].value}) must name an instance of durameter.EnginePlugin whose "
            f"name is {name!r}."
        )
    return plugin


def plugin_of(engine: str) -> EnginePlugin | None:
    """The engine of that name; None where it is not installed, as an old result's may be."""
    return load_engine(engine) if engine in points(ENGINES) else None


def rulebook_of(engine: str) -> Rulebook:
    """The rulebook of an engine, every open question answered by default.

    Raises:
        UsageError: no such engine is installed.
    """
    if engine not in points(ENGINES):
        raise UsageError(f"There is no rulebook for {engine}.")
    return load_engine(engine).rulebook()


def answered_rulebook(engine: str, answers: Answers) -> Rulebook:
    """The rulebook of an engine, with these answers.

    Raises:
        UsageError: no such engine is installed, or its rulebook has no such question.
    """
    return answered(rulebook_of(engine), answers)


def task_keys() -> dict[str, dict[str, str]]:
    """Engine → kind of task key → example of one."""
    return {engine.name: dict(engine.task_keys) for engine in engines()}


def load_suite(engine: str) -> Any:
    """The conformance suite of an engine.

    Raises:
        UsageError: none is installed.
    """
    installed = points(SUITES)
    if engine not in installed:
        raise UsageError(f"There is no conformance suite for {engine!r}. Installed: {', '.join(installed) or 'none'}.")
    return load_point(installed[engine])


def load_workload(name: str) -> tuple[str, Workload]:
    """The workload of that name and its full name.

    Args:
        name: `package/workload`, or the part after the slash when only one package has it; or `./my_agent.py:workload`.

    Raises:
        UsageError: none or several match, it cannot be loaded, or what is named is not a workload.
    """
    if is_own_file(name):
        return load_own(name)
    installed = points(WORKLOADS)
    matches = [full for full in installed if name in (full, full.partition("/")[2])]
    if len(matches) != 1:
        problem = f"Several workloads are called {name!r}" if matches else f"There is no workload {name!r}"
        raise UsageError(
            f"{problem}. Installed: {', '.join(matches or installed)}. Name it as package/workload, "
            "or a file of your own as ./my_agent.py:workload."
        )
    workload = load_point(installed[matches[0]])
    if not isinstance(workload, Workload):
        what = f"the class {workload.__name__}" if isinstance(workload, type) else f"a {type(workload).__name__}"
        raise UsageError(f"The entry point {matches[0]} names {what}. It must name an instance of durameter.Workload.")
    return matches[0], workload
