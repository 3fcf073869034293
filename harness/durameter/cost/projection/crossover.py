"""Where one choice becomes cheaper than another as the volume grows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Literal

from durameter.cost.prices import money
from durameter.cost.projection.draws import Series
from durameter.cost.projection.pricing import Pricer, whole
from durameter.cost.projection.records import Crossover

__all__ = [
    "Change",
    "Priced",
    "Prices",
    "changes",
    "crossovers",
    "grid",
    "searched",
]

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


# Crossovers between the plans of an engine, and between engines, in records and words.

_DECADES_ABOVE = 1000
_AT_LEAST = 10**7

Priced = tuple[str, Pricer, Series]
"""An engine, its plans, and its units by the documented reading."""


def searched(volume: Decimal) -> tuple[int, int]:
    """Tasks per month between which crossovers are looked for."""
    return 1, max(int(volume) * _DECADES_ABOVE, _AT_LEAST)


def crossovers(engines: Sequence[Priced], volume: Decimal) -> tuple[Crossover, ...]:
    """Every crossover between engines, then between the plans of each."""
    low, high = searched(volume)
    edges = [edge for _, pricer, series in engines for edge in _edges(pricer, series.middle)]
    points = grid(low, high, edges)
    each = {name: _cached(pricer, series) for name, pricer, series in engines}
    found: list[Crossover] = []
    if len(engines) > 1 and len({pricer.book.currency for _, pricer, _ in engines}) == 1:

        def cheapest(at: int) -> Mapping[str, Decimal | None]:
            return {name: _least(prices(at)) for name, prices in each.items()}

        found += _between_engines(cheapest, list(each), points, engines[0][1].book.currency)
    for name, pricer, series in engines:
        found += _between_plans(name, pricer, series.middle, each[name], points)
    return tuple(found)


def _cached(pricer: Pricer, series: Series) -> Prices:
    @cache
    def prices(at: int) -> Mapping[str, Decimal | None]:
        return pricer.costs(at * series.middle, series.measured)

    return prices


def _least(found: Mapping[str, Decimal | None]) -> Decimal | None:
    return min((amount for amount in found.values() if amount is not None), default=None)


def _edges(pricer: Pricer, per_task: Fraction) -> Iterator[Fraction]:
    """Volumes at which a tariff of units changes its slope or steps."""
    if per_task <= 0:
        return
    for plan in pricer.plans:
        if plan.units is not None:
            shift = plan.units.included if plan.units.bands_over == "beyond_included" else Decimal(0)
            ends = [plan.units.included, *(band.up_to + shift for band in plan.units.bands if band.up_to is not None)]
            ends += [fee.up_to for fee in plan.base_fees if fee.up_to is not None]
            yield from (Fraction(end) / per_task for end in ends)


def _between_engines(
    prices: Prices, engines: Sequence[str], points: Sequence[int], currency: str
) -> Iterator[Crossover]:
    reach = (Decimal(points[0]), Decimal(points[-1]))
    any_found = False
    for change in changes(prices, points):
        if not change.below or not change.above:
            continue
        any_found = True
        at = whole(change.volume)
        dollars = None if change.dollars is None else whole(change.dollars)
        words = _words(change, change.below, change.above, f"{_round(at)} tasks a month", currency)
        yield Crossover(
            between="engines",
            engine="",
            first=change.below,
            second=change.above,
            volume=at,
            units=None,
            dollars=dollars,
            searched=reach,
            words=words,
        )
    if not any_found:
        best = next((name for name in _order(prices, points) if name), "")
        others = [name for name in engines if name != best]
        yield Crossover(
            between="engines",
            engine="",
            first=best,
            second=", ".join(others),
            volume=None,
            units=None,
            dollars=None,
            searched=reach,
            words=f"no crossover up to {_round(reach[1])} tasks a month: {best} is the cheaper one throughout",
        )


def _order(prices: Prices, points: Sequence[int]) -> list[str]:
    """The cheapest at each point, once each."""
    found: dict[str, None] = {}
    for at in points:
        priced = {name: amount for name, amount in prices(at).items() if amount is not None}
        if priced:
            found.setdefault(min(priced, key=lambda name: priced[name]))
    return list(found)


def _between_plans(
    engine: str, pricer: Pricer, per_task: Fraction, prices: Prices, points: Sequence[int]
) -> Iterator[Crossover]:
    names = {plan.id: plan.name for plan in pricer.plans}
    reach = (Decimal(points[0]), Decimal(points[-1]))
    for change in changes(prices, points):
        if not change.below:
            continue
        at, units = whole(change.volume), whole(change.volume * per_task)
        where = f"{_round(at)} tasks a month ({_round(units)} {pricer.book.unit}s)"
        dollars = None if change.dollars is None else whole(change.dollars)
        if not change.above:
            words = f"{engine}: above {where} no plan has a published price"
        else:
            words = f"{engine}: {_words(change, names[change.below], names[change.above], where, pricer.book.currency)}"
        yield Crossover(
            between="plans",
            engine=engine,
            first=change.below,
            second=change.above,
            volume=at,
            units=units,
            dollars=dollars,
            searched=reach,
            words=words,
        )
    cheapest = _order(prices, points)
    for plan in pricer.plans:
        priced = any(prices(at).get(plan.id) is not None for at in points)
        if priced and plan.id not in cheapest:
            yield Crossover(
                between="plans",
                engine=engine,
                first=cheapest[0],
                second=plan.id,
                volume=None,
                units=None,
                dollars=None,
                searched=reach,
                words=f"{engine}: {plan.name} is never the cheapest up to {_round(reach[1])} tasks a month",
            )


def _words(change: Change, below: str, above: str, where: str, currency: str) -> str:
    if change.why == "ends":
        return f"{below} up to {where}, where it ends; {above} beyond"
    if change.why == "begins":
        return f"{below} up to {where}, where {above} begins, which is cheaper"
    if change.why == "step":
        return f"{below} is cheaper up to {where}, {above} above, by a step in the price"
    both = money(whole(change.dollars or Fraction()), currency)
    return f"{below} is cheaper up to {where}, {above} above; there both cost {both} a month"


def _round(value: Decimal) -> str:
    return f"{value.quantize(Decimal(1)):,f}"
