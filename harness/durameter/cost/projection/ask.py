"""What a projection is asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from durameter.cost.capacity import FLAT, RETENTION_DAYS, DayShape
from durameter.errors import UsageError
from durameter.results.folder import Result

__all__ = [
    "MOST_DRAWS",
    "MOST_MONTHS",
    "Ask",
    "monthly_volumes",
    "parse_growth",
]

# A volume that grows from month to month.

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


MOST_DRAWS: Final = 1_000_000
_FEWEST_DRAWS: Final = 100
_LARGEST: Final = Decimal(10**10)


@dataclass(frozen=True)
class Ask:
    """The volume and mix of the user, and the prices to use."""

    volume: Decimal
    """Tasks per month."""
    mix: str = "measured"
    """A named mix, or a CSV file."""
    growth: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0))
    """Per month, lowest and highest; 0.05 is 5 %."""
    months: int = 1
    scenarios: Sequence[str] = ()
    """`NAME` or `NAME=SHARE`."""
    plans: Sequence[str] = ()
    """`PLAN` or `ENGINE.PLAN`; by default all."""
    books: Sequence[str] = ()
    """Ids of price books; by default those in force on the day of the measurement."""
    on: date | None = None
    """Use the price books in force on this day."""
    against: Sequence[Result] = ()
    """Other measurements of the same tasks."""
    day_shape: DayShape = FLAT
    """How the month's tasks are spread over the day."""
    retention_days: Decimal = RETENTION_DAYS
    """For which closed runs are kept."""
    open_hours: Decimal | None = None
    """For how long a task is open in production; the measured time by default."""
    step_seconds: Decimal | None = None
    """For how long a task has steps at work in production; the measured time by default."""
    draws: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Check that the figures make sense.

        Raises:
            UsageError: one does not.
        """
        if not 0 < self.volume <= _LARGEST:
            raise UsageError(
                f"A volume of {self.volume:,f} tasks per month cannot be projected: give one above zero, up to "
                f"{_LARGEST:,f}."
            )
        if not 1 <= self.months <= MOST_MONTHS:
            raise UsageError(f"--months {self.months}: give 1 to {MOST_MONTHS}.")
        if not _FEWEST_DRAWS <= self.draws <= MOST_DRAWS:
            raise UsageError(f"--draws {self.draws}: give {_FEWEST_DRAWS} to {MOST_DRAWS:,}.")
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: give zero or more.")
        if self.books and self.on is not None:
            raise UsageError("--book and --on exclude each other.")
