"""From the records of a result to the numbers that the plots draw."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

import numpy as np

from durameter.cost.prices import PriceBook, Tariff
from durameter.cost.profile import Profile
from durameter.cost.projection import Crossover, CurvePoint, EngineProjection, PlanMonth, Quantiles
from durameter.errors import UsageError
from durameter.report.measurement import EngineReport
from durameter.report.page.cost_plots import CostLine, Mark, PlanRow, Stretch, at
from durameter.report.page.unit_plots import Dot, Fit, KindBar
from durameter.results.model import EngineResult, TaskResult

__all__ = [
    "cheapest_line",
    "counted_tasks",
    "dots",
    "engine_crossings",
    "fit_along",
    "kind_bars",
    "plan_crossings",
    "plan_lines",
    "plan_rows",
    "turns_covariate",
]

_TURNS = ("model_calls", "model_turns", "turns", "model_replies")
_STEPS = 25
_DRAWS = 2_000
MOST_DOTS: Final = 400
"""In one plot; a page has a size to keep."""


def counted_tasks(result: EngineResult | None) -> list[TaskResult]:
    """The tasks that the report's figures are of."""
    return [] if result is None else list(result.sample)


def kind_bars(engine: EngineReport, tasks: Sequence[TaskResult]) -> list[KindBar]:
    """Means per task as the report has them; what might be free is in the tasks only."""
    bars = []
    for line in engine.kinds:
        opened = sum((task.kinds[line.name].open for task in tasks if line.name in task.kinds), Decimal(0))
        part = float(opened) / len(tasks) if tasks else 0.0
        bars.append(KindBar(line.name, float(line.documented.mean), part, float(line.upper)))
    return bars


def turns_covariate(tasks: Sequence[TaskResult]) -> str:
    """The covariate to draw units against: the model's turns; else the one that goes along with units most closely."""
    names = dict.fromkeys(name for task in tasks for name in task.covariates)
    varied = [name for name in names if len({task.covariates.get(name, 0.0) for task in tasks}) > 1]
    if known := next((name for name in _TURNS if name in varied), ""):
        return known
    units = np.array([float(task.units) for task in tasks])
    if not varied or units.size == 0 or units.min() == units.max():
        return varied[0] if varied else ""
    columns = {name: np.array([task.covariates.get(name, 0.0) for task in tasks]) for name in varied}
    return max(varied, key=lambda name: abs(float(np.corrcoef(columns[name], units)[0, 1])))


