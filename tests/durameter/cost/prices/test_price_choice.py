from datetime import date
from decimal import Decimal

import pytest

from durameter.cost.prices import (
    Usage,
    book,
    cheapest,
    load_books,
    money,
    monthly_cost,
)

TEMPORAL = book("temporal", date(2026, 11, 23))
INNGEST = book("inngest", date(2026, 11, 23))


@pytest.mark.parametrize(
    ("units", "plan"),
    [
        (1_000_000, "developer"),
        # Developer 29.375 x 55 = 1 615.625; Business 500 + 250 + 225 + 400 + 6.875 x 35 = 1 615.625 (26.875 M beyond).
        (29_375_000, "developer"),  # a tie stays with the plan that comes first in the book
        (29_375_001, "business"),
    ],
)
def test_temporal_s_crossover(units: int, plan: str) -> None:
    choice = cheapest(TEMPORAL, Usage(units=Decimal(units)))
    assert choice.plan is not None
    assert choice.plan.id == plan


@pytest.mark.parametrize(("units", "plan"), [(50_000, "free"), (50_001, "pro"), (100_000_000, "pro")])
def test_inngest_s_cheapest(units: int, plan: str) -> None:
    choice = cheapest(INNGEST, Usage(units=Decimal(units)))
    assert choice.plan is not None
    assert choice.plan.id == plan


def test_a_choice_says_what_was_compared() -> None:
    choice = cheapest(INNGEST, Usage(units=Decimal(15_000_000)))
    assert (choice.book, choice.unit, choice.currency) == ("inngest-2026-09", "execution", "USD")
    assert [(c.plan, c.amount) for c in choice.costs] == [("pro", Decimal(549)), ("business", Decimal(624))]
    assert choice.cost == choice.costs[0]
    assert [(c.plan, c.why_not) for c in choice.left_out] == [
        ("free", "does not fit: the plan pauses at 50,000 units a month")
    ]
    assert choice.why_none == ""


def test_the_vendor_s_estimate_is_listed_and_never_chosen() -> None:
    choice = cheapest(INNGEST, Usage(units=Decimal(100_000_001)))
    assert choice.plan is None
    assert choice.cost is None
    assert choice.costs == ()
    assert [(c.plan, c.estimate) for c in choice.estimates] == [("enterprise", True)]
    assert choice.why_none == (
        "no plan of inngest-2026-09 has a price for 100,000,001 executions a month "
        "(Free: does not fit: the plan pauses at 50,000 units a month; "
        "Pro: not priced above 100,000,000 units a month: ask Inngest's sales; "
        "Business: not priced above 100,000,000 units a month: ask Inngest's sales; "
        "Enterprise: only an estimate by the vendor)"
    )


def test_above_temporal_s_tiers_only_the_flat_plan_has_a_price() -> None:
    # 202 500 001 is one Action above Business's allocation of 2.5 M and its bands of 200 M.
    choice = cheapest(TEMPORAL, Usage(units=Decimal(202_500_001)))
    assert [c.plan for c in choice.costs] == ["developer"]
    assert [c.plan for c in choice.left_out] == ["business", "enterprise", "mission_critical"]
    # A reader must see that Business was left out for want of a price, not because it is dearer.
    assert choice.left_out[0].why_not == "not priced above 202,500,000 units a month: ask Temporal's sales"


def test_a_choice_goes_to_json_without_floats() -> None:
    choice = cheapest(TEMPORAL, Usage(units=Decimal(10_000)))
    assert choice.model_dump(mode="json")["cost"]["amount"] == "0.5500000"
    assert type(choice).model_validate_json(choice.model_dump_json()) == choice


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("1249", "$1,249.00"),
        ("0.005", "$0.01"),  # half a cent goes up, where banker's rounding gives 0.00
        ("0.025", "$0.03"),
        ("0.0249999", "$0.02"),
    ],
)
def test_money_is_rounded_half_up_for_showing_only(amount: str, shown: str) -> None:
    assert money(Decimal(amount)) == shown


def test_money_in_another_currency() -> None:
    assert money(Decimal("1249.5"), "EUR") == "EUR 1,249.50"


def test_costs_are_not_rounded() -> None:
    # 29 375 001 Actions on Developer: 1 615.625 + 0.000055.
    developer = next(p for p in load_books()[-1].plans if p.id == "developer")
    assert monthly_cost(developer, Usage(units=Decimal(29_375_001))).amount == Decimal("1615.625055")
