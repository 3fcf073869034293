"""What a projection cannot be asked, and what it answers."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from made_results import made

from durameter.cost.projection import Ask, project
from durameter.cost.projection.ask import parse_growth
from durameter.errors import UsageError

ASK = Ask(volume=Decimal(1000), draws=200)
TURNS = list(range(1, 13))
COUNTS = [2 + 6 * turns for turns in TURNS]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read as CSV"),
        ("turns\n", "no rows"),
        ("tokens,weight\n5,1\n", "unknown column 'tokens'.*This measurement has: model_calls"),
        ("weight\n5\n", "no column with a covariate"),
        ("turns,model_calls\n5,5\n", "twice"),
        ("turns\n5\n-1\n", "line 3: turns is '-1'"),
        ("turns\n5\nmany\n", "line 3: turns is 'many'"),
        ("turns,weight\n5,1\n6,\n", "line 3: weight is"),
        ("turns\nnan\n", "line 2"),
        ("turns,weight\n5,0\n", "every weight is 0"),
    ],
)
def test_a_wrong_mix_says_where(tmp_path: Path, text: str, says: str) -> None:
    mix = tmp_path / "turns.csv"
    mix.write_text(text)
    with pytest.raises(UsageError, match=says):
        project(made({"temporal": COUNTS}, turns=TURNS), replace(ASK, mix=str(mix)))


def test_a_mix_of_shapes_needs_covariates(tmp_path: Path) -> None:
    mix = tmp_path / "turns.csv"
    mix.write_text("turns\n5\n")
    with pytest.raises(UsageError, match="no covariates"):
        project(made({"temporal": COUNTS}), replace(ASK, mix=str(mix)))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"mix": "uniform"}, "no mix and no file 'uniform'.*measured, cases, repeat"),
        ({"plans": ["gold"]}, "no plan 'gold'.*temporal.developer"),
        ({"books": ["temporal-1999"]}, "no price book 'temporal-1999'.*temporal-2025"),
        ({"books": ["temporal-2025", "temporal-2026-09-17"]}, "Two price books for temporal"),
        ({"scenarios": ["storm"]}, "no measured scenario 'storm'"),
    ],
)
def test_unknown_names_say_what_there_is(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        project(made({"temporal": [10] * 6}), replace(ASK, **wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"volume": Decimal(0)},
        {"volume": Decimal(10**13)},
        {"months": 0},
        {"months": 1000},
        {"draws": 10},
        {"seed": -1},
        {"books": ["temporal-2025"], "on": date(2026, 1, 1)},
    ],
)
def test_figures_without_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        replace(ASK, **wrong)


@pytest.mark.parametrize("text", ["5", "fast", "%", "5%/year", "8%..3%", "-100%", "5%..", "..5%"])
def test_growth_is_words_of_one_form(text: str) -> None:
    with pytest.raises(UsageError, match="rowth"):
        parse_growth(text)


def test_growth() -> None:
    assert parse_growth("5%/month") == (Decimal("0.05"), Decimal("0.05"))
    assert parse_growth("-2.5 % .. 8%") == (Decimal("-0.025"), Decimal("0.08"))


def test_a_result_without_a_counted_task_cannot_be_projected() -> None:
    with pytest.raises(UsageError, match="no counted task"):
        project(made({"temporal": []}), ASK)
    with pytest.raises(UsageError, match="no counted task"):
        project(made({}), ASK)
