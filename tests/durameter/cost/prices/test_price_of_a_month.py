"""Vendors' worked examples and check sums, to the cent, with the derivation beside each."""

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from durameter.cost.prices import (
    Plan,
    Usage,
    book,
    monthly_cost,
)
from durameter.errors import UsageError

TEMPORAL = book("temporal", date(2026, 11, 23))
TEMPORAL_2025 = book("temporal", date(2026, 9, 16))
INNGEST = book("inngest", date(2026, 11, 23))
BOOKS = {b.id: b for b in (TEMPORAL, TEMPORAL_2025, INNGEST)}


def plan(book_id: str, plan_id: str) -> Plan:
    return next(p for p in BOOKS[book_id].plans if p.id == plan_id)


@pytest.mark.parametrize(
    ("book_id", "plan_id", "units", "dollars"),
    [
        # Vendor's example: 10 000 x $50/M = 0.50, and 10 % of 0.50 = 0.05.
        ("temporal-2026-09-17", "developer", 10_000, "0.55"),
        ("temporal-2026-09-17", "developer", 0, "0.00"),
        # One price at every volume: 300 x 50 = 15 000, and 10 % = 1 500.
        ("temporal-2026-09-17", "developer", 300_000_000, "16500.00"),
        # Within the 2.5 M included only the minimum fee is due.
        ("temporal-2026-09-17", "business", 0, "500.00"),
        ("temporal-2026-09-17", "business", 2_500_000, "500.00"),
        # 11.25 M beyond: 5 x 50 + 5 x 45 + 1.25 x 40 = 525 (vendor's example); 10 % = 52.50 < 500.
        ("temporal-2026-09-17", "business", 13_750_000, "1025.00"),
        # 163 M beyond: 250 + 225 + 10 x 40 + 30 x 35 + 50 x 30 + 63 x 25 = 5 000; here 10 % reaches the minimum.
        ("temporal-2026-09-17", "business", 165_500_000, "5500.00"),
        # 167 M beyond: 5 000 + 4 x 25 = 5 100; 10 % = 510.
        ("temporal-2026-09-17", "business", 169_500_000, "5610.00"),
        # 200 M beyond, the last unit with a price: 5 000 + 37 x 25 = 5 925; 10 % = 592.50.
        ("temporal-2026-09-17", "business", 202_500_000, "6517.50"),
        # 1 M included, 4 M beyond: 4 x 50 = 200; 5 % = 10 < 100.
        ("temporal-2025", "essentials", 5_000_000, "300.00"),
        # 50 M beyond: 250 + 225 + 400 + 30 x 35 = 1 925; 5 % = 96.25 < 100.
        ("temporal-2025", "essentials", 51_000_000, "2025.00"),
        # 100 M beyond: 1 925 + 50 x 30 = 3 425; 5 % = 171.25.
        ("temporal-2025", "essentials", 101_000_000, "3596.25"),
        ("temporal-2025", "business", 13_750_000, "1025.00"),
        ("inngest-2026-09", "free", 50_000, "0.00"),
        ("inngest-2026-09", "pro", 0, "99.00"),
        ("inngest-2026-09", "pro", 1_000_000, "99.00"),
        # Check sums. 99 + 4 x 50 = 299.
        ("inngest-2026-09", "pro", 5_000_000, "299.00"),
        # 299 + 10 x 25 = 549.
        ("inngest-2026-09", "pro", 15_000_000, "549.00"),
        # 549 + 35 x 20 = 1 249.
        ("inngest-2026-09", "pro", 50_000_000, "1249.00"),
        # 1 249 + 50 x 15 = 1 999.
        ("inngest-2026-09", "pro", 100_000_000, "1999.00"),
        ("inngest-2026-09", "business", 10_000_000, "499.00"),
        # 10 M included, so 5 M of the band from 5 to 15 M are left: 499 + 5 x 25 = 624.
        ("inngest-2026-09", "business", 15_000_000, "624.00"),
        # The calculator's estimate: 1 000 up to 10 M, then 2 500 + 5 x 57.50 = 2 787.50.
        ("inngest-2026-09", "enterprise", 10_000_000, "1000.00"),
        ("inngest-2026-09", "enterprise", 15_000_000, "2787.50"),
        # 2 787.50 + 35 x 28.70 + 50 x 23 + 10 x 17 = 5 112.
        ("inngest-2026-09", "enterprise", 110_000_000, "5112.00"),
    ],
)
def test_a_month_costs(book_id: str, plan_id: str, units: int, dollars: str) -> None:
    cost = monthly_cost(plan(book_id, plan_id), Usage(units=Decimal(units)))
    assert cost.priced
    assert cost.amount == Decimal(dollars)  # exact, not only to the cent
    assert cost.why_not == ""


