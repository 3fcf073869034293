"""How a month's work is spread over the hours of a day or a week."""

import csv
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from durameter.errors import UsageError

__all__ = ["FLAT", "OFFICE", "DayShape", "day_shape"]

_DAY, _WEEK = 24, 168
_MOST = 10_080
"""Minutes of a week: finer than that no daily shape is known."""


class DayShape(BaseModel):
    """Relative arrival in equal parts of a day or of a week, which repeats all month.

    Within a part, work is taken to arrive at an even mean rate (see docs/capacity.md for what fluctuates around it).
    A peak that is shorter than a part is not seen: give smaller parts then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weights: tuple[Decimal, ...] = Field(min_length=_DAY, max_length=_MOST)
    """In order; only their relation counts."""
    period_hours: Literal[24, 168] = 24
    """What they cover: a day, or a week."""

    @model_validator(mode="after")
    def _shaped(self) -> Self:
        if any(not weight.is_finite() or weight < 0 for weight in self.weights) or not sum(self.weights):
            raise ValueError("weights must be finite numbers of zero or more, and not all zero")
        if self.period_hours == _WEEK and len(self.weights) < _WEEK:
            raise ValueError("a week needs 168 weights or more")
        return self

    @property
    def factors(self) -> tuple[Decimal, ...]:
        """Rate in each part over the mean rate; their mean is 1."""
        whole = sum(self.weights, Decimal(0))
        return tuple(weight * len(self.weights) / whole for weight in self.weights)

    @property
    def peak_factor(self) -> Decimal:
        """Rate in the busiest part over the mean rate; 1 or more."""
        return max(self.factors)

    @property
    def p90_factor(self) -> Decimal:
        """Rate over the mean rate that nine tenths of the time do not exceed: the smallest such (nearest rank)."""
        ordered = sorted(self.factors)
        return ordered[-(-9 * len(ordered) // 10) - 1]

    @property
    def part_hours(self) -> Decimal:
        """Length of one part."""
        return Decimal(self.period_hours) / len(self.weights)


FLAT = DayShape(name="flat", weights=(Decimal(1),) * _DAY)
"""The same at every hour: the least peak that there can be."""

_WEEKDAY = tuple(Decimal(w) for w in ["0.05"] * 8 + ["0.5"] + ["1"] * 8 + ["0.5"] + ["0.05"] * 6)
OFFICE = DayShape(
    name="office",
    weights=_WEEKDAY * 5 + (Decimal("0.05"),) * (2 * _DAY),
    period_hours=_WEEK,
)
"""Office hours of one time zone: Monday to Friday, full from 9 to 17 h, half an hour's worth in the hour before and
after, 5 % at all other times. An assumption, not a measurement. Peak over mean: 168 / 50.9 = 3.3."""


def day_shape(words: str) -> DayShape:
    """A shape by its name, or from a CSV file.

    The file has one weight per line, or several columns of which the last is the weight; a first line without a number
    is a heading. 24 lines are the hours of a day, 168 those of a week, any other number above 24 equal parts of a day.

    Raises:
        UsageError: no such shape, or the file cannot be read as one.
    """
    for known in (FLAT, OFFICE):
        if words == known.name:
            return known
    path = Path(words)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{words!r} is no day shape that is known (flat, office) and no CSV file that can be read: {error}."
        ) from error
    weights: list[Decimal] = []
    for number, row in enumerate(rows):
        try:
            weights.append(Decimal(row[-1].strip()))
        except InvalidOperation as error:
            if number:
                raise UsageError(
                    f"{words}: {row[-1]!r} is not a number. Give one weight per line, in the last column."
                ) from error
    try:
        return DayShape(name=path.name, weights=tuple(weights), period_hours=168 if len(weights) == _WEEK else 24)
    except ValidationError as error:
        why = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
        raise UsageError(
            f"{words} has {len(weights)} weights and is no day shape: {why}. Give at least 24, one per hour of a day, "
            "or 168, one per hour of a week."
        ) from error
