"""What an engine offers to a count of records that are there already: in files, or on a server."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from durameter.config import Config
from durameter.engines.base import Progress
from durameter.errors import UsageError
from durameter.results.estimates import Rate
from durameter.results.folder import Result

__all__ = ["CountRequest", "Counting", "FilesRead", "Reading"]


@dataclass
class FilesRead:
    """How the reading of files goes."""

    total: int = 0
    """Files that there are."""
    files: int = 0
    """Files read so far."""
    histories: int = 0
    """Runs whose record was read."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Place and reason of each file, or part of one, that is no record."""


Reading = Callable[[FilesRead], None]
"""Is told after each file."""


@dataclass(frozen=True)
class CountRequest:
    """What the user asked for."""

    folder: Callable[[], Path]
    """Makes the folder of the result, once there is something to count."""
    config: Config
    """Answers to open questions of the rulebook, keys of servers."""
    rates: tuple[Rate, ...] = ()
    """Units of what no record shows, as the user gave them."""
    paths: tuple[Path, ...] = ()
    """Files, and folders that hold them."""
    server: str = ""
    """Address of a server, instead of files."""
    functions: tuple[str, ...] = ()
    """Of a server: only tasks that begin with one of them."""
    since: str | None = None
    """Of a server: what was queued from this time on, as the user wrote it."""
    until: str | None = None
    """Of a server: what was queued before this time."""
    packages: tuple[str, ...] = ()
    """Distributions whose versions the result records."""


class Counting:
    """Counts records of one engine: in files, on servers, or both, as its plug-in says."""

    def claims(self, paths: Sequence[Path]) -> bool:
        """Whether these files are certainly this engine's, by their names alone."""
        del paths
        return False

    def count_files(self, request: CountRequest, told: Reading) -> Result:
        """Count all records in files and write a result folder.

        Raises:
            UsageError: there is no record in any of them.
            ResultError: the folder cannot be written.
        """
        del request, told
        raise UsageError(f"{type(self).__name__} reads no files.")

    async def count_server(self, request: CountRequest, note: Progress) -> Result:
        """Count the runs of a window on a server and write a result folder.

        Raises:
            UsageError: there is nothing to count, or the window or a name in the request is wrong.
            EngineMissingError: no such server answers.
            ResultError: the folder cannot be written.
        """
        del request, note
        raise UsageError(f"{type(self).__name__} asks no server.")
