"""Which events a step sent, by its output."""

import re
from collections.abc import Iterator

__all__ = ["events_in_output"]

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_MOST = 5_000
"""What the server takes at once (pkg/consts)."""


def events_in_output(output: object) -> Iterator[str]:
    """Ids of events in the output of `step.send_event`: a list (Python), or one under `ids` (TypeScript).

    SDKs may wrap an output in `data`. A step of the user's that returns a list of event ids says the same.
    """
    while isinstance(output, dict) and "ids" not in output and "data" in output:
        output = output["data"]
    ids = output.get("ids") if isinstance(output, dict) else output
    if isinstance(ids, list) and len(ids) <= _MOST and all(isinstance(e, str) and _ULID.fullmatch(e) for e in ids):
        yield from ids
