"""Load a workload that is in no installed package: `./my_agent.py:workload`, or `package.module:workload`.

A file becomes a module under a name that nothing else has, so that it takes the place of no installed module. Its
folder is where it finds its siblings. The name can be imported again, since an SDK's sandbox may import anew the
module that a workflow is defined in.
"""

import hashlib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from durameter.errors import UsageError
from durameter.workload import Workload

__all__ = [
    "SOURCE",
    "is_own_file",
    "is_path",
    "load_own",
    "recorded_source",
]

SOURCE = "source"
"""Where `Measurement.about` has what `recorded_source` gives."""
_ATTRIBUTE = "workload"
"""What is looked for when only a file is named."""


class _Files(MetaPathFinder):
    """Finds the modules that were made from files."""

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The file of that name, if there is one."""
        del path, target
        file = self.files.get(fullname)
        return spec_from_file_location(fullname, file) if file else None


_FILES = _Files()


def is_own_file(name: str) -> bool:
    """Whether this names a file or a module, and not an installed workload."""
    return ":" in name or name.endswith(".py") or name.startswith((".", "/", "~"))


def load_own(name: str) -> tuple[str, Workload]:
    """The workload that a file or a module of the user's has.

    Args:
        name: `FILE.py:ATTRIBUTE` or `package.module:ATTRIBUTE`; the attribute is `workload` where none is given. Files
            and modules are looked for in the working folder.

    Returns:
        Its name in results, `my_agent/workload` for `./my_agent.py:workload`, and the workload.

    Raises:
        UsageError: there is no such file, module or attribute, it cannot be imported, or it is not a workload.
    """
    where, _, attribute = name.partition(":") if ":" in name else (name, "", "")
    attribute = attribute or _ATTRIBUTE
    module = _from_file(Path(where).expanduser()) if is_path(where) else _from_module(where)
    if not hasattr(module, attribute):
        there = [key for key, value in vars(module).items() if isinstance(value, Workload)]
        advice = (
            f"It has {', '.join(there)}: {where}:{there[0]}" if there else "Write `workload = MyAgent()` at its end"
        )
        raise UsageError(f"{where} has no {attribute!r}. {advice}.")
    found = getattr(module, attribute)
    if not isinstance(found, Workload):
        raise UsageError(f"{name} is {_described(found)}. It must be an instance of durameter.Workload.")
    stem = Path(where).stem if is_path(where) else where.rpartition(".")[2]
    return f"{stem}/{attribute}", found


def recorded_source(name: str, folder: Path) -> str:
    """How a result in `folder` says which file its workload came from, so that it can be loaded again.

    Args:
        name: as it was given to `load_own`.
        folder: the result folder.

    Returns:
        The file as seen from the result folder, `../../my_agent.py:workload`: no folder of this machine is named, and
        both can move together. A module by its name. Empty for an installed workload.
    """
    if not is_own_file(name):
        return ""
    where, _, attribute = name.partition(":")
    if is_path(where):
        where = os.path.relpath(Path(where).expanduser().resolve(), folder.resolve())
    return f"{where}:{attribute or _ATTRIBUTE}"


def is_path(where: str) -> bool:
    """Whether the words before the colon name a file and no module."""
    return where.endswith(".py") or where.startswith((".", "~")) or "/" in where


def _described(found: object) -> str:
    if isinstance(found, type) and issubclass(found, Workload):
        return f"the class {found.__name__}: write `workload = {found.__name__}()` at the end of the file"
    return f"a {type(found).__name__}"


def _from_file(file: Path) -> ModuleType:
    if file.is_dir():
        inside = sorted(each.name for each in file.glob("*.py"))
        has = f", and has {', '.join(inside)}" if inside else ""
        raise UsageError(f"{file} is a folder{has}. Name the file and the workload in it: {file}/my_agent.py:workload.")
    if not file.is_file():
        raise UsageError(
            f"There is no file {file} in {Path.cwd()}. Name it as FILE.py:workload, or write one with `durameter init`."
        )
    file = file.resolve()
    digest = hashlib.sha256(str(file).encode()).hexdigest()[:8]
    unique = f"{re.sub(r'[^0-9A-Za-z_]', '_', file.stem)}_{digest}"
    if unique in sys.modules:
        return sys.modules[unique]
    _FILES.files[unique] = file
    if _FILES not in sys.meta_path:
        sys.meta_path.append(_FILES)
    try:
        return _imported(unique, file, file.parent)
    except UsageError:
        del _FILES.files[unique]
        raise


def _from_module(name: str) -> ModuleType:
    try:
        return _imported(name, None, Path.cwd())
    except ModuleNotFoundError as error:
        raise UsageError(
            f"There is no module {error.name} in {Path.cwd()} or among what is installed. "
            "Name a file as ./my_agent.py:workload."
        ) from error


def _imported(name: str, file: Path | None, folder: Path) -> ModuleType:
    """Import it, with its siblings in reach from now on: workflows and functions may import them later."""
    before = list(sys.path)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # a user's file may raise anything when it is imported
        sys.path[:] = before
        if file is None and isinstance(error, ModuleNotFoundError) and name.startswith(str(error.name)):
            raise
        raise UsageError(f"{file or name} cannot be imported. {_place(error, folder)}{_advice(error)}") from error


def _place(error: BaseException, folder: Path) -> str:
    """The last line of the user's own that led to it, and what it raised."""
    what = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}: {(error.text or '').strip()}: {what}."
    inside = [each for each in traceback.extract_tb(error.__traceback__) if Path(each.filename).is_relative_to(folder)]
    mine = [each for each in inside if "site-packages" not in each.filename]
    return f"{Path(mine[-1].filename).name}, line {mine[-1].lineno}: {mine[-1].line}: {what}." if mine else f"{what}."


def _advice(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f" Is {error.name} installed for the Python that runs durameter ({sys.executable})?"
    if isinstance(error, ImportError) and "relative import" in str(error):
        return (
            " A file that is named by its path is in no package. Name it as package.module:workload, from the folder "
            "that holds the package."
        )
    if isinstance(error, SystemExit):
        return ' What is to run only as a program belongs under `if __name__ == "__main__":`.'
    return ""
