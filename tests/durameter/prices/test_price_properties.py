"""What holds for every plan of every book, at any volume."""

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from durameter.prices import Cost, Plan, PriceBook, cheapest, load_books, monthly_cost

BOOKS = load_books()
PLANS = [pytest.param(plan, id=f"{b.id}-{plan.id}") for b in BOOKS for plan in b.plans if not plan.not_priced]
UNITS = st.decimals(0, 400_000_000, places=1)


def edges(plan: Plan) -> list[Decimal]:
    """The volumes at which the price of the next unit changes."""
    assert plan.units is not None
    shift = plan.units.included if plan.units.bands_over == "beyond_included" else Decimal(0)
    ends = [r.up_to + shift for r in plan.units.bands if r.up_to is not None]
    return [plan.units.included, *ends, *(r.up_to for r in plan.base_fees if r.up_to is not None)]


def months(plan: Plan, *, below_ceiling: int = 0) -> st.SearchStrategy[Decimal]:
    """Volumes that the plan has a price for, many of them at its edges and one unit beside."""
    assert plan.units is not None
    top = (plan.units.ceiling or Decimal(400_000_000)) - below_ceiling
    beside = {edge + step for edge in edges(plan) for step in (-1, 0, 1)}
    return st.one_of(
        st.decimals(0, top, places=1), st.sampled_from(sorted(units for units in beside if 0 <= units <= top))
    )


def dearest_unit(plan: Plan) -> Decimal:
    assert plan.units is not None
    share = plan.fee.share_of_usage if plan.fee is not None else Decimal(0)
    return max((band.unit_price for band in plan.units.bands), default=Decimal(0)) * (1 + share)


def amount(cost: Cost) -> Decimal:
    assert cost.amount is not None
    return cost.amount


@pytest.mark.parametrize("plan", PLANS)
@settings(deadline=None)  # a shared machine may pause
@given(data=st.data())
def test_more_units_never_cost_less(plan: Plan, data: st.DataObject) -> None:
    fewer, more = sorted((data.draw(months(plan)), data.draw(months(plan))))
    assert amount(monthly_cost(plan, fewer)) <= amount(monthly_cost(plan, more))


@pytest.mark.parametrize("plan", PLANS)
@settings(deadline=None)  # a shared machine may pause
@given(data=st.data())
def test_one_more_unit_costs_at_most_the_dearest_unit(plan: Plan, data: st.DataObject) -> None:
    units = data.draw(months(plan, below_ceiling=1))
    more = amount(monthly_cost(plan, units + 1)) - amount(monthly_cost(plan, units))
    # A change of the base fee is a step that the plan declares, and the only one.
    assume(not any(units <= fee.above < units + 1 for fee in plan.base_fees if fee.above > 0))
    assert more <= dearest_unit(plan)


@pytest.mark.parametrize("plan", PLANS)
@settings(deadline=None)  # a shared machine may pause
@given(data=st.data())
def test_lines_add_up(plan: Plan, data: st.DataObject) -> None:
    cost = monthly_cost(plan, data.draw(months(plan)))
    assert sum(line.amount for line in cost.lines) == cost.amount
    assert all(line.quantity * line.unit_price == line.amount for line in cost.lines)
    assert sum(line.quantity for line in cost.lines if "fee" not in line.what) == cost.units


@pytest.mark.parametrize("plan", PLANS)
@settings(deadline=None)  # a shared machine may pause
@given(data=st.data())
def test_more_units_never_reprice_the_ones_before(plan: Plan, data: st.DataObject) -> None:
    """Graduated tiers: what is charged in a band stays charged there, whatever comes after it."""
    fewer, more = sorted((data.draw(months(plan)), data.draw(months(plan))))
    charged = {line.what: line.quantity for line in monthly_cost(plan, more).lines}
    for line in monthly_cost(plan, fewer).lines:
        if "fee" not in line.what:
            assert line.quantity <= charged[line.what]


@pytest.mark.parametrize("book", [pytest.param(b, id=b.id) for b in BOOKS])
@settings(deadline=None)  # a shared machine may pause
@given(units=UNITS)
def test_the_cheapest_is_never_dearer_than_a_plan_that_fits(book: PriceBook, units: Decimal) -> None:
    choice = cheapest(book, units)
    every = [monthly_cost(plan, units) for plan in book.plans]
    offers = [cost for cost in every if cost.priced and not cost.estimate]
    assert (choice.cost is None) == (not offers)
    assert all(amount(choice.cost) <= amount(cost) for cost in offers if choice.cost is not None)
    shown = [*choice.costs, *choice.estimates, *choice.left_out]
    assert sorted(cost.plan for cost in shown) == sorted(plan.id for plan in book.plans)
    assert all(cost.why_not for cost in choice.left_out)
