"""A month as it is, held against the same month with one thing changed."""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from durameter.projection.engine import Chance
from durameter.projection.monthly import EngineDraws, Series
from durameter.projection.pricing import Dollars, Pricer, quantiles
from durameter.projection.records import Quantiles, Sensitivity

__all__ = ["Base", "Kind"]

Kind = Literal["covariate", "retries", "scenario", "open_question", "variant"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Base:
    """One engine's month as it is, by the documented reading."""

    engine: EngineDraws
    volume: Decimal
    chance: Chance
    pricer: Pricer | None

    @property
    def name(self) -> str:
        """Of the engine."""
        return self.engine.sample.result.engine

    @property
    def series(self) -> Series:
        """The documented reading."""
        return self.engine.series[0]

    def dollars(self, series: Series, pricer: Pricer | None) -> Dollars | None:
        """The month of another series."""
        return None if pricer is None else pricer.draws(self.chance.units(series, self.volume), series.measured)

    def against(
        self,
        series: Series,
        kind: Kind,
        name: str,
        what: str,
        *,
        note: str = "",
        pricer: Pricer | None = None,
        change: Floats | None = None,
    ) -> Sensitivity:
        """How the month changes if it were that series, draw by draw.

        Args:
            series: the month as it would be.
            kind: of the sensitivity.
            name: of what is changed.
            what: the change in words.
            note: what to know about it.
            pricer: of another engine, if the series is another engine's.
            change: of the mean units per task, shape (draws,), where that is not the difference of the two means.
        """
        now, then = self.dollars(self.series, self.pricer), self.dollars(series, pricer or self.pricer)
        moved = series.means - self.series.means if change is None else change
        chosen = then.plans[then.chosen].id if then is not None and then.chosen is not None else ""
        return Sensitivity(
            kind=kind,
            engine=self.name,
            name=name,
            what=what,
            units_per_task=quantiles(moved),
            dollars=_difference(now, then),
            plan=chosen,
            note=note,
        )

    def plus(self, units: Floats, kind: Kind, name: str, what: str, *, note: str = "") -> Sensitivity:
        """How the month changes if a task had these units more on average, shape (draws,)."""
        center = self.series.center + Fraction(float(np.mean(units)))
        more = replace(self.series, center=center, means=np.maximum(self.series.means + units, 0))
        return self.against(more, kind, name, what, note=note)


def _difference(now: Dollars | None, then: Dollars | None) -> Quantiles | None:
    before, after = (None if each is None else each.best for each in (now, then))
    if before is None or after is None:
        return None
    both = np.isfinite(before) & np.isfinite(after)  # of either at most one draw in twenty has no price
    return quantiles(after[both] - before[both])
