"""Task keys of Inngest: a field of the event that began a run."""

import json
from collections.abc import Iterator, Mapping

from durameter.errors import UsageError
from durameter.watch.key import TaskKey

__all__ = ["see_fits", "value_at"]


def value_at(event: Mapping[str, object] | None, path: str) -> str | None:
    """A field of an event by its path, such as `data.conversation.id`; None where it is not there or no plain value."""
    value: object = event
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    if value is None or isinstance(value, Mapping | list):
        return None
    return value if isinstance(value, str) else json.dumps(value)


def see_fits(key: TaskKey, events: Mapping[str, Mapping[str, object]], groups: Mapping[str, str]) -> None:
    """See that a key finds something in any event.

    Args:
        key: of the user.
        events: what the events that began root runs say, by id.
        groups: event → value of the key, where it has one.

    Raises:
        UsageError: there are events, and it fits none.
    """
    if not events or events.keys() & groups.keys():
        return
    example = events[min(events)]
    raise UsageError(
        f"--task-key {key}: no event that started a run has the field {key.value}. "
        f"An event of this program has: {', '.join(sorted(_fields(example))) or 'no field'}."
    )


def _fields(event: Mapping[str, object], before: str = "") -> Iterator[str]:
    for name, value in event.items():
        if isinstance(value, Mapping):
            yield from _fields(value, f"{before}{name}.")
        elif name != "_inngest":
            yield f"{before}{name}"
