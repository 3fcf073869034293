"""Plot: units by kind, one picture per engine, both readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup
from matplotlib.figure import Figure

from durameter.report.page.svg import INK, MINUS, MUTED, WIDTH, draw, engine_colour, short

__all__ = [
    "Dot",
    "Fit",
    "KindBar",
    "kinds_plot",
    "turns_plot",
]

# Plot: units of each task against its turns, with the profile's line and its band.

_TURN_HEIGHT: Final = 300
_TURN_LEFT, _TURN_RIGHT, _TURN_TOP, _TURN_BOTTOM = 46, 14, 10, 42
_DOT: Final = 6.0
_MOST_STACKED: Final = 6


@dataclass(frozen=True)
class Dot:
    """One task, or several with the same figures."""

    turns: float
    documented: float
    lower: float
    upper: float
    tasks: int = 1


@dataclass(frozen=True)
class Fit:
    """What the profile says along the axis, in units per task."""

    turns: Sequence[float]
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    note: str
    """What the line and the band are, in words."""


def turns_plot(
    position: int, engine: str, unit: str, turns: str, dots: Sequence[Dot], fit: Fit | None, *, top: float
) -> Markup:
    """A dot per task, a line where there is a fit.

    Args:
        position: of the engine in the report.
        engine: its name.
        unit: what is billed, in the singular.
        turns: what is counted along the axis, in words.
        dots: the tasks.
        fit: the profile's line.
        top: units at the upper end; the same for every engine.
    """
    colour = engine_colour(position)

    def paint(figure: Figure) -> None:
        inside = (
            _TURN_LEFT / WIDTH,
            _TURN_BOTTOM / _TURN_HEIGHT,
            (WIDTH - _TURN_LEFT - _TURN_RIGHT) / WIDTH,
            (_TURN_HEIGHT - _TURN_TOP - _TURN_BOTTOM) / _TURN_HEIGHT,
        )
        axes = figure.add_axes(inside)
        if fit is not None:
            if any(high > low for low, high in zip(fit.low, fit.high, strict=True)):
                axes.fill_between(fit.turns, fit.low, fit.high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(fit.turns, fit.mean, color=colour, linewidth=2)
        for dot in dots:
            if dot.upper > dot.lower:
                axes.plot([dot.turns, dot.turns], [dot.lower, dot.upper], color=colour, linewidth=1.2)
        for several in sorted({min(dot.tasks, _MOST_STACKED) for dot in dots}):
            alike = [dot for dot in dots if min(dot.tasks, _MOST_STACKED) == several]
            axes.plot(
                [dot.turns for dot in alike],
                [dot.documented for dot in alike],
                "o",
                color=colour,
                markersize=_DOT * several**0.4,
                alpha=0.55,
                markeredgewidth=0,
            )
        axes.set_xlim(0, max((dot.turns for dot in dots), default=1) * 1.05 or 1)
        axes.set_ylim(0, top)
        axes.locator_params(nbins=6, integer=True)
        axes.grid(visible=True, axis="y")
        axes.tick_params(length=3)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"{turns} per task")

    least, most = min(dot.documented for dot in dots), max(dot.documented for dot in dots)
    return draw(
        f"turns-{position + 1}",
        f"{engine}: {unit}s of each task against its {turns}",
        f"{sum(dot.tasks for dot in dots)} tasks with {least:,.0f} to {most:,.0f} {unit}s. "
        f"{fit.note if fit else 'No line.'}",
        height=_TURN_HEIGHT,
        paint=paint,
    )


_MOST_BARS: Final = 14
_LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 162, 58, 6, 40, 25
_HATCH = "/////"


@dataclass(frozen=True)
class KindBar:
    """One kind; all in units per task."""

    name: str
    documented: float
    open: float
    """Part of `documented` that open questions may take away."""
    upper: float
    """What open questions may add."""


def kinds_plot(position: int, engine: str, unit: str, bars: Sequence[KindBar], *, widest: float) -> Markup:
    """Units per task by kind.

    Args:
        position: of the engine in the report.
        engine: its name.
        unit: what is billed, in the singular.
        bars: one per kind, the largest first.
        widest: units at the right end of the axis; the same for every engine, so that bars can be compared.
    """
    shown = _fold(bars)
    colour = engine_colour(position)
    height = _TOP + _ROW * len(shown) + _BOTTOM

    def paint(figure: Figure) -> None:
        inside = (_LEFT / WIDTH, _BOTTOM / height, (WIDTH - _LEFT - _RIGHT) / WIDTH, _ROW * len(shown) / height)
        axes = figure.add_axes(inside)
        for row, bar in enumerate(shown):
            sure = bar.documented - bar.open
            axes.barh(row, sure, height=0.66, color=colour)
            if bar.open:  # counted, but an open question may make it free
                axes.barh(row, bar.open, 0.66, sure, facecolor="none", edgecolor=colour, hatch=_HATCH)
            if bar.upper:  # not counted, but an open question may bill it
                axes.barh(row, bar.upper, 0.66, bar.documented, facecolor="none", edgecolor=colour, hatch=_HATCH)
            axes.annotate(
                label(bar),
                (bar.documented + bar.upper, row),
                (5, 0),
                textcoords="offset points",
                va="center",
                color=INK,
            )
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlim(0, widest)
        axes.set_yticks(range(len(shown)), [short(bar.name, 24) for bar in shown])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.tick_params(axis="x", length=3, color=MUTED)
        axes.spines["left"].set_visible(False)
        axes.locator_params(axis="x", nbins=4, integer=widest > 4)
        axes.set_xlabel(f"{unit}s per task")

    lines = "; ".join(f"{bar.name} {label(bar)}" for bar in shown)
    return draw(
        f"kinds-{position + 1}",
        f"{engine}: {unit}s per task by kind",
        f"{lines}. Hatched is what depends on an open question of the rulebook.",
        height=height,
        paint=paint,
    )


def label(bar: KindBar) -> str:
    """`30`, `0 + 3` with what open questions may add, and with a minus what they may take away."""
    text = _figure(bar.documented)
    if bar.open:
        text += f" {MINUS} {_figure(bar.open)}"
    return f"{text} + {_figure(bar.upper)}" if bar.upper else text


def _figure(value: float) -> str:
    rounded = f"{value:,.1f}".removesuffix(".0")
    return rounded if rounded != "0" or not value else f"{value:.2g}"


def _fold(bars: Sequence[KindBar]) -> list[KindBar]:
    """The largest kinds; the small ones at the end in one bar, so that none is missing."""
    if len(bars) <= _MOST_BARS:
        return list(bars)
    rest = bars[_MOST_BARS - 1 :]
    together = KindBar(
        f"{len(rest)} smaller kinds",
        sum(bar.documented for bar in rest),
        sum(bar.open for bar in rest),
        sum(bar.upper for bar in rest),
    )
    return [*bars[: _MOST_BARS - 1], together]
