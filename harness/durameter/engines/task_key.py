"""`--task-key`: which root runs make one task."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from durameter.errors import UsageError

__all__ = ["TaskKey", "group_of", "parse_key"]


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
