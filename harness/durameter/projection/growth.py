"""A volume that grows from month to month."""

import re
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from durameter.errors import UsageError

__all__ = ["MOST_MONTHS", "monthly_volumes", "parse_growth"]

Floats = NDArray[np.float64]

MOST_MONTHS: Final = 120

_PERCENT = r"([+-]?\d+(?:\.\d+)?)\s*%"
_GROWTH: Final = re.compile(rf"^\s*{_PERCENT}\s*(?:\.\.\s*{_PERCENT})?\s*(?:/\s*month)?\s*$")


def parse_growth(text: str) -> tuple[Decimal, Decimal]:
    """Growth per month, lowest and highest, from words such as `5%/month` or `3%..8%/month`.

    Returns:
        As shares: 0.05 is 5 %.

    Raises:
        UsageError: it is not such a growth, or a month would have no tasks left.
    """
    found = _GROWTH.match(text)
    if found is None:
        raise UsageError(f"{text!r} is not a growth. Write it as 5%/month, or 3%..8%/month when it is not known.")
    low = Decimal(found[1]) / 100
    high = Decimal(found[2]) / 100 if found[2] else low
    if low > high:
        raise UsageError(f"Growth {text!r}: the first figure must not be above the second.")
    if low <= -1:
        raise UsageError(f"Growth {text!r} leaves no tasks. Give more than -100%.")
    return low, high


def monthly_volumes(
    volume: Decimal, growth: tuple[Decimal, Decimal], months: int, draws: int, rng: np.random.Generator
) -> Floats:
    """Tasks in each month: volume x (1 + growth)^(month - 1), with one growth per draw, even between its two ends.

    Returns:
        Shape (months, draws).
    """
    low, high = (float(each) for each in growth)
    rates = rng.uniform(low, high, draws) if high > low else np.full(draws, low)
    factors: Floats = (1 + rates) ** np.arange(months)[:, None]
    return float(volume) * factors
