"""Colours of the plots: matplotlib draws with stand-ins, and the style sheet says what they are, in light and dark."""

from typing import Final

__all__ = ["ENGINES", "GOOD", "GRID", "INK", "MUTED", "PAPER", "STAND_INS", "engine_colour"]

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
