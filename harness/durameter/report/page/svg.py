"""Matplotlib's pictures as small inline SVG that takes its colours and its font from the page."""

import io
import re
from collections.abc import Callable
from typing import Any, Final
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from durameter.report.page.colours import GRID, INK, MUTED, STAND_INS

__all__ = ["MINUS", "WIDTH", "draw", "short"]

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
        paint: draws into the empty figure with the colours of `durameter.report.page.colours`.
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
