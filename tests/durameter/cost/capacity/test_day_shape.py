"""How work is spread over the day."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from durameter.cost.capacity import (
    FLAT,
    OFFICE,
    DayShape,
    day_shape,
)
from durameter.errors import UsageError

weights = st.lists(st.decimals(0, 1_000, places=3), min_size=24, max_size=200).filter(lambda each: sum(each) > 0)


def test_flat_has_no_peak() -> None:
    assert (FLAT.peak_factor, FLAT.p90_factor, FLAT.part_hours) == (1, 1, 1)


def test_office_hours_by_hand() -> None:
    """A weekday: 8 full hours, 2 half ones, 14 of a twentieth: 9.7. A day at the weekend: 24 of a twentieth, 1.2.

    A week: 5 x 9.7 + 2 x 1.2 = 50.9 in 168 hours; the peak is 1 / (50.9 / 168) = 3.3006 times the mean. The 40 full
    hours are 24 % of the week, so the 90th percentile is one of them.
    """
    assert sum(OFFICE.weights) == Decimal("50.90")
    assert OFFICE.peak_factor == Decimal(168) / Decimal("50.9")
    assert OFFICE.p90_factor == OFFICE.peak_factor
    assert (len(OFFICE.weights), OFFICE.part_hours) == (168, 1)


def test_the_90th_percentile_is_not_exceeded_in_nine_tenths_of_the_time() -> None:
    """30 parts: 27 at 1, 3 at 11, so the mean is 2. Nine tenths are exactly the 27: 1 / 2."""
    shape = DayShape(name="spike", weights=(Decimal(1),) * 27 + (Decimal(11),) * 3)
    assert (shape.p90_factor, shape.peak_factor) == (Decimal("0.5"), Decimal("5.5"))
    wider = DayShape(name="spike", weights=(Decimal(1),) * 26 + (Decimal(11),) * 4)
    assert wider.p90_factor == wider.peak_factor


@given(weights)
def test_factors_are_relative(parts: list[Decimal]) -> None:
    shape = DayShape(name="any", weights=tuple(parts))
    doubled = DayShape(name="any", weights=tuple(2 * each for each in parts))
    assert abs(sum(shape.factors) / len(parts) - 1) < Decimal("1e-20")
    assert shape.peak_factor >= 1 - Decimal("1e-20")
    assert shape.p90_factor <= shape.peak_factor
    assert all(abs(a - b) < Decimal("1e-20") for a, b in zip(shape.factors, doubled.factors, strict=True))


@pytest.mark.parametrize(
    ("text", "parts", "period"),
    [
        ("\n".join(["1"] * 23 + ["2.5"]), 24, 24),
        ("hour,weight\n" + "\n".join(f"{hour},{hour}" for hour in range(24)), 24, 24),
        ("\n".join(["1"] * 48) + "\n\n", 48, 24),
        ("\n".join(["1"] * 168), 168, 168),
    ],
)
def test_a_file_of_weights(text: str, parts: int, period: int, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(text, encoding="utf-8-sig")
    shape = day_shape(str(file))
    assert (shape.name, len(shape.weights), shape.period_hours) == ("mine.csv", parts, period)


def test_names() -> None:
    assert day_shape("flat") is FLAT
    assert day_shape("office") is OFFICE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\n".join(["1"] * 23), "23 weights"),
        ("\n".join(["0"] * 24), "not all zero"),
        ("\n".join(["1"] * 23 + ["-1"]), "zero or more"),
        ("\n".join(["1"] * 23 + ["nan"]), "finite"),
        ("\n".join(["1"] * 23 + ["many"]), "'many' is not a number"),
        ("", "0 weights"),
    ],
)
def test_a_file_that_is_no_shape_says_why(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=why):
        day_shape(str(file))


def test_a_name_that_is_neither_shape_nor_file() -> None:
    with pytest.raises(UsageError, match="flat, office"):
        day_shape("nights")


def test_a_week_needs_its_hours() -> None:
    with pytest.raises(ValidationError, match="168"):
        DayShape(name="short", weights=(Decimal(1),) * 24, period_hours=168)
