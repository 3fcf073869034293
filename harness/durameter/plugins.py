"""Entry points: by which engines, workloads and conformance suites are found, never by import."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from durameter.errors import UsageError

__all__ = ["ENGINES", "SUITES", "WORKLOADS", "load_point", "points"]

ENGINES = "durameter.engines"
WORKLOADS = "durameter.workloads"
SUITES = "durameter.conformance"


@cache
def points(group: str) -> dict[str, EntryPoint]:
    """Name → entry point of everything that is installed in a group, in order of name."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}


def load_point(point: EntryPoint) -> Any:
    """What an entry point names.

    Raises:
        UsageError: it cannot be imported.
    """
    try:
        return point.load()
    except Exception as error:
        raise UsageError(f"{point.name} cannot be loaded from {point.value}: {error!r}.") from error
