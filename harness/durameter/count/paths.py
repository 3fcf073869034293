"""Which files are meant: files themselves, and all that lie in folders."""

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


def files_of(named: Sequence[Path]) -> Files:
    """Every file, and every file in every folder and its folders.

    Raises:
        UsageError: one is not there, or a folder cannot be read, or there is no file at all.
    """
    found: dict[Path, Path] = {}
    hidden = 0
    for path in named:
        if not path.exists():
            raise UsageError(f"{path} is not there. Name files of histories, or folders that hold them.")
        if not path.is_dir():
            found.setdefault(path.resolve(), path)
            continue
        try:
            inside = sorted(each for each in path.rglob("*") if each.is_file() or each.is_symlink())
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
        for each in inside:
            if any(part.startswith(".") for part in each.relative_to(path).parts):
                hidden += 1
            else:
                found.setdefault(each.resolve(), each)
    if not found:
        what = f" ({hidden} hidden ones are not read)" if hidden else ""
        raise UsageError(
            f"There is no file in {', '.join(map(str, named))}{what}. Write histories with "
            "`temporal workflow show --workflow-id ID --output json > ID.json`, or name the folder of an export."
        )
    return Files(tuple(found.values()), hidden)
