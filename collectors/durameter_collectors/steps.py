"""Names of agent-level steps, and the cause that many steps share."""

import re

__all__ = ["cause_of"]

_COUNTER = re.compile(r"[\s_:#.\-]*\d+(?:\.\d+)*$")


def cause_of(step: str) -> str:
    """What a step name says without its place and its counter.

    `message 2 / call_model 3` is the third `call_model` of message 2; `fetch-page-12` is one `fetch-page` of many.
    A name that is nothing but a counter is kept.
    """
    last = step.rsplit("/", 1)[-1].strip()
    return _COUNTER.sub("", last) or last
