"""Write the example: one folder, one file with the workload, one per engine with the agent, one test."""

import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from durameter.errors import UsageError

__all__ = ["Choice", "Written", "write_example"]

Choice = Literal["temporal", "inngest", "both"]

_OTHERS = frozenset({"durameter", "inngest", "temporalio", "temporal_agent", "inngest_agent", "pytest"})


@dataclass(frozen=True)
class Written:
    """What was written."""

    folder: Path
    files: tuple[str, ...]
    """Names in the folder; the workload's first."""


def write_example(choice: Choice, folder: Path) -> Written:
    """Write a workload that can be run as it is.

    Args:
        choice: the engines that it has an implementation for.
        folder: where to; made if it is not there. The workload is named after it.

    Returns:
        The files.

    Raises:
        UsageError: a file is there already, the folder cannot be written, or its name is no name for a module.
    """
    name = _module_name(folder)
    class_name = "".join(word.capitalize() for word in name.split("_"))
    engines = ("temporal", "inngest") if choice == "both" else (choice,)
    texts = {
        f"{name}.py": "workload.py.j2",
        **{f"{engine}_agent.py": f"{engine}_agent.py.j2" for engine in engines},
        f"test_{name}.py": "test_workload.py.j2",
    }
    if there := [file for file in texts if (folder / file).exists()]:
        raise UsageError(
            f"{folder} has {', '.join(there)} already, and nothing is overwritten. "
            "Name another folder: durameter init both ANOTHER."
        )
    environment = Environment(
        loader=PackageLoader("durameter.init"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Python is written, not HTML
    )
    values = {
        "name": name,
        "app": name.replace("_", "-"),
        "class_name": class_name,
        "temporal": "temporal" in engines,
        "inngest": "inngest" in engines,
        "implementations": ", ".join(f"On{engine.capitalize()}()" for engine in engines),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, template in texts.items():
            with (folder / file).open("x") as out:
                out.write(environment.get_template(template).render(values))
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}. Name another folder.") from error
    return Written(folder, tuple(texts))


def _module_name(folder: Path) -> str:
    """The folder's name as that of a module."""
    given = folder.resolve().name
    name = re.sub(r"\W+", "_", given.lower(), flags=re.ASCII).strip("_")
    taken = name in sys.stdlib_module_names or name in _OTHERS or name.startswith("test_")
    if not name.isidentifier() or keyword.iskeyword(name) or taken:
        raise UsageError(
            f"The workload would be called {name or given!r} like its folder, which "
            f"{'is the name of another module' if taken else 'is no name for a module'}. "
            "Name another folder: durameter init both my_agent."
        )
    return name
