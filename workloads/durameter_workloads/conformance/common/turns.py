"""Which scenarios, and several of them side by side."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from durameter.conformance import Outcome
from durameter.errors import UsageError

__all__ = ["Named", "chosen", "side_by_side"]


class Named(Protocol):
    """A scenario, as far as its name goes."""

    @property
    def name(self) -> str:
        """Unique in its suite."""


NamedType = TypeVar("NamedType", bound=Named)


def chosen(engine: str, scenarios: Sequence[NamedType], only: Sequence[str]) -> list[NamedType]:
    """Those that have one of these words in their names; all where there are no words.

    Raises:
        UsageError: no scenario has such a name.
    """
    unknown = [part for part in only if not any(part in scenario.name for scenario in scenarios)]
    if unknown:
        raise UsageError(
            f"No scenario has {unknown[0]!r} in its name. `durameter conformance {engine} --list` shows them all."
        )
    return [scenario for scenario in scenarios if not only or any(part in scenario.name for part in only)]


async def side_by_side(
    scenarios: Sequence[NamedType], perform: Callable[[NamedType], Awaitable[Outcome]], *, at_once: int
) -> AsyncGenerator[Outcome, None]:
    """Perform scenarios, so many at once, and yield what came of each as they finish."""
    turns = asyncio.Semaphore(at_once)

    async def in_turn(scenario: NamedType) -> Outcome:
        async with turns:
            return await perform(scenario)

    tasks = [asyncio.create_task(in_turn(scenario)) for scenario in scenarios]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
