"""Plot: which plan of an engine is the cheapest at which volume, and which has a price at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.figure import Figure

from durameter.report.page.axes import brief, mark_volume, volume_axis
from durameter.report.page.colours import INK, MUTED, PAPER, engine_colour
from durameter.report.page.svg import WIDTH, draw, short

__all__ = ["PlanRow", "Stretch", "plans_plot"]

_LEFT, _RIGHT, _TOP, _BOTTOM, _ROW = 128, 14, 22, 42, 28

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
    height = _TOP + _ROW * len(rows) + _BOTTOM
    colour = engine_colour(position)

    def paint(figure: Figure) -> None:
        inside = (_LEFT / WIDTH, _BOTTOM / height, (WIDTH - _LEFT - _RIGHT) / WIDTH, _ROW * len(rows) / height)
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
        _described(rows),
        height=height,
        paint=paint,
    )


def _described(rows: Sequence[PlanRow]) -> str:
    words = []
    for row in rows:
        where = " and ".join(f"{brief(low)} to {brief(high)}" for low, high in row.cheapest)
        if where:
            words.append(f"{row.name} is the cheapest from {where} tasks a month")
        else:
            words.append(f"{row.name} is never the cheapest" if row.priced else f"{row.name} has no price")
    return "; ".join(words) + "."
