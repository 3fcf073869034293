"""How figures are written, the same in every format."""

from decimal import ROUND_HALF_UP, Decimal

from durameter.cost.prices import money

__all__ = ["count", "dollars", "percent", "plain", "span"]


def plain(value: Decimal) -> str:
    """A quantity without needless zeros: `42`, `0.1`."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: Decimal) -> str:
    """Units per task: one decimal, none where there is nothing behind it."""
    rounded = value.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return plain(rounded) if rounded or not value else f"{value:.2g}"


def span(low: Decimal, high: Decimal) -> str:
    """A range; a line that never varies is one number."""
    return plain(low) if low == high else f"{plain(low)}–{plain(high)}"


def percent(value: Decimal) -> str:
    """A share of 1."""
    return f"{(value * 100).quantize(Decimal('0.1'), ROUND_HALF_UP)} %"


def dollars(value: Decimal | None) -> str:
    """An amount, or that it has none: never zero for a missing price."""
    return "not priced" if value is None else money(value)
