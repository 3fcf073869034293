"""What a projection is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from durameter.capacity import FLAT, RETENTION_DAYS, DayShape
from durameter.errors import UsageError
from durameter.measure.folder import Result
from durameter.projection.growth import MOST_MONTHS

__all__ = ["MOST_DRAWS", "Ask"]

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
    """For which closed runs are kept (Temporal)."""
    open_hours: Decimal | None = None
    """For how long a task is open in production; the measured time by default."""
    step_seconds: Decimal | None = None
    """For how long a task has steps at work in production; the measured time by default."""
    draws: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        """See that the figures make sense.

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
