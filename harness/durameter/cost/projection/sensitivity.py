"""What drives the month: shapes, retries, bad days, open questions, variants."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from durameter.cost.projection.draws import EngineDraws, Hits, Series, ShapeModel
from durameter.cost.projection.months import Chance
from durameter.cost.projection.pricing import Dollars, Pricer, quantiles
from durameter.cost.projection.records import Quantiles, Sensitivity
from durameter_collectors.rulebook import Rulebook
from durameter_collectors.units import Unit

__all__ = [
    "Base",
    "Kind",
    "by_covariate",
    "by_question",
    "by_retries",
    "by_scenario",
    "by_variant",
]

# A month as it is, compared with the same month with one thing changed.

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


def by_covariate(base: Base, model: ShapeModel, seed: int) -> Iterator[Sensitivity]:
    """One more of each covariate on average, the others as they are.

    A covariate whose marginal the measured tasks cannot tell has none: it is named by the model's warnings.

    Raises:
        UsageError: the tasks are too few for any marginal.
    """
    draws = len(base.series.means)
    reading = base.series.reading
    usual = model.draw(reading, draws, np.random.default_rng([seed, 4]))
    for names in model.telling:
        more = model.draw(reading, draws, np.random.default_rng([seed, 4]), more=names)
        what = ", ".join(name.replace("_", " ").removesuffix("s") for name in names)
        one = "one more" if len(names) == 1 else "one more each of"
        together = "" if len(names) == 1 else " (they always went together)"
        yield base.plus(more - usual, "covariate", "+".join(names), f"{one} {what} per task on average{together}")


def by_retries(base: Base, units: Sequence[Unit]) -> Sensitivity | None:
    """Twice the retries: the units of every attempt after the first once more. None if there were none."""
    names = {task.task for task in base.engine.sample.tasks}
    again = [
        unit.quantity for unit in units if unit.reading == "documented" and unit.attempt > 1 and unit.task in names
    ]
    if not again:
        return None
    return base.plus(_scaled(base, sum(again, Decimal(0))), "retries", "retries", "twice as many retries")


def by_scenario(base: Base, found: Mapping[str, Hits], notes: Mapping[str, str]) -> Iterator[Sensitivity]:
    """Each measured scenario that is not in the month yet, at its own share of the tasks."""
    for name, hit in found.items():
        series = replace(base.series, hits=(*base.series.hits, hit))
        what = f"{name.replace('_', ' ')} hits {hit.share * 100:.3g} % of the tasks"
        yield base.against(series, "scenario", name, what, note=notes.get(name, ""), change=hit.share * hit.extras)


def by_question(base: Base, units: Sequence[Unit], rules: Rulebook) -> Iterator[Sensitivity]:
    """Each open question, answered the other way."""
    names = {task.task for task in base.engine.sample.tasks}
    sums: dict[tuple[str, bool], Decimal] = {}
    for unit in units:
        if unit.task in names and (switch := rules.rule(unit.rule).switch):
            key = (switch, unit.reading == "upper")
            sums[key] = sums.get(key, Decimal(0)) + unit.quantity
    questions = {switch.name: switch.question for switch in rules.switches}
    for (name, billed), total in sums.items():
        what = f"{name} {'billed' if billed else 'free'} ({questions[name]})"
        yield base.plus(_scaled(base, total if billed else -total), "open_question", name, what)


def by_variant(base: Base, other: EngineDraws, pricer: Pricer | None, name: str, what: str) -> Sensitivity:
    """The other measurement instead of this one; same tasks, so that both vary together."""
    series = replace(other.series[0], hits=base.series.hits)
    note = "both with the scenarios of this measurement" if base.series.hits else ""
    return base.against(series, "variant", name, what, note=note, pricer=pricer)


def _scaled(base: Base, total: Decimal) -> Floats:
    """Units per task that go along with the mean: the same share of it in every draw."""
    sample = base.engine.sample
    mean = float(sample.mean("documented"))
    per_task = float(total) / len(sample.tasks)
    return base.series.means * (per_task / mean) if mean else np.full(len(base.series.means), per_task)
