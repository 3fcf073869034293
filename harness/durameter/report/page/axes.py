"""What the plots over volume share: a logarithmic axis of tasks per month, dollars, and the user's volume."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from durameter.report.page.colours import INK

__all__ = ["brief", "dollar_axis", "mark_volume", "spread_out", "volume_axis"]

_MOST_TICKS: Final = 6
_SUFFIXES: Final = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def brief(value: float) -> str:
    """`1k`, `2.5M`."""
    for size, suffix in _SUFFIXES:
        if value >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten from low to high, thinned to what fits."""
    found = [10.0**power for power in range(-6, 16) if low <= 10.0**power <= high]
    step = -(-len(found) // _MOST_TICKS) or 1
    return found[::step]


def volume_axis(axes: Axes, low: float, high: float) -> None:
    """Tasks per month, logarithmic."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(_decades(low, high) or [low]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: brief(value)))
    axes.set_xlabel("tasks a month")


def dollar_axis(axes: Axes, figures: Sequence[float], sign: str) -> None:
    """Dollars a month, logarithmic; where something costs nothing, with a zero below the first ten dollars."""
    positive = [figure for figure in figures if figure > 0] or [1.0]
    top = max(positive) * 1.4
    free = min(figures, default=0) <= 0
    low = 10.0 if free else min(positive) / 1.4
    if free:
        axes.set_yscale("symlog", linthresh=low, linscale=0.5)
        axes.set_ylim(-low / 8, max(top, low * 2))
    else:
        axes.set_yscale("log")
        axes.set_ylim(low, top)
    ticks = ([0.0] if free else []) + (_decades(low, top) or [positive[0]])
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{sign}{brief(value)}"))
    axes.grid(visible=True, axis="y")
    axes.tick_params(length=3)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def mark_volume(axes: Axes, volume: float, *, words: bool = True) -> None:
    """A line at the user's volume."""
    axes.axvline(volume, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1.5)
    if words:
        low, high = axes.get_xlim()
        beyond_middle = volume**2 > low * high
        axes.annotate(
            f"{brief(volume)} a month",
            (volume, 1),
            (-4 if beyond_middle else 4, 1),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right" if beyond_middle else "left",
            va="bottom",
            color=INK,
        )


def spread_out(heights: Sequence[float], gap: float, top: float) -> list[float]:
    """Heights moved apart to at least `gap`, in their order, none above `top`: places for the labels of lines."""
    order = sorted(range(len(heights)), key=lambda each: heights[each])
    places = list(heights)
    for before, after in pairwise(order):
        places[after] = max(places[after], places[before] + gap)
    ceiling = top
    for each in reversed(order):
        places[each] = min(places[each], ceiling)
        ceiling = places[each] - gap
    return places