def test_tiers_count_what_is_beyond_the_allocation() -> None:
    # Vendor's example: 11.25 M in excess of the plan's allocation is $525 of Actions.
    cost = monthly_cost(plan("temporal-2026-09-17", "business"), Usage(units=Decimal(2_500_000 + 11_250_000)))
    assert [(x.what, x.quantity, x.unit_price, x.amount) for x in cost.lines] == [
        ("included", Decimal(2_500_000), Decimal(0), Decimal(0)),
        ("0 to 5,000,000 beyond the included", Decimal(5_000_000), Decimal("0.00005"), Decimal(250)),
        ("5,000,000 to 10,000,000 beyond the included", Decimal(5_000_000), Decimal("0.000045"), Decimal(225)),
        ("10,000,000 to 20,000,000 beyond the included", Decimal(1_250_000), Decimal("0.00004"), Decimal(50)),
        ("plan fee, minimum (more than 10% of usage)", Decimal(1), Decimal(500), Decimal(500)),
    ]
    assert sum(x.amount for x in cost.lines[:-1]) == 525


def test_inngest_bands_count_the_month_s_total() -> None:
    cost = monthly_cost(plan("inngest-2026-09", "business"), Usage(units=Decimal(15_500_000)))
    assert [(x.what, x.quantity, x.unit_price, x.amount) for x in cost.lines] == [
        ("base fee", Decimal(1), Decimal(499), Decimal(499)),
        ("included", Decimal(10_000_000), Decimal(0), Decimal(0)),
        ("5,000,000 to 15,000,000", Decimal(5_000_000), Decimal("0.000025"), Decimal(125)),
        ("15,000,000 to 50,000,000", Decimal(500_000), Decimal("0.00002"), Decimal(10)),
    ]


def test_a_share_of_usage_is_a_line_of_its_own() -> None:
    cost = monthly_cost(plan("temporal-2026-09-17", "developer"), Usage(units=Decimal(10_000)))
    assert [(x.what, x.quantity, x.unit_price, x.amount) for x in cost.lines] == [
        ("every unit", Decimal(10_000), Decimal("0.00005"), Decimal("0.50")),
        ("plan fee, 10% of usage", Decimal("0.50"), Decimal("0.10"), Decimal("0.05")),
    ]


@pytest.mark.parametrize(
    ("book_id", "plan_id", "usage", "fee"),
    [
        ("temporal-2026-09-17", "business", 6_000, 600),  # vendor's example: the greater of 500 and 10 % of 6 000
        ("temporal-2026-09-17", "business", 4_999, 500),
        ("temporal-2025", "essentials", 3_000, 150),  # vendor's example: the greater of 100 and 5 % of 3 000
    ],
)
def test_plan_fee_is_the_greater_of_minimum_and_share(book_id: str, plan_id: str, usage: int, fee: int) -> None:
    rule = plan(book_id, plan_id).fee
    assert rule is not None
    assert rule.on(Decimal(usage)) == fee


def test_free_pauses_above_its_quota() -> None:
    cost = monthly_cost(plan("inngest-2026-09", "free"), Usage(units=Decimal(50_001)))
    assert (cost.priced, cost.amount, cost.lines) == (False, None, ())
    assert cost.why_not == "does not fit: the plan pauses at 50,000 units a month"


@pytest.mark.parametrize(
    ("book_id", "plan_id", "last"),
    [
        # 200 M beyond the allocation of 2.5 M.
        ("temporal-2026-09-17", "business", 202_500_000),
        ("temporal-2025", "essentials", 201_000_000),
        ("inngest-2026-09", "pro", 100_000_000),
        ("inngest-2026-09", "business", 100_000_000),
    ],
)
def test_above_the_last_band_is_not_priced_and_not_zero(book_id: str, plan_id: str, last: int) -> None:
    assert monthly_cost(plan(book_id, plan_id), Usage(units=Decimal(last))).priced
    cost = monthly_cost(plan(book_id, plan_id), Usage(units=Decimal(last + 1)))
    assert (cost.priced, cost.amount, cost.lines) == (False, None, ())
    assert f"not priced above {last:,} units a month: ask " in cost.why_not


@pytest.mark.parametrize("plan_id", ["enterprise", "mission_critical"])
def test_a_plan_sold_by_agreement_is_not_priced(plan_id: str) -> None:
    cost = monthly_cost(plan("temporal-2026-09-17", plan_id), Usage(units=Decimal(1)))
    assert (cost.priced, cost.amount) == (False, None)
    assert cost.why_not == "not priced: annual fee, ask Temporal's sales"


def test_the_vendor_s_estimate_is_flagged() -> None:
    assert monthly_cost(plan("inngest-2026-09", "enterprise"), Usage(units=Decimal(1))).estimate
    assert not monthly_cost(plan("inngest-2026-09", "pro"), Usage(units=Decimal(1))).estimate


def test_fractions_of_a_unit_are_priced_exactly() -> None:
    # Fairness bills 0.1 Action: 0.1 x 0.00005 = 0.000005, and 10 % of it.
    assert monthly_cost(plan("temporal-2026-09-17", "developer"), Usage(units=Decimal("0.1"))).amount == Decimal(
        "0.0000055"
    )


@pytest.mark.parametrize("units", ["-1", "NaN", "Infinity"])
def test_units_must_be_a_number_of_zero_or_more(units: str) -> None:
    with pytest.raises(ValidationError, match="units"):
        Usage(units=Decimal(units))


def test_a_sum_that_would_have_to_be_rounded_is_refused() -> None:
    with pytest.raises(UsageError, match="fewer digits"):
        monthly_cost(plan("inngest-2026-09", "pro"), Usage(units=Decimal(f"2000000.{'3' * 150}")))
