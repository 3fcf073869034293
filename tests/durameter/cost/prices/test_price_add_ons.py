"""Storage, events, add-ons, multipliers, provisioned capacity, parts of months: to the cent, derived beside each."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from durameter.cost.prices import (
    Cost,
    Plan,
    ProvisionedHours,
    Usage,
    book_by_id,
    monthly_cost,
)
from durameter.errors import UsageError


def plan(book_id: str, plan_id: str) -> Plan:
    return next(p for p in book_by_id(book_id).plans if p.id == plan_id)


DEVELOPER, BUSINESS = plan("temporal-2026-09-17", "developer"), plan("temporal-2026-09-17", "business")
LEGACY = plan("temporal-2024", "basic")
FREE, PRO = plan("inngest-2026-09", "free"), plan("inngest-2026-09", "pro")
INNGEST_BUSINESS = plan("inngest-2026-09", "business")


def cost(of: Plan, units: int = 0, **rest: object) -> Cost:
    exact = {name: Decimal(value) if isinstance(value, int) else value for name, value in rest.items()}
    return monthly_cost(of, Usage.model_validate({"units": Decimal(units), **exact}))


def test_the_vendor_s_storage_example() -> None:
    # 720 x $0.042 = 30.24 and 3 600 x $0.00105 = 3.78: 34.02; Developer's fee is 10 % of it.
    bill = cost(DEVELOPER, active_gbh=720, retained_gbh=3600)
    assert (bill.amount_of("active_gbh"), bill.amount_of("retained_gbh")) == (Decimal("30.24"), Decimal("3.78"))
    assert bill.amount == Decimal("34.02") + Decimal("3.402")


def test_storage_beyond_what_a_plan_includes() -> None:
    # 2.5 GB x 744 = 1 860 GBh and 100 GB x 744 = 74 400 GBh are included; beyond them the vendor's example.
    within = cost(BUSINESS, active_gbh=1860, retained_gbh=74_400)
    assert within.amount == 500
    beyond = cost(BUSINESS, active_gbh=1860 + 720, retained_gbh=74_400 + 3600)
    assert beyond.amount == 500 + Decimal("34.02")


def test_the_plan_fee_counts_storage_as_usage() -> None:
    # Actions 5 925 (200 M beyond), storage 2 500 x 0.042 = 105: usage 6 030, of which 10 % is 603.
    assert cost(BUSINESS, 202_500_000, active_gbh=1860 + 2500).amount == 5925 + 105 + 603


def test_the_vendor_s_legacy_examples() -> None:
    # 0.8 M x $25 = 20; 720 x 0.042 + 3 600 x 0.00042 = 31.752 ("$31.75"); 10 % of 51.752 = 5.18, so 200.
    bill = cost(LEGACY, 800_000, active_gbh=720, retained_gbh=3600)
    assert bill.amount_of("units") == 20
    assert bill.amount_of("active_gbh") + bill.amount_of("retained_gbh") == Decimal("31.752")
    assert bill.amount == Decimal("251.752")


@pytest.mark.parametrize(
    ("quantities", "dollars"),
    [
        ({"events": 5_000_000}, "99"),
        # 1.5 M beyond x $0.50 per M.
        ({"events": 6_500_000}, "99.75"),
        ({"concurrent_steps": 100}, "99"),
        # One block of 25 for 1 to 25 more, two for 26.
        ({"concurrent_steps": 101}, "124"),
        ({"concurrent_steps": 125}, "124"),
        ({"concurrent_steps": 126}, "149"),
        ({"connect_workers": 23}, "129"),
        ({"seats": 16}, "109"),
        # As the vendor's calculator adds: 2 blocks of concurrency, 2 workers, 2 seats.
        ({"concurrent_steps": 130, "connect_workers": 22, "seats": 17}, "189"),
    ],
)
def test_inngest_pro_s_add_ons(quantities: dict[str, int], dollars: str) -> None:
    assert cost(PRO, 1_000_000, **quantities).amount == Decimal(dollars)


def test_an_add_on_is_a_line_and_a_limit_with_its_price() -> None:
    bill = cost(PRO, concurrent_steps=130)
    (line,) = [line for line in bill.lines if line.of == "concurrent_steps" and line.unit_price]
    # 30 beyond are two blocks of 25: 50 at $1 each.
    assert (line.what, line.quantity, line.amount) == ("concurrent steps: in blocks of 25", 50, 50)
    (hit,) = bill.limits
    assert (hit.limit, hit.value, hit.used, hit.amount, hit.fits) == ("concurrent_steps", 100, 130, 50, True)
    assert (hit.lifted_by, hit.price) == ("an add-on in blocks of 25", "$25 per 25")


@pytest.mark.parametrize(
    ("of", "quantities", "why"),
    [
        (FREE, {"concurrent_steps": 6}, "does not fit: the plan has 5 concurrent steps and sells no more"),
        (FREE, {"seats": 6}, "does not fit: the plan has 5 seats and sells no more"),
        (INNGEST_BUSINESS, {"concurrent_steps": 501}, "not priced above 500 concurrent steps: ask Inngest's sales"),
        (
            INNGEST_BUSINESS,
            {"events": 50_000_001},
            "not priced above 50,000,000 events a month: no price for more is published",
        ),
    ],
)
def test_more_than_a_plan_sells_leaves_it_without_a_price(of: Plan, quantities: dict[str, int], why: str) -> None:
    bill = cost(of, 1000, **quantities)
    assert (bill.priced, bill.amount, bill.why_not) == (False, None, why)
    assert [hit.fits for hit in bill.limits] == [False]


def test_replication_doubles_actions_and_storage() -> None:
    # 2 M x $50 = 100, 2 x 10 GBh x 0.042 = 0.84, 10 % of 100.84 = 10.084.
    bill = cost(DEVELOPER, 1_000_000, active_gbh=10, retained_gbh=0, replicated=True)
    assert (bill.billed_units, bill.amount) == (2_000_000, Decimal("110.924"))
    assert bill.multiplied == ("replication: x 2", "storage: replication: x 2")


@pytest.mark.parametrize(
    ("share", "replicated", "billed"),
    [
        ("1", False, 11_000),  # vendor's example: 10 000 Actions in hours with fairness are 11 000
        ("0.5", False, 10_500),
        ("1", True, 22_000),  # fairness Actions are doubled too: the dearer reading
    ],
)
def test_fairness_adds_a_tenth(share: str, replicated: bool, billed: int) -> None:
    bill = cost(DEVELOPER, 10_000, fairness_share=Decimal(share), replicated=replicated)
    assert bill.billed_units == billed


def test_export_is_an_action_for_each_workflow() -> None:
    bill = cost(DEVELOPER, 10_000, exported_workflows=1000, replicated=True)
    assert bill.billed_units == 2 * 10_000 + 1000


def hours(*millions: str, trus: int = 4) -> tuple[ProvisionedHours, ...]:
    return tuple(ProvisionedHours(capacity_units=trus, units=Decimal(m) * 1_000_000) for m in millions)


def test_the_vendor_s_example_of_provisioned_capacity() -> None:
    # 4 TRUs for 4 hours: 3 x 360 000 = 1.08 M at least; 2 + 5 + 4 + 1.08 (instead of 0.5) = 12.08 M.
    bill = cost(DEVELOPER, 11_500_000, provisioned=hours("2", "5", "4", "0.5"))
    assert bill.billed_units == 12_080_000
    # 12.08 x 50 = 604, and 10 %.
    assert bill.amount == Decimal("664.40")
    assert bill.multiplied == ("provisioned capacity: 580,000 to reach the hourly minimum",)


def test_the_first_tru_has_no_minimum() -> None:
    assert cost(DEVELOPER, 1, provisioned=hours("0", trus=1)).billed_units == 1
    # The second: 10 idle hours x 360 000.
    idle = (ProvisionedHours(capacity_units=2, units=Decimal(0), hours=Decimal(10)),)
    assert cost(DEVELOPER, 1, provisioned=idle).billed_units == 3_600_001


def test_how_the_on_demand_limit_grows() -> None:
    capacity = DEVELOPER.capacity
    assert capacity is not None
    # Vendor's example: mean 200, P90 500: the lesser of 800 and 1 000.
    assert capacity.on_demand(Decimal(200), Decimal(500)) == 800
    assert capacity.on_demand(Decimal(10), Decimal(20)) == 500
    assert [capacity.size_for(Decimal(n)) for n in (500, 501, 2001, 6000, 6001)] == [1, 2, 6, 12, None]


def test_a_peak_above_the_rate_limit_is_named_with_what_lifts_it() -> None:
    (hit,) = cost(DEVELOPER, peak_aps=1400).limits
    assert (hit.limit, hit.value, hit.used, hit.fits) == ("aps", 500, 1400, True)
    assert hit.price == "3 TRUs: at least 720,000 billed units in every hour in which they are held"
    assert cost(DEVELOPER, peak_aps=500).limits == ()
    assert cost(DEVELOPER, peak_aps=1400, provisioned=hours("2", trus=3)).limits == ()


def test_a_hard_limit_that_nothing_lifts_does_not_fit() -> None:
    bill = cost(DEVELOPER, needs={"history_events": Decimal(51_201), "history_bytes": Decimal(50_000_000)})
    (hit,) = bill.limits
    assert (hit.limit, hit.value, hit.fits, hit.lifted_by) == ("history_events", 51_200, False, "")
    assert bill.why_not.startswith("does not fit: 51,201 events in one workflow's history, and the plan has 51,200")
    assert not cost(PRO, needs={"steps_per_function": Decimal(1001)}).priced
    assert cost(PRO, needs={"steps_per_function": Decimal(1000)}).priced


def test_a_week_s_sleep_is_free_s_longest() -> None:
    longer = {"sleep_seconds": Decimal(604_801)}
    assert not cost(FREE, needs=longer).priced
    assert cost(PRO, needs=longer).priced


def test_part_of_a_month_by_the_day() -> None:
    # 15 of 30 days: the minimum is 250, 1.25 M Actions are included.
    assert cost(BUSINESS, 1_250_000, days=15, days_in_month=30).amount == 250
    # 17 of 31: 500 x 17/31 = 274.19 to the cent; 2.5 M x 17/31 = 1 370 967 whole ones: one Action is beyond.
    assert cost(BUSINESS, 1_370_968, days=17, days_in_month=31).amount == Decimal("274.19005")
    whole = cost(PRO, days=17, days_in_month=31)
    assert whole.amount == 99
    assert any("priced as a whole month" in line for line in whole.omitted)


def test_more_days_than_the_month_has() -> None:
    with pytest.raises(ValidationError, match="31 days are more than the month's 30"):
        Usage(units=Decimal(1), days=31, days_in_month=30)


def test_what_is_not_known_is_named_and_never_zero() -> None:
    assert cost(DEVELOPER, 10_000).omitted == (
        "GBh of active storage: how much is not known (0 included)",
        "GBh of retained storage: how much is not known (0 included)",
    )
    assert cost(DEVELOPER, 10_000, active_gbh=0, retained_gbh=0).omitted == ()
    known = cost(PRO, events=0, concurrent_steps=0, connect_workers=0, seats=0)
    assert known.omitted == PRO.also_charged  # spans of traces: what is beyond 5 GB has no published price
    assert known.omitted


def test_what_a_plan_has_no_price_for_is_named() -> None:
    bill = cost(PRO, 1000, active_gbh=5, replicated=True, fairness_share=Decimal(1), exported_workflows=3)
    assert bill.amount == 99
    assert bill.billed_units == 1000
    assert [line.split(":")[0] for line in bill.omitted if "this book" in line] == [
        "GBh of active storage",
        "replication",
        "fairness",
        "export",
    ]


def test_a_quantity_with_too_many_digits_is_refused() -> None:
    with pytest.raises(UsageError, match="fewer digits"):
        cost(PRO, events=Decimal(f"6000000.{'3' * 150}"))
