"""One engine's month: its readings, its curve over volumes, its months of growth."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from durameter.cost.projection.draws import EngineDraws, Series
from durameter.cost.projection.pricing import Dollars, Pricer, plan_months, quantiles, whole, why_none
from durameter.cost.projection.records import CurvePoint, MonthAhead, PlanMonth, Quantiles, ReadingProjection

__all__ = ["Chance", "curve", "curve_volumes", "months_ahead", "read", "together"]

Floats = NDArray[np.float64]

_PER_DECADE = 8
_DECADES = 2


@dataclass(frozen=True)
class Chance:
    """What all engines share: the volume of each month, and the chance that is left in it."""

    volumes: Floats
    """Tasks, shape (months, draws); the first month is the one that is asked for."""
    normal: Floats
    """Standard normal draws, shape (months, draws)."""

    def units(self, series: Series, volume: Decimal) -> NDArray[np.int64]:
        """Units of the first month at another volume, shape (draws,)."""
        month: NDArray[np.int64] = series.units(np.array([[float(volume)]]), self.normal[:1])[0]
        return month


def read(
    series: Series, volume: Decimal, chance: Chance, pricer: Pricer | None
) -> tuple[ReadingProjection, Dollars | None]:
    """One reading of one engine, and its dollars draw by draw."""
    units = chance.units(series, volume)
    found = quantiles(units)
    dollars = pricer.draws(units, series.measured) if pricer is not None else None
    plans: tuple[PlanMonth, ...] = ()
    if pricer is not None and dollars is not None:
        plans = plan_months(pricer, dollars, Fraction(found.p50), Fraction(found.p95), series.measured)
    chosen = dollars.chosen if dollars is not None else None
    month = plans[chosen].dollars if chosen is not None else None
    return (
        ReadingProjection(
            reading=series.reading,
            units_per_task=_per(found, volume),
            units=found,
            plans=plans,
            plan=plans[chosen].plan if chosen is not None else "",
            why_none=why_none(plans) if pricer is not None and chosen is None else "",
            dollars=month,
            dollars_per_task=None if month is None else _per(month, volume),
            dollars_next_task=None if pricer is None or chosen is None else _next(pricer, chosen, series, volume),
        ),
        dollars,
    )


def _per(month: Quantiles, volume: Decimal) -> Quantiles:
    return Quantiles(
        **{name: whole(Fraction(getattr(month, name)) / Fraction(volume)) for name in ("p5", "p50", "p95")}
    )


def _next(pricer: Pricer, chosen: int, series: Series, volume: Decimal) -> Decimal | None:
    plan = pricer.plans[chosen]
    now, then = (pricer.cost(plan, Fraction(at) * series.middle, series.measured).amount for at in (volume, volume + 1))
    return None if now is None or then is None else then - now


def curve_volumes(volume: Decimal) -> list[Decimal]:
    """Whole tasks per month around the one asked for, evenly on a log scale, two decades to either side."""
    steps = range(-_DECADES * _PER_DECADE, _DECADES * _PER_DECADE + 1)
    every = {Decimal(max(round(float(volume) * 10 ** (step / _PER_DECADE)), 1)) for step in steps if step}
    return sorted(every | {volume})


def curve(series: Series, volumes: Sequence[Decimal], chance: Chance, pricer: Pricer | None) -> tuple[CurvePoint, ...]:
    """The month at each volume."""
    points = []
    for volume in volumes:
        units = chance.units(series, volume)
        plans: dict[str, Quantiles | None] = {}
        chosen = None
        if pricer is not None:
            dollars = pricer.draws(units, series.measured)
            chosen = dollars.chosen
            for plan, amounts in zip(pricer.plans, dollars.amounts, strict=True):
                found = quantiles(np.where(np.isfinite(amounts), amounts, _NO_PRICE))
                plans[plan.id] = found if found.p95 < _NO_PRICE else None
        name = pricer.plans[chosen].id if pricer is not None and chosen is not None else ""
        points.append(CurvePoint(volume=volume, units=quantiles(units), plans=plans, plan=name))
    return tuple(points)


_NO_PRICE = 1e18


def months_ahead(
    series: Series, chance: Chance, pricer: Pricer | None
) -> tuple[tuple[MonthAhead, ...], Quantiles | None]:
    """Each month on its cheapest plan, and all of them together."""
    units = series.units(chance.volumes, chance.normal)
    months = []
    total: Floats | None = np.zeros(units.shape[1])
    for number, (row, volumes) in enumerate(zip(units, chance.volumes, strict=True), start=1):
        tasks = quantiles(np.round(volumes, 6))
        dollars = pricer.draws(row, series.measured) if pricer is not None else None
        best = dollars.best if dollars is not None else None
        total = None if best is None or total is None else total + best
        chosen = dollars.plans[dollars.chosen] if dollars is not None and dollars.chosen is not None else None
        why = "" if chosen is not None else "not priced" if dollars is None else "no plan has a price at this volume"
        months.append(
            MonthAhead(
                month=number,
                volume=tasks,
                units=quantiles(row),
                plan=chosen.id if chosen is not None else "",
                dollars=None if best is None else quantiles(best),
                why_none=why,
            )
        )
    return tuple(months), together(total) if len(months) > 1 else None


def together(total: Floats | None) -> Quantiles | None:
    """Quantiles of a sum, if it has a price."""
    if total is None:
        return None
    found = np.where(np.isfinite(total), total, _NO_PRICE)
    sums = quantiles(found)
    return sums if sums.p95 < _NO_PRICE else None


def exact(draws: EngineDraws) -> bool:
    """Whether no reading varies."""
    return all(series.exact for series in draws.series)
