"""Plot: units of each task against its turns, with the profile's line and its band."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup
from matplotlib.figure import Figure

from durameter.report.page.colours import engine_colour
from durameter.report.page.svg import WIDTH, draw

__all__ = ["Dot", "Fit", "turns_plot"]

_HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 10, 42
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
            _LEFT / WIDTH,
            _BOTTOM / _HEIGHT,
            (WIDTH - _LEFT - _RIGHT) / WIDTH,
            (_HEIGHT - _TOP - _BOTTOM) / _HEIGHT,
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
        height=_HEIGHT,
        paint=paint,
    )
