"""`--task-key`: which root runs make one task."""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from durameter.errors import UsageError

__all__ = ["KeyKind", "TaskKey", "group_of", "parse_key"]

KeyKind = Literal["id", "search-attribute", "memo", "event"]

_EXAMPLES = {
    "id": "id:^(order-\\d+)",
    "search-attribute": "search-attribute:CustomerId",
    "memo": "memo:conversation",
    "event": "event:data.conversation_id",
}
_OF = {"temporal": ("id", "search-attribute", "memo"), "inngest": ("event",)}


@dataclass(frozen=True)
class TaskKey:
    """Runs whose value is the same are one task."""

    kind: KeyKind
    value: str
    """A regular expression for workflow ids, the name of a search attribute, the key of a memo, a field of an event."""

    def __str__(self) -> str:
        """As it was given."""
        return f"{self.kind}:{self.value}"


def parse_key(text: str, engine: str) -> TaskKey:
    """A key from `KIND:VALUE`.

    Raises:
        UsageError: it is none, or not one of this engine.
    """
    kind, colon, value = text.partition(":")
    known = ", ".join(_EXAMPLES[each] for each in _OF[engine])
    if not colon or not value or kind not in get_args(KeyKind):
        raise UsageError(f"--task-key {text!r} is not KIND:VALUE. For {engine}: {known}.")
    if kind not in _OF[engine]:
        other = next(name for name, kinds in _OF.items() if kind in kinds)
        raise UsageError(f"--task-key {kind}:... is for {other}. For {engine}: {known}.")
    if kind == "id":
        try:
            re.compile(value)
        except re.error as error:
            raise UsageError(f"--task-key id:REGEX: {value!r} is not a regular expression: {error}.") from error
    return TaskKey(cast("KeyKind", kind), value)


def group_of(pattern: str, text: str) -> str | None:
    """What a regular expression finds in an id: its first group, or all of the match; None where it finds nothing."""
    found = re.search(pattern, text)
    if found is None:
        return None
    groups = [each for each in found.groups() if each is not None]
    return groups[0] if groups else found[0]
