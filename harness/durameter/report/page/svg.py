"""Matplotlib's pictures as small inline SVG that takes its colours and its font from the page."""

import io
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from matplotlib.typing import RcKeyType

__all__ = [
    "ENGINES",
    "GOOD",
    "GRID",
    "INK",
    "MINUS",
    "MUTED",
    "PAPER",
    "STAND_INS",
    "WIDTH",
    "brief",
    "dollar_axis",
    "draw",
    "engine_colour",
    "mark_volume",
    "short",
    "spread_out",
    "volume_axis",
]

# Colours of the plots: matplotlib draws with stand-ins, and the style sheet says what they are, in light and dark.

INK: Final = "#010101"
MUTED: Final = "#020202"
GRID: Final = "#030303"
PAPER: Final = "#040404"
GOOD: Final = "#050505"
ENGINES: Final = ("#0a0a01", "#0a0a02", "#0a0a03", "#0a0a04")
"""One per engine, in the order of the report; more engines begin again."""

STAND_INS: Final = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    GOOD: "var(--good)",
    **{colour: f"var(--engine-{number})" for number, colour in enumerate(ENGINES, 1)},
}
"""Stand-in to what the page puts there."""


def engine_colour(position: int) -> str:
    """Stand-in of the engine at this position of the report."""
    return ENGINES[position % len(ENGINES)]


# What the plots over volume share: a logarithmic axis of tasks per month, dollars, and the user's volume.

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


MINUS: Final = "\N{MINUS SIGN}"
WIDTH: Final = 420
"""Width of a plot in its own units; on a telephone it is shown at four fifths of it."""

_POINTS_PER_INCH = 72
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_STYLE: Final[dict[RcKeyType, Any]] = {
    "svg.fonttype": "none",  # text stays text: it can be read, searched and coloured
    "text.parse_math": False,  # a dollar sign is a dollar sign
    "font.size": 12,
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 12,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.minor.visible": False,
    "hatch.linewidth": 0.9,
    "legend.frameon": False,
    "legend.fontsize": 12,
    "path.simplify": False,
}
_NEEDLESS = {f"{_SVG}{tag}" for tag in ("clipPath", "style", "metadata")}
_REFERENCE = re.compile(r"(?:^|url\()#([^)]+)")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")


def draw(
    name: str, title: str, description: str, *, height: float, paint: Callable[[Figure], None], width: float = WIDTH
) -> Markup:
    """One plot as an `svg` element.

    Args:
        name: unique on the page, letters and dashes; the same name and data give the same text.
        title: what it shows, for who cannot see it.
        description: what is to be read from it, for who cannot see it.
        height: in the units of `WIDTH`.
        paint: draws into the empty figure with the colours of `durameter.report.page.svg`.
        width: of the plot.
    """
    written = io.StringIO()
    with rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH), dpi=_POINTS_PER_INCH)
        paint(figure)
        figure.savefig(
            written,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    root = ElementTree.fromstring(written.getvalue())  # noqa: S314 - what matplotlib has just written
    _clean(root)
    for name_of in ("width", "height"):
        root.attrib.pop(name_of, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title {name}-description"}
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{_SVG}{tag}", {"id": f"{name}-{'title' if tag == 'title' else 'description'}"})
        element.text = text
        root.insert(position, element)
    return Markup(_plain(ElementTree.tostring(root, encoding="unicode")))  # noqa: S704 - an element tree, escaped by it


def short(name: str, most: int) -> str:
    """A name that fits; the tables beside the plot have it whole."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _clean(root: ElementTree.Element) -> None:
    """Takes out what a page does not need, and puts the page's colours in."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in _NEEDLESS:
                parent.remove(child)
    for element in root.iter():
        if element.tag != f"{_SVG}text":
            element.text = (element.text or "").strip() or None
        element.tail = None
        _attributes(element)
    used = {name for element in root.iter() for value in element.attrib.values() for name in _REFERENCE.findall(value)}
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
    _flatten(root)


def _attributes(element: ElementTree.Element) -> None:
    for needless in ("clip-path", "version"):  # everything is drawn inside its axes
        element.attrib.pop(needless, None)
    if target := element.attrib.pop(_HREF, None):
        element.set("href", target)
    if element.get("transform", "").startswith(("rotate(-0 ", "rotate(0 ")):
        del element.attrib["transform"]
    for key, value in element.attrib.items():
        if key in ("style", "fill", "stroke"):
            element.set(key, _colours(value))
        elif key not in ("id", "href"):
            element.set(key, _round(" ".join(value.split())))


def _flatten(parent: ElementTree.Element) -> None:
    """Groups and definitions that say nothing are replaced by what is in them."""
    children: list[ElementTree.Element] = []
    for child in list(parent):
        _flatten(child)
        empty_path = child.tag == f"{_SVG}path" and child.get("style") == "fill:none"
        if child.tag == f"{_SVG}g" and not child.attrib:
            children += list(child)
        elif not empty_path and not (child.tag == f"{_SVG}defs" and not len(child)):
            children.append(child)
    parent[:] = children


def _colours(style: str) -> str:
    """A `style` attribute without fonts, with the page's colours."""
    parts = (part.strip() for part in style.split(";"))
    kept = [re.sub(r"\s*:\s*", ":", part, count=1) for part in parts if part and not part.startswith("font-family")]
    text = _round(";".join(kept))
    for stand_in, value in STAND_INS.items():
        text = text.replace(stand_in, value)
    return text


def _round(text: str) -> str:
    return _NUMBER.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), text)


def _plain(text: str) -> str:
    """Without the prefixes and name spaces that HTML does not need."""
    return re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("<ns0:", "<").replace("</ns0:", "</")
