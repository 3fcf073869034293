"""The parts of a judgement that all suites have."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from durameter.conformance import Counts, Outcome
from durameter.engines.base import TaskCount
from durameter.errors import UsageError
from durameter.results.reconcile import Reconciliation

__all__ = [
    "Named",
    "SurpriseError",
    "by_kind",
    "chosen",
    "exact",
    "expect",
    "failed",
    "side_by_side",
    "skipped",
    "unexplained",
    "unlike",
    "until",
]

# Which scenarios, and several of them side by side.


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


# How a scenario sees to it that it goes as it is meant to.

_PATIENCE_SECONDS = 90


class SurpriseError(Exception):
    """The server or the SDK did something else than the scenario is about."""


def expect(found: object, wanted: object) -> None:
    """Check that the scenario goes as it is meant to.

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


def skipped(name: str, why: str, seconds: float) -> Outcome:
    """The server does not offer what the scenario needs."""
    return Outcome(name=name, state="skipped", why=why, seconds=seconds)


def failed(name: str, why: str, seconds: float) -> Outcome:
    """The scenario could not be carried out."""
    return Outcome(name=name, state="failed", why=why, seconds=seconds)


def exact(counts: Mapping[str, int]) -> Counts:
    """The same numbers as decimals."""
    return {name: Decimal(count) for name, count in counts.items()}


def by_kind(count: TaskCount, reading: str) -> Counts:
    """Kind → units of one reading."""
    counts: dict[str, Decimal] = defaultdict(Decimal)
    for unit in count.units:
        if unit.reading == reading:
            counts[unit.kind] += unit.quantity
    return dict(counts)


def unlike(what: str, expected: Mapping[str, int], found: Mapping[str, Decimal]) -> list[str]:
    """What is found otherwise than expected, in words."""
    return [
        f"{what}: {name} {found.get(name, 0)} instead of {expected.get(name, 0)}"
        for name in sorted({*expected, *found})
        if found.get(name, 0) != expected.get(name, 0)
    ]


def unexplained(proofs: Sequence[Reconciliation]) -> list[str]:
    """What comparisons of sources leave open, in words."""
    wrong: list[str] = []
    for proof in proofs:
        name = f"{proof.source} against {proof.other}"
        mine = [f"{name}: {line.kind} {line.unexplained:+} unexplained" for line in proof.lines if line.unexplained]
        mine += [f"{name}: {line.kind} differs in {', '.join(line.where)}" for line in proof.lines if line.where]
        if proof.state == "differs":
            mine += [f"{name}: {note}" for note in proof.notes]
            mine = mine or [f"{name} differs"]
        wrong += mine
    return wrong
