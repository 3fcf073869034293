"""How a scenario sees to it that it goes as it is meant to."""

import asyncio
import time
from collections.abc import Awaitable, Callable

__all__ = ["SurpriseError", "expect", "until"]

_PATIENCE_SECONDS = 90


class SurpriseError(Exception):
    """The server or the SDK did something else than the scenario is about."""


def expect(found: object, wanted: object) -> None:
    """See that the scenario goes as it is meant to.

    Raises:
        SurpriseError: it does not.
    """
    if found != wanted:
        raise SurpriseError(f"{found!r} where the scenario is about {wanted!r}")


async def until(
    condition: Callable[[], Awaitable[bool]],
    what: str,
    *,
    every: float = 0.05,
    forgiving: tuple[type[Exception], ...] = (),
) -> None:
    """Ask until it holds; servers offer nothing to wait on, and asking is free.

    Args:
        condition: asks once.
        what: is waited for, in words.
        every: seconds between two questions.
        forgiving: errors that mean "not yet".

    Raises:
        TimeoutError: it never did.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    problem = ""
    while time.monotonic() < deadline:
        try:
            if await condition():
                return
        except forgiving as error:
            problem = f": {error}"
        await asyncio.sleep(every)
    raise TimeoutError(f"never saw {what}{problem}")