def dots(tasks: Sequence[TaskResult], turns: str) -> list[Dot]:
    """A dot for all tasks with the same turns and units, all readings; thinned evenly where they are too many."""
    found = Counter(
        (task.covariates.get(turns, 0.0), float(task.units), float(task.units_lower), float(task.units_upper))
        for task in tasks
    )
    every = -(-len(found) // MOST_DOTS) or 1
    return [Dot(*figures, found[figures]) for figures in sorted(found)[::every]]


def fit_along(profile: Profile, tasks: Sequence[TaskResult], turns: str) -> Fit | None:
    """What the profile says of tasks with so many turns: their mean, and how sure it is.

    The other covariates go along with the turns as they do in these tasks, by least squares, and are not below zero:
    a task with more turns has more tool calls. None where the profile does not have the turns.
    """
    names = profile.covariate_names
    if turns not in names or not tasks:
        return None
    matrix = np.array([[task.covariates.get(name, 0.0) for name in names] for task in tasks])
    along = matrix[:, names.index(turns)]
    if along.min() == along.max():
        return None
    slopes, starts = np.polyfit(along, matrix, 1)
    steps = np.linspace(along.min(), along.max(), _STEPS)
    rows = np.maximum(starts + np.outer(steps, slopes), 0.0)
    mean = [profile.mean_units(dict(zip(names, row.tolist(), strict=True))) for row in rows]
    if profile.lines().exact:
        note = (
            "The line is the profile's. It is exact: dots beside it are tasks with more or fewer of the other "
            "covariates, and the profile says each of them."
        )
        return Fit(steps.tolist(), mean, mean, mean, note)
    try:
        drawn = [profile.draw_means(np.tile(row, (_DRAWS, 1)), rng=np.random.default_rng(0)) for row in rows]
    except UsageError:  # too few tasks for any interval
        return Fit(steps.tolist(), mean, mean, mean, "The line is the profile's; these tasks are too few for a band.")
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    note = (
        "The line is the profile's, the band is where it may be (95 %). Dots beside it are tasks with more or fewer of "
        "the other covariates, or retries."
    )
    return Fit(steps.tolist(), mean, low.tolist(), high.tolist(), note)


def _side(points: Sequence[Quantiles | None]) -> tuple[list[float], list[float], list[float]]:
    known = [(float(q.p5), float(q.p50), float(q.p95)) if q else (math.nan,) * 3 for q in points]
    p5, p50, p95 = zip(*known, strict=True) if known else ((), (), ())
    return list(p5), list(p50), list(p95)


def cheapest_line(engine: EngineProjection, crossovers: Sequence[Crossover], colour: str) -> CostLine:
    """Dollars on the plan that is cheapest at each volume, with a step where the plan changes by one."""
    steps = [float(each.volume) for each in _turnovers(crossovers, engine) if each.volume and each.dollars is None]
    volumes: list[float] = []
    found: list[Quantiles | None] = []
    for position, point in enumerate(engine.curve):
        before, here = engine.curve[max(position - 1, 0)], float(point.volume)
        for step in (each for each in steps if float(before.volume) < each < here and before.plan != point.plan):
            volumes += [step, step]
            found += [before.plans.get(before.plan), point.plans.get(point.plan)]
        volumes.append(here)
        found.append(point.plans.get(point.plan))
    p5, p50, p95 = _side(found)
    return CostLine(engine.engine, colour, volumes, p5, p50, p95, strong=True)


def plan_lines(engine: EngineProjection, colour: str, book: PriceBook | None) -> list[CostLine]:
    """Dollars on every plan that has a price somewhere on the curve."""
    chosen = engine.reading("documented")
    per_task = float(chosen.units_per_task.p50) if chosen else 0.0
    tariffs = {plan.id: plan.units for plan in book.plans} if book else {}
    lines = []
    for plan in _plans(engine):
        points = [point.plans.get(plan.plan) for point in engine.curve]
        if any(points):
            p5, p50, p95 = _side(points)
            lines.append(
                CostLine(
                    plan.name,
                    colour,
                    [float(point.volume) for point in engine.curve],
                    p5,
                    p50,
                    p95,
                    strong=chosen is not None and plan.plan == chosen.plan,
                    estimate=plan.estimate,
                    tiers=_tiers(tariffs.get(plan.plan), per_task),
                )
            )
    return lines


def _plans(engine: EngineProjection) -> tuple[PlanMonth, ...]:
    found = engine.reading("documented")
    return found.plans if found else ()


def _tiers(tariff: Tariff | None, per_task: float) -> list[float]:
    """Tasks per month at which one price per unit gives way to the next."""
    if tariff is None or not per_task:
        return []
    start = tariff.included if tariff.bands_over == "beyond_included" else Decimal(0)
    edges = {tariff.included} | {start + edge for band in tariff.bands for edge in (band.above, band.up_to) if edge}
    return sorted(float(edge) / per_task for edge in edges if edge)


def engine_crossings(crossovers: Sequence[Crossover], lines: Mapping[str, CostLine]) -> list[Mark]:
    """Where one engine becomes cheaper than another."""
    marks = []
    for each in crossovers:
        if each.between == "engines" and each.volume is not None and each.second in lines:
            line = lines[each.second]
            dollars = at(line.volumes, line.p50, float(each.volume)) if each.dollars is None else each.dollars
            marks.append(Mark(float(each.volume), float(dollars)))
    return [mark for mark in marks if math.isfinite(mark.dollars)]


def plan_crossings(crossovers: Sequence[Crossover], engine: EngineProjection) -> list[Mark]:
    """Where the cheapest plan of an engine changes; crossings of dearer plans are left to the table."""
    volumes = [float(point.volume) for point in engine.curve]
    marks = []
    for each in _turnovers(crossovers, engine):
        _, p50, _ = _side([point.plans.get(each.second) for point in engine.curve])
        dollars = at(volumes, p50, float(each.volume or 0)) if each.dollars is None else float(each.dollars)
        if math.isfinite(dollars):
            marks.append(Mark(float(each.volume or 0), dollars))
    return marks


def _turnovers(crossovers: Sequence[Crossover], engine: EngineProjection) -> list[Crossover]:
    changes = {(before.plan, after.plan) for before, after in pairwise(engine.curve) if before.plan != after.plan}
    return [
        each
        for each in crossovers
        if each.between == "plans"
        and each.engine == engine.engine
        and each.volume is not None
        and (each.first, each.second) in changes
    ]


def plan_rows(engine: EngineProjection, crossovers: Sequence[Crossover]) -> list[PlanRow]:
    """Where on the curve each plan has a price, and where it is the cheapest."""
    exact = [float(each.volume) for each in _turnovers(crossovers, engine) if each.volume is not None]
    return [
        PlanRow(
            f"{plan.name} (est.)" if plan.estimate else plan.name,
            _stretches(engine.curve, [point.plans.get(plan.plan) is not None for point in engine.curve], []),
            _stretches(engine.curve, [point.plan == plan.plan for point in engine.curve], exact),
            plan.why_not,
        )
        for plan in _plans(engine)
    ]


def _stretches(curve: Sequence[CurvePoint], flags: Sequence[bool], exact: Sequence[float]) -> list[Stretch]:
    """Runs of flagged points; between two points the known volume, else the middle, is where a run ends."""
    volumes = [float(point.volume) for point in curve]
    edges = [volumes[0]]
    for low, high in pairwise(volumes):
        edges.append(next((each for each in exact if low <= each <= high), math.sqrt(low * high)))
    edges.append(volumes[-1])
    found: list[Stretch] = []
    for position, flag in enumerate(flags):
        if flag:
            low = found.pop()[0] if position and flags[position - 1] else edges[position]
            found.append((low, edges[position + 1]))
    return found
