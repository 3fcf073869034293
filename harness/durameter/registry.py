"""Find engines and workloads by entry point, never by import; a user's own workload also by its path."""

from typing import Any

from durameter.errors import UsageError
from durameter.plugins import ENGINES, SUITES, WORKLOADS, load_point
from durameter.plugins import points as entry_points
from durameter.workload import Workload
from durameter.workload_files import is_own_file, load_own

__all__ = [
    "engine_names",
    "load_engine",
    "load_suite",
    "load_workload",
    "workload_names",
]


def engine_names() -> list[str]:
    """All installed engines; Temporal first, since reports compare others with it."""
    return sorted(entry_points(ENGINES), key=lambda name: (name != "temporal", name))


def workload_names() -> list[str]:
    """All installed workloads, as `package/workload`."""
    return list(entry_points(WORKLOADS))


def load_engine(name: str) -> Any:
    """The engine class of that name.

    Raises:
        UsageError: no such engine is installed.
    """
    points = entry_points(ENGINES)
    if name not in points:
        raise UsageError(f"There is no engine {name!r}. Installed: {', '.join(engine_names())}.")
    return load_point(points[name])


def load_suite(engine: str) -> Any:
    """The conformance suite of an engine.

    Raises:
        UsageError: none is installed.
    """
    points = entry_points(SUITES)
    if engine not in points:
        raise UsageError(f"There is no conformance suite for {engine!r}. Installed: {', '.join(points) or 'none'}.")
    return load_point(points[engine])


def load_workload(name: str) -> tuple[str, Workload]:
    """The workload of that name and its full name.

    Args:
        name: `package/workload`, or the part after the slash when only one package has it; or `./my_agent.py:workload`.

    Raises:
        UsageError: none or several match, it cannot be loaded, or what is named is not a workload.
    """
    if is_own_file(name):
        return load_own(name)
    points = entry_points(WORKLOADS)
    matches = [full for full in points if name in (full, full.partition("/")[2])]
    if len(matches) != 1:
        problem = f"Several workloads are called {name!r}" if matches else f"There is no workload {name!r}"
        raise UsageError(
            f"{problem}. Installed: {', '.join(matches or points)}. Name it as package/workload, "
            "or a file of your own as ./my_agent.py:workload."
        )
    workload = load_point(points[matches[0]])
    if not isinstance(workload, Workload):
        what = f"the class {workload.__name__}" if isinstance(workload, type) else f"a {type(workload).__name__}"
        raise UsageError(f"The entry point {matches[0]} names {what}. It must name an instance of durameter.Workload.")
    return matches[0], workload
