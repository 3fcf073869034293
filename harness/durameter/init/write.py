"""Write the example: one folder, one file with the workload, one per engine with the agent, one test."""

import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

from durameter.errors import UsageError
from durameter.registry import engines

__all__ = ["BOTH", "Written", "write_example"]

_OWN_IMPORTS = """
import durameter
from durameter import Driver, Implementation, Measured, RunContext, Task
"""

BOTH = "both"
"""Every engine that has a sample."""


@dataclass(frozen=True)
class Written:
    """What was written."""

    folder: Path
    files: tuple[str, ...]
    """Names in the folder; the workload's first."""


def write_example(choice: str, folder: Path) -> Written:
    """Write a workload that can be run as it is.

    Args:
        choice: the engine that it has an implementation for, or `both`, for every one that has a sample.
        folder: where to; made if it is not there. The workload is named after it.

    Returns:
        The files.

    Raises:
        UsageError: a file is there already, the folder cannot be written, or its name is no name for a module.
    """
    name = _module_name(folder)
    class_name = "".join(word.capitalize() for word in name.split("_"))
    samples = {each.name: each.templates for each in engines() if each.templates}
    if choice != BOTH and choice not in samples:
        raise UsageError(f"There is no sample for {choice!r}. There are: {', '.join(samples)}, {BOTH}.")
    chosen = list(samples) if choice == BOTH else [choice]
    texts = {
        f"{name}.py": "workload.py.j2",
        **{f"{engine}_agent.py": f"{engine}/agent.py.j2" for engine in chosen},
        f"test_{name}.py": "test_workload.py.j2",
    }
    if there := [file for file in texts if (folder / file).exists()]:
        raise UsageError(
            f"{folder} has {', '.join(there)} already, and nothing is overwritten. "
            "Name another folder: durameter init both ANOTHER."
        )
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("durameter.init"),
                PrefixLoader({engine: PackageLoader(samples[engine]) for engine in chosen}),
            ]
        ),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Python is written, not HTML
    )
    values: dict[str, object] = {
        "name": name,
        "app": name.replace("_", "-"),
        "class_name": class_name,
        "implementations": ", ".join(f"On{engine.capitalize()}()" for engine in chosen),
    }
    parts = [environment.get_template(f"{engine}/workload.py.j2").make_module(values) for engine in chosen]
    values |= {
        "parts": parts,
        "sdk_imports": _sorted(_OWN_IMPORTS, *(part.sdk_imports() for part in parts)),  # type: ignore[attr-defined]  # macros
        "agent_imports": _sorted(*(part.agent_imports() for part in parts)),  # type: ignore[attr-defined]  # macros
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, template in texts.items():
            with (folder / file).open("x") as out:
                out.write(environment.get_template(template).render(values))
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}. Name another folder.") from error
    return Written(folder, tuple(texts))


def _sorted(*parts: str) -> str:
    """Import statements in the order of a formatter: `import` before `from`, each by name."""
    lines = {line for part in parts for line in part.splitlines() if line}
    return "\n".join(sorted(lines, key=lambda line: (line.startswith("from"), line)))


def _module_name(folder: Path) -> str:
    """The folder's name as that of a module."""
    given = folder.resolve().name
    name = re.sub(r"\W+", "_", given.lower(), flags=re.ASCII).strip("_")
    others = {"durameter", "pytest", *(f"{each.name}_agent" for each in engines())}
    others |= {package for each in engines() for package in each.modules}
    taken = name in sys.stdlib_module_names or name in others or name.startswith("test_")
    if not name.isidentifier() or keyword.iskeyword(name) or taken:
        raise UsageError(
            f"The workload would be called {name or given!r} like its folder, which "
            f"{'is the name of another module' if taken else 'is no name for a module'}. "
            "Name another folder: durameter init both my_agent."
        )
    return name
