"""Crossovers between the plans of an engine, and between engines, in records and words."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache

from durameter.prices import money
from durameter.projection.crossover import Change, Prices, changes, grid
from durameter.projection.monthly import Series
from durameter.projection.pricing import Pricer, whole
from durameter.projection.records import Crossover

__all__ = ["Priced", "crossovers", "searched"]

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
