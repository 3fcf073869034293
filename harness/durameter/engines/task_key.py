"""Which roots make one task, what it is called, and `--task-key`, by which the user says so."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from durameter.errors import UsageError
from durameter_collectors.union_find import Groups

__all__ = ["Root", "RootGroup", "TaskKey", "group_of", "group_roots", "parse_key", "safe_id"]


@dataclass(frozen=True)
class TaskKey:
    """Runs whose value is the same are one task."""

    kind: str
    """One of the engine's own: `id`, whose value is a regular expression for ids, or another."""
    value: str
    """What the kind asks for: a regular expression, the name of an attribute, a field."""

    def __str__(self) -> str:
        """As it was given."""
        return f"{self.kind}:{self.value}"


def parse_key(text: str, examples: Mapping[str, Mapping[str, str]], engine: str) -> TaskKey:
    """A key from `KIND:VALUE`.

    Args:
        text: what the user wrote.
        examples: engine → kind → example, of all engines.
        engine: for which it is.

    Raises:
        UsageError: it is none, or not one of this engine.
    """
    kind, colon, value = text.partition(":")
    own = examples.get(engine, {})
    known = ", ".join(own.values()) or "there is none"
    others = [name for name, kinds in examples.items() if kind in kinds]
    if not colon or not value or (kind not in own and not others):
        raise UsageError(f"--task-key {text!r} is not KIND:VALUE. For {engine}: {known}.")
    if kind not in own:
        raise UsageError(f"--task-key {kind}:... is for {' and '.join(others)}. For {engine}: {known}.")
    if kind == "id":
        try:
            re.compile(value)
        except re.error as error:
            raise UsageError(f"--task-key id:REGEX: {value!r} is not a regular expression: {error}.") from error
    return TaskKey(kind, value)


def group_of(pattern: str, text: str) -> str | None:
    """What a regular expression finds in an id: its first group, or all of the match; None where it finds nothing."""
    found = re.search(pattern, text)
    if found is None:
        return None
    groups = [each for each in found.groups() if each is not None]
    return groups[0] if groups else found[0]


_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 80

T = TypeVar("T")


def safe_id(text: str) -> str:
    """An id that can name a file: `text` itself where it can, else with a short hash, so that it stays its own."""
    safe = _UNSAFE.sub("-", text).strip("-")[:_LONGEST]
    if text and safe == text:
        return text
    return f"{safe or 'task'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Root(Generic[T]):
    """Something that began by itself: nothing that is counted led to it."""

    of: T
    """The engine's own record of it."""
    name: str
    """What its task is called, unless a key groups it."""
    full_name: str
    """The same, where several tasks would be called that."""
    keys: tuple[str, ...] = ()
    """What the task key finds in it: roots that have a value in common are one task."""
    shared: tuple[str, ...] = ()
    """What else makes it one task with other roots that have it too, such as the event that started them."""


@dataclass(frozen=True)
class RootGroup(Generic[T]):
    """The roots of one task."""

    id: str
    """Safe as a name of a file, and unique among the tasks."""
    name: str
    """The value of the key, or what its first root is called."""
    keys: tuple[str, ...]
    """All values of the key in it, sorted."""
    roots: tuple[T, ...]
    """In the order in which they were given."""


def group_roots(roots: Iterable[Root[T]]) -> list[RootGroup[T]]:
    """Group roots into tasks, in the order of the first root of each."""
    groups = Groups()
    members: dict[Hashable, list[Root[T]]] = defaultdict(list)
    numbered = list(enumerate(roots))
    for number, root in numbered:
        for name in (*(("key", each) for each in root.keys), *(("shared", each) for each in root.shared)):
            groups.join(name, number)
    for number, root in numbered:
        members[groups.of(number)].append(root)
    keys = [tuple(sorted({key for root in group for key in root.keys})) for group in members.values()]
    names = [values[0] if values else group[0].name for values, group in zip(keys, members.values(), strict=True)]
    ids = [safe_id(name) for name in names]
    times = Counter(ids)
    return [
        RootGroup(
            id=short if times[short] == 1 else safe_id(f"key:{name}" if values else group[0].full_name),
            name=name,
            keys=values,
            roots=tuple(root.of for root in group),
        )
        for short, name, values, group in zip(ids, names, keys, members.values(), strict=True)
    ]
