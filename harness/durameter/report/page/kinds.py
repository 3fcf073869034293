"""Plot: units by kind, one picture per engine, both readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup
from matplotlib.figure import Figure

from durameter.report.page.colours import INK, MUTED, engine_colour
from durameter.report.page.svg import MINUS, WIDTH, draw, short

__all__ = ["KindBar", "kinds_plot"]

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
        f"{lines}. Hatched is what hangs on an open question of the rulebook.",
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
