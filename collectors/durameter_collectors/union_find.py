"""Names that belong together. scipy's `DisjointSet` does the same and takes a second of CPU to import."""

from collections.abc import Hashable

__all__ = ["Groups"]


class Groups:
    """Groups of names (a union-find with path halving)."""

    def __init__(self) -> None:
        self._over: dict[Hashable, Hashable] = {}

    def of(self, name: Hashable) -> Hashable:
        """The name that stands for its group; a name that is not known yet is a group of its own."""
        while (over := self._over.setdefault(name, name)) != name:
            self._over[name] = self._over[over]
            name = self._over[name]
        return name

    def join(self, one: Hashable, other: Hashable) -> None:
        """Make one group of two."""
        self._over[self.of(one)] = self.of(other)
