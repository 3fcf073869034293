"""Public names that are imported when they are first asked for."""

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

__all__ = ["lazy_names", "make_verb"]


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


class _Verb(ModuleType):
    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        api = __import__("durameter.api", fromlist=["api"])
        return getattr(api, self.__name__.rpartition(".")[2])(*arguments, **settings)


def make_verb(package: str) -> None:
    """Let a package be called as the verb of the public API that has its name.

    `durameter.measure` is both, and importing the package anywhere puts it in the verb's place.
    """
    sys.modules[package].__class__ = _Verb
