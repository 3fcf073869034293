"""Public names that are imported when they are first asked for."""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    package: dict[str, Any], places: Mapping[str, str], more: Callable[[], Mapping[str, str]] = dict
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package.

    Args:
        package: its `globals()`, where a name stays once it was imported.
        places: name → module that has it.
        more: further ones, looked up when a name is in neither and does not begin with `_`.
    """

    def get(name: str) -> object:
        place = places.get(name)
        if place is None and not name.startswith("_"):
            place = more().get(name)
        if place is None:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        # As the statement does it, and not by importlib: sandboxes of workflows watch the statement.
        value = getattr(__import__(place, fromlist=[name]), name)
        package[name] = value
        return value

    def names() -> list[str]:
        return sorted({*package, *places, *more()})

    return get, names
