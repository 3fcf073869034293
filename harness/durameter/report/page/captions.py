"""All plots of a page, each with its caption; or the sentence that says why it is not there."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from durameter.cost.prices import PriceBook
from durameter.cost.profile import Profile
from durameter.cost.projection import EngineProjection, Projection
from durameter.report.measurement import EngineReport, Report
from durameter.report.page import plot_data
from durameter.report.page.cost_plots import cost_plot, plans_plot
from durameter.report.page.headline import currency_of
from durameter.report.page.svg import MINUS, engine_colour
from durameter.report.page.unit_plots import Dot, Fit, kinds_plot, turns_plot
from durameter.results.model import EngineResult, TaskResult

__all__ = ["Picture", "Pictures", "paint_all"]

Key = tuple[str, str]
"""Engine and variant."""


@dataclass(frozen=True)
class Picture:
    """A plot with its caption."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Pictures:
    """The plots by subject. `missing` says in a sentence why some are not there, by the same names."""

    kinds: tuple[Picture, ...]
    turns: tuple[Picture, ...]
    engines: tuple[Picture, ...]
    costs: tuple[Picture, ...]
    plans: tuple[Picture, ...]
    missing: Mapping[str, str]


def paint_all(
    report: Report,
    profiles: Sequence[Profile],
    projection: Projection | None,
    engines: Sequence[EngineResult],
    books: Sequence[PriceBook],
) -> Pictures:
    """Draw everything that the records allow."""
    results = {(each.engine, each.variant): each for each in engines}
    tasks = {_key(each): plot_data.counted_tasks(results.get(_key(each))) for each in report.engines}
    missing: dict[str, str] = {}
    turns = _turns(report, {(each.engine, each.variant): each for each in profiles}, tasks, missing)
    kinds = _kinds(report, tasks)
    if not kinds:
        missing["kinds"] = "There is no plot of kinds: no units were counted."
    if projection is None:
        sentence = "There is no plot of cost against volume and of plans: durameter project makes the figures for them."
        return Pictures(kinds, turns, (), (), (), {**missing, "money": sentence})
    curves = [
        (position, found)
        for position, engine in enumerate(report.engines)
        for found in projection.engines
        if (found.engine, found.variant) == _key(engine) and _priced(found)
    ]
    if not curves:
        missing["money"] = "There is no plot of cost against volume: no engine has a price at any volume."
    return Pictures(
        kinds,
        turns,
        _together(projection, curves),
        tuple(_cost(projection, position, each, books) for position, each in curves),
        tuple(_plans(projection, position, each) for position, each in curves),
        missing,
    )


def _key(engine: EngineReport) -> Key:
    return engine.engine, engine.variant


def _priced(engine: EngineProjection) -> bool:
    return len(engine.curve) > 1 and any(found for point in engine.curve for found in point.plans.values())


def _kinds(report: Report, tasks: Mapping[Key, Sequence[TaskResult]]) -> tuple[Picture, ...]:
    bars = {position: plot_data.kind_bars(each, tasks[_key(each)]) for position, each in enumerate(report.engines)}
    widest = max((bar.documented + bar.upper for found in bars.values() for bar in found), default=0) * 1.02
    pictures = []
    for position, engine in enumerate(report.engines):
        if bars[position] and widest:
            svg = kinds_plot(position, engine.engine, engine.unit, bars[position], widest=widest)
            hatched = any(bar.open or bar.upper for bar in bars[position])
            caption = f"{engine.engine}: {engine.unit}s per task, by kind, the mean over the tasks."
            if hatched:
                caption += f" Hatched depends on an open question: + may be billed besides, {MINUS} may turn out free."
            pictures.append(Picture(svg, caption))
    return tuple(pictures)


