"""Plot: dollars against volume, with every plan of an engine, and with every engine on its cheapest plan."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from durameter.report.page.svg import (
    INK,
    MUTED,
    PAPER,
    WIDTH,
    brief,
    dollar_axis,
    draw,
    engine_colour,
    mark_volume,
    short,
    spread_out,
    volume_axis,
)

__all__ = [
    "CostLine",
    "Mark",
    "PlanRow",
    "Stretch",
    "cost_plot",
    "plans_plot",
]

# Plot: which plan of an engine is the cheapest at which volume, and which has a price at all.

_PLAN_LEFT, _PLAN_RIGHT, _PLAN_TOP, _PLAN_BOTTOM, _PLAN_ROW = 128, 14, 22, 42, 28

Stretch = tuple[float, float]
"""Tasks per month, from and to."""


@dataclass(frozen=True)
class PlanRow:
    """One plan over the volumes."""

    name: str
    priced: Sequence[Stretch]
    cheapest: Sequence[Stretch]
    why_not: str = ""
    """In few words, where it has no price anywhere."""


def plans_plot(position: int, engine: str, span: Stretch, rows: Sequence[PlanRow], *, volume: float) -> Markup:
    """A row per plan: a heavy bar where it is the cheapest, a thin one where it has a price.

    Args:
        position: of the engine in the report.
        engine: its name.
        span: volumes of the axis.
        rows: the plans in the order of the price book.
        volume: the user's.
    """
    height = _PLAN_TOP + _PLAN_ROW * len(rows) + _PLAN_BOTTOM
    colour = engine_colour(position)

    def paint(figure: Figure) -> None:
        inside = (
            _PLAN_LEFT / WIDTH,
            _PLAN_BOTTOM / height,
            (WIDTH - _PLAN_LEFT - _PLAN_RIGHT) / WIDTH,
            _PLAN_ROW * len(rows) / height,
        )
        axes = figure.add_axes(inside)
        volume_axis(axes, *span)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), [short(row.name, 18) for row in rows])
        axes.tick_params(axis="x", length=3)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        for number, row in enumerate(rows):
            for low, high in row.priced:
                axes.barh(number, high - low, 0.16, low, color=MUTED, linewidth=0)
            for low, high in row.cheapest:
                axes.barh(number, high - low, 0.6, low, color=colour, linewidth=0)
            if not row.priced:
                axes.annotate(
                    short(row.why_not or "no price at these volumes", 42),
                    (0, number),
                    (2, 0),
                    xycoords=("axes fraction", "data"),
                    textcoords="offset points",
                    va="center",
                    color=MUTED,
                    bbox={"facecolor": PAPER, "linewidth": 0, "pad": 1},
                )
        if span[0] <= volume <= span[1]:
            mark_volume(axes, volume)

    return draw(
        f"plans-{position + 1}",
        f"{engine}: which plan is the cheapest at which volume",
        _describe_plans(rows),
        height=height,
        paint=paint,
    )


def _describe_plans(rows: Sequence[PlanRow]) -> str:
    words = []
    for row in rows:
        where = " and ".join(f"{brief(low)} to {brief(high)}" for low, high in row.cheapest)
        if where:
            words.append(f"{row.name} is the cheapest from {where} tasks a month")
        else:
            words.append(f"{row.name} is never the cheapest" if row.priced else f"{row.name} has no price")
    return "; ".join(words) + "."


_HEIGHT: Final = 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 98, 26, 42
_LABEL_GAP: Final = 15
_DASHES: Final = ((0, ()), (0, (6, 2)), (0, (3, 2)), (0, (6, 2, 1, 2)), (0, (1, 2)))


@dataclass(frozen=True)
class CostLine:
    """Dollars a month over the volumes of the plot; NaN where there is no price."""

    name: str
    colour: str
    volumes: Sequence[float]
    """Tasks per month, ascending; a volume comes twice where the dollars step."""
    p5: Sequence[float]
    p50: Sequence[float]
    p95: Sequence[float]
    strong: bool
    """Drawn heavily: the one to look at."""
    estimate: bool = False
    tiers: Sequence[float] = ()
    """Volumes at which a tier of the plan ends or begins."""


@dataclass(frozen=True)
class Mark:
    """Where two lines cross."""

    volume: float
    dollars: float


def cost_plot(
    name: str,
    title: str,
    lines: Sequence[CostLine],
    *,
    volume: float,
    crossings: Sequence[Mark] = (),
    currency: str = "USD",
) -> Markup:
    """Dollars a month against tasks a month, both logarithmic.

    Args:
        name: of the plot on the page.
        title: what it shows.
        lines: one per plan or engine.
        volume: the user's.
        crossings: where lines cross.
        currency: of the dollars.
    """
    sign = "$" if currency == "USD" else f"{currency} "
    figures = [figure for line in lines for side in (line.p5, line.p95) for figure in side if math.isfinite(figure)]

    low, high = lines[0].volumes[0], lines[0].volumes[-1]

    def paint(figure: Figure) -> None:
        inside = (
            _LEFT / WIDTH,
            _BOTTOM / _HEIGHT,
            (WIDTH - _LEFT - _RIGHT) / WIDTH,
            (_HEIGHT - _TOP - _BOTTOM) / _HEIGHT,
        )
        axes = figure.add_axes(inside)
        volume_axis(axes, low, high)
        dollar_axis(axes, figures, sign)
        for position, line in enumerate(lines):
            _line(axes, line, _DASHES[0] if line.strong else _DASHES[position % len(_DASHES)])
        for mark in crossings:
            axes.plot(mark.volume, mark.dollars, "o", markersize=7, color=PAPER, markeredgecolor=INK, zorder=4)
        if low <= volume <= high:
            mark_volume(axes, volume)
        _labels(axes, lines)

    return draw(name, title, _described(lines, crossings, sign), height=_HEIGHT, paint=paint)


def _line(axes: Axes, line: CostLine, dashes: tuple[int, tuple[int, ...]]) -> None:
    volumes = line.volumes
    if any(high > low for low, high in zip(line.p5, line.p95, strict=True)):
        axes.fill_between(volumes, line.p5, line.p95, color=line.colour, alpha=0.22, linewidth=0)
    axes.plot(
        volumes,
        line.p50,
        color=line.colour,
        linewidth=2.2 if line.strong else 1.4,
        linestyle=dashes,
        solid_capstyle="butt",
    )
    inside = [tier for tier in line.tiers if volumes[0] < tier < volumes[-1]]
    known = [(tier, at(volumes, line.p50, tier)) for tier in inside]
    points = [(tier, dollars) for tier, dollars in known if math.isfinite(dollars)]
    last = max((place for place, dollars in enumerate(line.p50) if math.isfinite(dollars)), default=-1)
    if 0 <= last < len(volumes) - 1:  # the prices end here
        axes.plot(volumes[last], line.p50[last], "x", markersize=7, markeredgewidth=1.6, color=line.colour)
    if points:
        axes.plot(*zip(*points, strict=True), "|", markersize=9, markeredgewidth=1.4, color=line.colour)


def at(volumes: Sequence[float], dollars: Sequence[float], volume: float) -> float:
    """Dollars at a volume between two points of a curve; NaN where a side of it has no price."""
    for (low, before), (high, after) in zip(
        zip(volumes, dollars, strict=True), zip(volumes[1:], dollars[1:], strict=True), strict=False
    ):
        if low <= volume <= high:
            return before + (after - before) * (volume - low) / (high - low)
    return math.nan


def _labels(axes: Axes, lines: Sequence[CostLine]) -> None:
    """The name of each line at the height of its last point."""
    ends: list[tuple[CostLine, float]] = []
    for line in lines:
        known = [figure for figure in line.p50 if math.isfinite(figure)]
        if known:
            ends.append((line, float(axes.transData.transform((line.volumes[-1], known[-1]))[1])))
    floor, top = axes.transAxes.transform((0, 0))[1], axes.transAxes.transform((0, 1))[1]
    places = spread_out([height for _, height in ends], _LABEL_GAP, float(top))
    for (line, _), place in zip(ends, places, strict=True):
        axes.annotate(
            short(f"{line.name} est." if line.estimate else line.name, 15),
            (1, (place - floor) / (top - floor)),
            (6, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            color=line.colour if line.strong else MUTED,
            weight="bold" if line.strong else "normal",
        )


def _described(lines: Sequence[CostLine], crossings: Sequence[Mark], sign: str) -> str:
    parts = []
    for line in lines:
        known = [(volume, cost) for volume, cost in zip(line.volumes, line.p50, strict=True) if math.isfinite(cost)]
        if known:
            (first, low), (last, high) = known[0], known[-1]
            parts.append(
                f"{line.name}: {sign}{low:,.0f} at {brief(first)} tasks a month to {sign}{high:,.0f} at {brief(last)}"
            )
        else:
            parts.append(f"{line.name}: no price")
    parts += [f"lines cross at {brief(mark.volume)} tasks a month" for mark in crossings]
    return "; ".join(parts) + "."
