"""Where one choice becomes cheaper than another as the volume grows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal

__all__ = ["Change", "Prices", "changes", "grid"]

Prices = Callable[[int], Mapping[str, Decimal | None]]
"""Whole tasks per month → choice → dollars; None where it has no price. In the order in which ties are broken."""

_POINTS_PER_DECADE = 4
# Between two edges of tariffs every price is a straight line, and of straight lines each is the least in one stretch
# only: the points beside the edges are for kinks that are not edges (the greater-of rule of a fee, blocks of add-ons).


@dataclass(frozen=True)
class Change:
    """The cheapest choice changes here."""

    below: str
    """The cheapest up to `volume`; empty if none has a price."""
    above: str
    volume: Fraction
    """Tasks per month; where prices cross, the exact point of the two straight lines on both sides."""
    dollars: Fraction | None
    """What both cost there; None at a step, or where the price of one of them ends."""
    why: Literal["cross", "step", "ends", "begins"]
    """Their prices cross or step past each other; or `below` has no price beyond; or `above` had none before."""


def grid(lowest: int, highest: int, edges: Iterable[Fraction] = ()) -> list[int]:
    """Volumes between which changes are looked for: evenly on a log scale, and around every known edge of a tariff."""
    points = {lowest, highest}
    step = 10 ** (1 / _POINTS_PER_DECADE)
    at = float(lowest)
    while at < highest:
        points.add(int(at))
        at *= step
    for edge in edges:
        points |= {int(edge), int(edge) + 1}
    return sorted(point for point in points if lowest <= point <= highest)


def changes(prices: Prices, points: Iterable[int]) -> Iterator[Change]:
    """Every change of the cheapest choice, from the lowest volume to the highest.

    Between two neighbouring points with different choices the place is found by halving, down to two neighbouring whole
    volumes; between those the prices are straight lines, so that their crossing is exact. Two changes between two
    neighbouring points that end with the same choice are not seen: give the tariffs' edges among the points.
    """
    cache: dict[int, str] = {}

    def best(volume: int) -> str:
        if volume not in cache:
            cache[volume] = _cheapest(prices(volume))
        return cache[volume]

    for low, high in pairwise(points):
        at = low
        while best(at) != best(high):
            before, after = at, high  # the last volume with the choice of `at`, and the next one
            while after - before > 1:
                middle = (before + after) // 2
                if best(middle) == best(at):
                    before = middle
                else:
                    after = middle
            yield _change(best(before), best(after), before, prices)
            at = after


def _cheapest(found: Mapping[str, Decimal | None]) -> str:
    priced = {name: amount for name, amount in found.items() if amount is not None}
    return min(priced, key=lambda name: priced[name]) if priced else ""


def _change(below: str, above: str, volume: int, prices: Prices) -> Change:
    """The exact crossing between `volume` and the next one, or the step there."""
    here, there = prices(volume), prices(volume + 1)
    corners = [here.get(below), here.get(above), there.get(below), there.get(above)]
    if any(corner is None for corner in corners):
        return Change(below, above, Fraction(volume), None, "ends" if below and corners[2] is None else "begins")
    old0, new0, old1, new1 = (Fraction(corner) for corner in corners if corner is not None)
    gap0, gap1 = new0 - old0, new1 - old1  # from above zero (or zero) to below zero
    if _steps(volume, below, above, prices, gap0 - gap1):
        return Change(below, above, Fraction(volume), None, "step")
    part = gap0 / (gap0 - gap1)
    return Change(below, above, volume + part, old0 + part * (old1 - old0), "cross")


def _steps(volume: int, below: str, above: str, prices: Prices, jump: Fraction) -> bool:
    """Whether the prices jump between `volume` and the next one, seen by how they move beside it."""
    slopes = []
    for at in (volume - 1, volume + 1):
        before, after = (prices(at), prices(at + 1)) if at > 0 else ({}, {})
        moved = [before.get(below), before.get(above), after.get(below), after.get(above)]
        if all(each is not None for each in moved):
            old0, new0, old1, new1 = (Fraction(each) for each in moved if each is not None)
            slopes.append(abs((new0 - old0) - (new1 - old1)))
    return bool(slopes) and jump > 3 * max(slopes)