def _turns(
    report: Report,
    profiles: Mapping[Key, Profile],
    tasks: Mapping[Key, Sequence[TaskResult]],
    missing: dict[str, str],
) -> tuple[Picture, ...]:
    drawn: list[tuple[int, EngineReport, str, list[Dot], Fit | None]] = []
    for position, engine in enumerate(report.engines):
        found = tasks[_key(engine)]
        if name := plot_data.turns_covariate(found):
            profile = profiles.get(_key(engine))
            fit = plot_data.fit_along(profile, found, name) if profile else None
            drawn.append((position, engine, name, plot_data.dots(found, name), fit))
    if not drawn:
        missing["turns"] = (
            "There is no plot of units against turns: the tasks have no number that differs from task to task."
            if any(tasks.values())
            else "There is no plot of units against turns: the tasks themselves are not at hand."
        )
        return ()
    tops = [dot.upper for _, _, _, dots, _ in drawn for dot in dots]
    tops += [high for _, _, _, _, fit in drawn if fit for high in fit.high]
    top = max(tops) * 1.06 or 1.0
    pictures = []
    for position, engine, name, dots, fit in drawn:
        words = name.replace("_", " ")
        svg = turns_plot(position, engine.engine, engine.unit, words, dots, fit, top=top)
        why = "No line: there is no profile of these tasks that has them."
        ranges = (
            " A stroke through a dot is its range over open questions." if any(d.lower < d.upper for d in dots) else ""
        )
        shown, counted = sum(dot.tasks for dot in dots), len(tasks[_key(engine)])
        several = " A larger dot is several tasks." if any(dot.tasks > 1 for dot in dots) else ""
        thinned = f" Drawn are {shown} of {counted} tasks." if shown < counted else ""
        caption = (
            f"{engine.engine}: {engine.unit}s of each task against its {words}. {fit.note if fit else why}"
            f"{ranges}{several}{thinned}"
        )
        pictures.append(Picture(svg, caption))
    return tuple(pictures)


def _together(projection: Projection, curves: Sequence[tuple[int, EngineProjection]]) -> tuple[Picture, ...]:
    """All engines in one plot, each on its cheapest plan; only where there are several with one currency."""
    if len(curves) < 2 or len({currency_of(each) for _, each in curves}) > 1:
        return ()
    lines = {
        each.engine: plot_data.cheapest_line(each, projection.crossovers, engine_colour(position))
        for position, each in curves
    }
    svg = cost_plot(
        "engines",
        "Dollars a month against volume, every engine on its cheapest plan",
        list(lines.values()),
        volume=float(projection.volume),
        crossings=plot_data.engine_crossings(projection.crossovers, lines),
        currency=currency_of(curves[0][1]),
    )
    caption = (
        "Every engine on the plan that is the cheapest at that volume, by the documented reading. "
        "The band holds 18 of 20 draws, a ring is where lines cross, the dashed line is your volume."
    )
    return (Picture(svg, caption),)


def _cost(projection: Projection, position: int, engine: EngineProjection, books: Sequence[PriceBook]) -> Picture:
    book = next((each for each in books if engine.book and each.id == engine.book.id), None)
    lines = plot_data.plan_lines(engine, engine_colour(position), book)
    svg = cost_plot(
        f"cost-{position + 1}",
        f"{engine.engine}: dollars a month against volume, by plan",
        lines,
        volume=float(projection.volume),
        crossings=plot_data.plan_crossings(projection.crossovers, engine),
        currency=currency_of(engine),
    )
    caption = f"{engine.engine}: every plan with a price; the heavy line is the cheapest at your volume."
    if any(line.tiers for line in lines):
        caption += " A tick on a line is where one price per unit gives way to the next."
    if any(math.isnan(line.p50[-1]) for line in lines):
        caption += " A cross is where the published prices of a plan end."
    return Picture(svg, caption)


def _plans(projection: Projection, position: int, engine: EngineProjection) -> Picture:
    points = engine.curve
    svg = plans_plot(
        position,
        engine.engine,
        (float(points[0].volume), float(points[-1].volume)),
        plot_data.plan_rows(engine, projection.crossovers),
        volume=float(projection.volume),
    )
    return Picture(
        svg, f"{engine.engine}: heavy where the plan is the cheapest, thin where it has a price but another is cheaper."
    )
