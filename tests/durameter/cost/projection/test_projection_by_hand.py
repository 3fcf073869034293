"""Projections whose every figure can be derived by hand."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_results import made

from durameter.cost.prices import load_books
from durameter.cost.projection import (
    Ask,
    EngineProjection,
    Projection,
    Quantiles,
    ReadingProjection,
    project,
)
from durameter.cost.projection.ask import parse_growth

MILLION = Decimal(10**6)
TURNS = list(range(1, 13))
COUNTS = [2 + 6 * turns for turns in TURNS]


def few(**asked: Any) -> Ask:
    """Of what does not vary, a few draws are as good as many."""
    return Ask(**{"draws": 200, **asked})


def alone(found: Projection) -> EngineProjection:
    (engine,) = found.engines
    return engine


def documented(found: Projection) -> ReadingProjection:
    return alone(found).readings[0]


def exactly(amount: str) -> Quantiles:
    return Quantiles(p5=Decimal(amount), p50=Decimal(amount), p95=Decimal(amount))


def test_an_exact_profile_and_a_known_mix_give_a_month_to_the_cent(tmp_path: Path) -> None:
    mix = tmp_path / "turns.csv"
    mix.write_text("turns,weight\n5,3\n9,1\n")  # mean turns (3 x 5 + 9) / 4 = 6: 2 + 6 x 6 = 38 units per task
    found = project(made({"temporal": COUNTS}, turns=TURNS), few(volume=MILLION, mix=str(mix)))
    month = documented(found)
    assert month.units_per_task == exactly("38")
    assert month.units == exactly("38000000")
    assert alone(found).exact
    # Developer: 38 M x $50 = $1,900, and 10 % of it. Business: 35.5 M beyond the included 2.5 M:
    # 5 x 50 + 5 x 45 + 10 x 40 + 15.5 x 35 = 250 + 225 + 400 + 542.50 = $1,417.50; fee max($500, $141.75).
    dollars = {plan.plan: plan.dollars for plan in month.plans}
    assert dollars["developer"] == exactly("2090")
    assert dollars["business"] == exactly("1917.5")
    assert month.plan == "business"
    assert month.dollars_per_task == exactly("0.001918")  # 1917.5 / 10^6, to a millionth
    # 38 units in the band at $35 per M; the fee stays at its minimum.
    assert month.dollars_next_task == Decimal("0.00133")
    assert {plan.plan: plan.cheapest for plan in month.plans} == {
        "developer": 0,
        "business": 1,
        "enterprise": 0,
        "mission_critical": 0,
    }


def test_a_plan_without_a_price_says_why_and_is_never_zero() -> None:
    month = documented(project(made({"temporal": [10] * 6}), few(volume=MILLION)))
    sold_by_agreement = next(plan for plan in month.plans if plan.plan == "enterprise")
    assert sold_by_agreement.dollars is None
    assert sold_by_agreement.without_price == 1
    assert "not priced" in sold_by_agreement.why_not


def test_what_is_not_known_is_named(tmp_path: Path) -> None:
    found = project(made({"inngest": [10] * 6}), few(volume=MILLION))
    pro = next(plan for plan in documented(found).plans if plan.plan == "pro")
    assert any("seats" in line for line in pro.omitted)
    assert any("concurrent steps" in line for line in pro.omitted)
    assert alone(found).usage["concurrent_steps"] is None


def test_months_of_growth() -> None:
    ask = few(volume=MILLION, growth=parse_growth("10%/month"), months=3)
    found = alone(project(made({"temporal": [10] * 6}), ask))
    # 10 M, 11 M and 12.1 M Actions on Developer: x $50 x 1.1. Business costs $862.50 at 10 M already.
    assert [month.units for month in found.months] == [exactly("10000000"), exactly("11000000"), exactly("12100000")]
    assert [month.dollars for month in found.months] == [exactly("550"), exactly("605"), exactly("665.5")]
    assert {month.plan for month in found.months} == {"developer"}
    assert found.all_months == exactly("1820.5")


def test_a_growth_that_is_not_known_spreads_later_months_only() -> None:
    ask = Ask(volume=MILLION, growth=parse_growth("0%..10%/month"), months=2)
    first, second = alone(project(made({"temporal": [10] * 6}), ask)).months
    assert first.units == exactly("10000000")
    # Even between 10 M and 11 M: 5 % of the draws are below 10.05 M, 95 % below 10.95 M.
    assert float(second.units.p5) == pytest.approx(10.05e6, rel=0.002)
    assert float(second.units.p95) == pytest.approx(10.95e6, rel=0.002)


@pytest.mark.parametrize(("actions", "plan"), [(29_375_000, "developer"), (29_375_001, "business")])
def test_the_cheapest_plan_on_both_sides_of_the_crossover(actions: int, plan: str) -> None:
    assert documented(project(made({"temporal": [1] * 6}), few(volume=Decimal(actions)))).plan == plan


def test_developer_and_business_cross_where_docs_prices_says() -> None:
    found = project(made({"temporal": [1] * 6}), few(volume=MILLION))
    crossing = next(each for each in found.crossovers if (each.first, each.second) == ("developer", "business"))
    assert crossing.units == 29_375_000
    assert crossing.volume == 29_375_000
    assert crossing.dollars == Decimal("1615.625")
    # Business has a price up to 202.5 M only, Developer at every volume.
    ends = next(each for each in found.crossovers if (each.first, each.second) == ("business", "developer"))
    assert (ends.volume, ends.dollars) == (202_500_000, None)


def test_engines_cross() -> None:
    """Both with 10 units per task, so 5 000 tasks are the 50 000 executions of Inngest's Free.

    Then Developer ($55 per M) is cheaper than Pro ($99 and more), until Pro's third band: 55 u = 299 + 25 (u - 5), so
    u = 5.8 M units, $319. Above 100 M Pro and Business have no price.
    """
    found = project(made({"temporal": [10] * 6, "inngest": [10] * 6}), few(volume=MILLION))
    between = [each for each in found.crossovers if each.between == "engines"]
    assert [(each.first, each.second, each.volume, each.dollars) for each in between] == [
        ("inngest", "temporal", 5_000, None),
        ("temporal", "inngest", 580_000, 319),
        ("inngest", "temporal", 10_000_000, None),
    ]
    assert found.cheaper == {"temporal": 0, "inngest": 1}


def test_no_crossover_is_said() -> None:
    found = project(
        made({"temporal": [10] * 6, "inngest": [1000] * 6}), few(volume=MILLION, plans=["developer", "pro"])
    )
    (between,) = [each for each in found.crossovers if each.between == "engines"]
    assert between.volume is None
    assert between.first == "temporal"
    assert "no crossover up to 1,000,000,000 tasks" in between.words


def test_only_the_plans_asked_for() -> None:
    found = project(made({"temporal": [10] * 6}), few(volume=MILLION, plans=["temporal.business"]))
    assert [plan.plan for plan in documented(found).plans] == ["business"]
    # 7.5 M beyond the included: 5 x 50 + 2.5 x 45 = 362.50, and the fee of 500.
    assert documented(found).dollars == exactly("862.5")


def test_one_more_turn_twice_the_retries() -> None:
    """Units are 2 + 6 x turns, of which two per task are retries; mean turns 6.5, so 41 M a month.

    Business: 38.5 M beyond the included, in the band at $35 per M: 6 M more (one more turn) are $210, 2 M more $70.
    """
    found = project(made({"temporal": COUNTS}, turns=TURNS, again=2), few(volume=MILLION, mix="repeat"))
    by_kind = {each.kind: each for each in found.sensitivities}
    assert by_kind["covariate"].name == "model_calls"
    assert by_kind["covariate"].units_per_task == exactly("6")
    assert by_kind["covariate"].dollars == exactly("210")
    assert by_kind["retries"].units_per_task == exactly("2")
    assert by_kind["retries"].dollars == exactly("70")


def test_an_open_question_is_a_reading_and_a_sensitivity() -> None:
    """Inngest: 8 executions per task are documented, 2 retried steps are an open question."""
    found = project(made({"inngest": [10] * 6}, again=2), few(volume=MILLION))
    readings = {each.reading: each for each in alone(found).readings}
    assert readings["documented"].units == exactly("8000000")
    assert readings["upper"].units == exactly("10000000")
    # Pro: 99 + 4 x 50 + 25 per M above 5 M.
    assert readings["documented"].dollars == exactly("374")
    assert readings["upper"].dollars == exactly("424")
    (question,) = [each for each in found.sensitivities if each.kind == "open_question"]
    assert question.name == "step_retries"
    assert question.dollars == exactly("50")


def test_an_old_result_with_another_price_book() -> None:
    result, ask = made({"temporal": [10] * 6}), few(volume=MILLION, books=["temporal-2025"])
    found = alone(project(result, ask))
    assert found.book is not None
    assert found.book.id == "temporal-2025"
    assert found.book.chosen == "asked for by its id"
    assert found.book.checked
    assert found.book.sources
    # Essentials: 9 M beyond 1 M: 5 x 50 + 4 x 45 = 430; fee max(100, 5 %).
    assert {plan.plan: plan.dollars for plan in found.readings[0].plans}["essentials"] == exactly("530")
    default = alone(project(result, few(volume=MILLION))).book
    assert default is not None
    assert default.id == "temporal-2026-09-17"
    assert "day of the measurement, 2026-11-23" in default.chosen


def test_a_date_without_a_book_leaves_units_and_says_why() -> None:
    found = alone(project(made({"temporal": [10] * 6}), few(volume=MILLION, on=date(2020, 1, 1)), load_books()))
    assert found.book is None
    assert "no price book for temporal was in force on 2020-01-01" in found.why_no_book
    assert found.readings[0].units == exactly("10000000")
    assert found.readings[0].dollars is None
