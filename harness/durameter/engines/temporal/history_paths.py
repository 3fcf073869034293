"""Which files are meant: files themselves, and all that lie in folders."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from durameter.errors import UsageError

__all__ = ["Files", "files_of"]


@dataclass(frozen=True)
class Files:
    """What is to be read."""

    paths: tuple[Path, ...]
    """In their order, each once."""
    hidden: int
    """Files in folders whose name begins with a dot, or that lie in such a folder: they are not read."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """Folders within them that cannot be read, and why: nobody knows what is in there."""


def files_of(named: Sequence[Path]) -> Files:
    """Every file, and every file in every folder and its folders, links to folders included. Each is taken once.

    Raises:
        UsageError: one is not there, or cannot be read, or there is no file at all.
    """
    found: dict[str, Path] = {}
    folders = _Folders()
    for path in named:
        try:
            path.stat()
        except (FileNotFoundError, ValueError) as error:
            raise UsageError(f"{path} is not there. Name files of histories, or folders that hold them.") from error
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
        if not path.is_dir():
            found.setdefault(os.path.realpath(path), path)
            continue
        for each in folders.inside(path):
            found.setdefault(os.path.realpath(each), each)
        if (why := folders.unreadable.get(str(path))) is not None:
            raise UsageError(f"{path} cannot be read: {why}.")
    hidden = folders.hidden
    if not found:
        what = f" ({hidden} hidden ones are not read)" if hidden else ""
        raise UsageError(
            f"There is no file in {', '.join(map(str, named))}{what}. Write histories with "
            "`temporal workflow show --workflow-id ID --output json > ID.json`, or name the folder of an export."
        )
    return Files(tuple(found.values()), hidden, tuple(folders.unreadable.items()))


class _Folders:
    """Folders that were looked into. Links may lead to one of them again."""

    def __init__(self) -> None:
        self.hidden = 0
        self.unreadable: dict[str, str] = {}
        self._seen: set[str] = set()

    def inside(self, folder: Path) -> list[Path]:
        """Files in it and in its folders that were not looked into before, sorted; a link to nothing is one."""
        files: list[Path] = []
        for place, folders, names in os.walk(folder, onerror=self._failed, followlinks=True):
            real = os.path.realpath(place)
            if real in self._seen:
                folders.clear()
                continue
            self._seen.add(real)
            within = Path(place)
            hides = any(part.startswith(".") for part in within.relative_to(folder).parts)
            for name in names:
                if not (within / name).is_file() and not (within / name).is_symlink():
                    continue  # a socket or a pipe holds no record
                if hides or name.startswith("."):
                    self.hidden += 1
                else:
                    files.append(within / name)
        return sorted(files)

    def _failed(self, error: OSError) -> None:
        self.unreadable[str(error.filename)] = error.strerror or str(error)
