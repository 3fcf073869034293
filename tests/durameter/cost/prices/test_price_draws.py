"""Many months at once cost exactly what each costs alone."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durameter.cost.prices import (
    NO_PRICE,
    Plan,
    ProvisionedHours,
    Usage,
    UsageDraws,
    book_by_id,
    load_books,
    monthly_cost,
    price_draws,
)
from durameter.errors import UsageError

PLANS = [pytest.param(plan, id=f"{b.id}-{plan.id}") for b in load_books() for plan in b.plans]
SCALARS = {
    "replicated": st.booleans(),
    "fairness_share": st.integers(0, 100).map(lambda n: Decimal(n) / 100),
    "exported_workflows": st.integers(0, 10**6).map(Decimal),
    "provisioned": st.sampled_from([(), (ProvisionedHours(capacity_units=4, units=Decimal(500_000)),)]),
    "days": st.none() | st.integers(1, 30),
    "needs": st.sampled_from([{}, {"steps_per_function": Decimal(1001)}, {"history_events": Decimal(60_000)}]),
}


def plan(book_id: str, plan_id: str) -> Plan:
    return next(p for p in book_by_id(book_id).plans if p.id == plan_id)


def drawn(top: int) -> st.SearchStrategy[np.ndarray]:
    """Four draws, whole or not, many of them small, some beside the edges of shipped plans."""
    known = [0, 5, 100, 125, 50_000, 1_000_000, 2_500_000, 10_000_000, 50_000_000, 100_000_000, 202_500_000]
    near = [n + step for n in known for step in (0, 1) if n + step <= top]
    whole = st.lists(st.one_of(st.integers(0, top), st.sampled_from(near)), min_size=4, max_size=4)
    some = st.lists(st.floats(0, top), min_size=4, max_size=4)
    return st.one_of(whole.map(lambda v: np.array(v, dtype=np.int64)), some.map(np.array))


QUANTITIES = {
    "active_gbh": drawn(10**6),
    "retained_gbh": drawn(10**7),
    "events": drawn(10**8),
    "concurrent_steps": drawn(600),
    "connect_workers": drawn(200),
    "seats": st.integers(0, 40).map(Decimal),
}


@pytest.mark.parametrize("plan", PLANS)
@settings(deadline=None, max_examples=30)  # a shared machine may pause; there are many plans
@given(data=st.data())
def test_a_draw_costs_what_its_month_costs(plan: Plan, data: st.DataObject) -> None:
    usage = UsageDraws(
        units=data.draw(drawn(400_000_000)),
        **{name: data.draw(st.none() | values) for name, values in QUANTITIES.items()},
        **{name: data.draw(values) for name, values in SCALARS.items()},
    )
    priced = price_draws(plan, usage)
    months = [monthly_cost(plan, usage.at(index)) for index in range(4)]
    assert [priced.amount(index) for index in range(4)] == [month.amount for month in months]
    assert priced.no_price.tolist() == [not month.priced for month in months]
    assert all(priced.scaled[priced.no_price] == NO_PRICE)
    assert priced.why_not == {why: sum(why in month.why_not for month in months) for why in priced.why_not}
    assert priced.estimate == plan.estimate
    # A plan without a price at all has nothing left out of a sum.
    assert set(priced.omitted) >= {line for month in months for line in month.omitted}


def test_any_shape_and_scalars_beside_arrays() -> None:
    units = np.array([[1_000_000], [6_000_000]])
    steps = np.array([100, 101, 126])
    priced = price_draws(
        plan("inngest-2026-09", "pro"),
        UsageDraws(units=units, concurrent_steps=steps, events=Decimal(7_000_000)),
    )
    # 99 + 2 M events x 0.50, and blocks of $25; 6 M: 4 x 50 + 1 x 25 = 225 more.
    assert priced.dollars().tolist() == [[100.0, 125.0, 150.0], [325.0, 350.0, 375.0]]
    assert priced.amount(4) == 350


def test_what_has_no_price_is_masked_and_never_a_sum() -> None:
    units = np.array([50_000, 50_001, 60_000])
    priced = price_draws(plan("inngest-2026-09", "free"), UsageDraws(units=units))
    assert priced.no_price.tolist() == [False, True, True]
    assert priced.scaled.tolist() == [0, NO_PRICE, NO_PRICE]
    assert np.isnan(priced.dollars()).tolist() == [False, True, True]
    assert priced.why_not == {"does not fit: the plan pauses at 50,000 units a month": 2}


def test_a_plan_sold_by_agreement_has_no_price_in_any_draw() -> None:
    priced = price_draws(plan("temporal-2026-09-17", "enterprise"), UsageDraws(units=np.zeros((2, 3))))
    assert priced.no_price.all()
    assert priced.why_not == {"not priced: annual fee, ask Temporal's sales": 6}


def test_floats_are_taken_to_a_thousandth() -> None:
    usage = UsageDraws(units=np.array([0.1 + 0.2]))  # not 0.30000000000000004
    assert usage.at(0).units == Decimal("0.3")
    # 0.3 x 0.00005, and 10 % of it.
    assert price_draws(plan("temporal-2026-09-17", "developer"), usage).amount(0) == Decimal("0.0000165")


def test_sums_that_do_not_fit_64_bits_are_refused_and_never_wrapped() -> None:
    developer = plan("temporal-2026-09-17", "developer")
    # $0.00005 and 10 % of it have 6 decimals: 10^12 units are 5.5 x 10^13 of them, 10^18 would be 5.5 x 10^19 > 2^63.
    assert price_draws(developer, UsageDraws(units=np.array([10**12]))).amount(0) == 55_000_000
    with pytest.raises(UsageError, match="too large for exact 64-bit sums"):
        price_draws(developer, UsageDraws(units=np.array([10**18])))
    with pytest.raises(UsageError, match="too large for exact 64-bit sums"):
        price_draws(developer, UsageDraws(units=np.array([1e17])))
    with pytest.raises(UsageError, match="too large for exact 64-bit sums"):
        price_draws(developer, UsageDraws(units=np.array([2**63], dtype=np.uint64)))


@pytest.mark.parametrize(
    ("units", "message"),
    [
        (np.array([-1]), "below zero"),
        (np.array([-0.1]), "below zero"),
        (np.array([np.nan]), "not numbers"),
        (np.array([np.inf]), "not numbers"),
    ],
)
def test_draws_must_be_numbers_of_zero_or_more(units: np.ndarray, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        price_draws(plan("temporal-2026-09-17", "developer"), UsageDraws(units=units))


def test_a_month_with_only_some_quantities_drawn() -> None:
    month = Usage(units=Decimal(1), retained_gbh=Decimal(3600), replicated=True, peak_aps=Decimal(700))
    usage = UsageDraws.of(month, units=np.array([10, 20]))
    assert usage.at(1) == month.model_copy(update={"units": Decimal(20)})
    assert UsageDraws.of(month).at(0) == month


@pytest.mark.parametrize("plan", PLANS)
def test_a_draw_at_an_edge_costs_what_its_month_costs(plan: Plan) -> None:
    for name, tariff in plan.tariffs.items():
        ends = [n for band in tariff.bands for n in (band.above, band.up_to) if n is not None]
        fees = [fee.up_to for fee in plan.base_fees if fee.up_to is not None]
        edges = {int(n + shift) for n in (*ends, *fees, tariff.included) for shift in (0, tariff.included)}
        beside = np.array(sorted({n + step for n in edges for step in (-1, 0, 1) if n + step >= 0}))
        usage = UsageDraws.of(Usage(units=Decimal(0)), **{name: beside})
        priced = price_draws(plan, usage)
        assert [priced.amount(n) for n in range(beside.size)] == [
            monthly_cost(plan, usage.at(n)).amount for n in range(beside.size)
        ]
