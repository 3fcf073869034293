"""What holds for every plan of every book, at any usage."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durameter.cost.prices import (
    QUANTITIES,
    Cost,
    Plan,
    PriceBook,
    Usage,
    cheapest,
    load_books,
    monthly_cost,
)

BOOKS = load_books()
PLANS = [pytest.param(plan, id=f"{b.id}-{plan.id}") for b in BOOKS for plan in b.plans if not plan.not_priced]
ADDITIVE = [pytest.param(plan, id=f"{b.id}-{plan.id}") for b in BOOKS for plan in b.plans if plan.additive]
OPEN_END = Decimal(400_000_000)

EXAMPLES = settings(deadline=None, max_examples=30)  # a shared machine may pause; there are many plans


def edges(plan: Plan, quantity: str) -> list[Decimal]:
    """Where the price of the next one changes."""
    tariff = plan.tariffs[quantity]
    shift = tariff.included if tariff.bands_over == "beyond_included" else Decimal(0)
    ends = [band.up_to + shift for band in tariff.bands if band.up_to is not None]
    fees = [fee.up_to for fee in plan.base_fees if fee.up_to is not None] if quantity == "units" else []
    blocks = [tariff.included + n * tariff.block for n in (1, 2)] if tariff.block is not None else []
    return [tariff.included, *ends, *fees, *blocks]


def tenths(top: Decimal) -> st.SearchStrategy[Decimal]:
    """From 0 to `top`, with one decimal; far quicker to draw than `st.decimals`."""
    return st.integers(0, int(top * 10)).map(lambda n: Decimal(n) / 10)


def amounts(plan: Plan, quantity: str, *, below: int = 0) -> st.SearchStrategy[Decimal]:
    """Quantities that the plan has a price for, many of them at its edges and one beside."""
    ceiling = plan.tariffs[quantity].ceiling
    top = (OPEN_END if ceiling is None else ceiling) - below
    beside = {edge + step for edge in edges(plan, quantity) for step in (-1, 0, 1)}
    return st.one_of(tenths(top), st.sampled_from(sorted(n for n in beside if 0 <= n <= top)))


def months(plan: Plan) -> st.SearchStrategy[Usage]:
    """Months that the plan has a price for; what it has a price for may be unknown, but for units."""
    known = {name: amounts(plan, name) if name == "units" else st.none() | amounts(plan, name) for name in plan.tariffs}
    return st.fixed_dictionaries(known).map(Usage.model_validate)


def dearest(plan: Plan, quantity: str) -> Decimal:
    share = plan.fee.share_of_usage if plan.fee is not None else Decimal(0)
    return max((band.unit_price for band in plan.tariffs[quantity].bands), default=Decimal(0)) * (1 + share)


def amount(cost: Cost) -> Decimal:
    assert cost.amount is not None, cost.why_not
    return cost.amount


@pytest.mark.parametrize("plan", PLANS)
@EXAMPLES
@given(data=st.data())
def test_more_of_anything_never_costs_less(plan: Plan, data: st.DataObject) -> None:
    usage = data.draw(months(plan))
    name = data.draw(st.sampled_from(sorted(plan.tariffs)))
    fewer, more = sorted((data.draw(amounts(plan, name)), data.draw(amounts(plan, name))))
    less = monthly_cost(plan, usage.model_copy(update={name: fewer}))
    assert amount(less) <= amount(monthly_cost(plan, usage.model_copy(update={name: more})))


@pytest.mark.parametrize("plan", PLANS)
@EXAMPLES
@given(data=st.data())
def test_the_price_jumps_only_where_the_plan_file_says_so(plan: Plan, data: st.DataObject) -> None:
    """A little more costs at most as much more at the dearest price: but for base fees, and add-ons by the block."""
    usage = data.draw(months(plan))
    name = data.draw(st.sampled_from(sorted(plan.tariffs)))
    before = data.draw(amounts(plan, name, below=1))
    step = data.draw(st.sampled_from([Decimal(1), Decimal("0.001")]))
    jump = amount(monthly_cost(plan, usage.model_copy(update={name: before + step}))) - amount(
        monthly_cost(plan, usage.model_copy(update={name: before}))
    )
    allowed = dearest(plan, name) * step
    block = plan.tariffs[name].block
    if block is not None and plan.tariffs[name].charged(before + step) > plan.tariffs[name].charged(before):
        # At most two blocks: one that is begun, and one if a step of a whole unit passes an edge.
        allowed = dearest(plan, name) * 2 * block
    if name == "units":
        passed = (fee for fee in plan.base_fees if before <= fee.above < before + step and fee.above > 0)
        allowed += sum((fee.amount for fee in passed), Decimal(0))
    assert jump <= allowed


@pytest.mark.parametrize("plan", ADDITIVE)
@EXAMPLES
@given(data=st.data())
def test_months_add_up_where_the_plan_says_so(plan: Plan, data: st.DataObject) -> None:
    one = data.draw(months(plan))
    known = {name: amounts(plan, name) for name in plan.tariffs if getattr(one, name) is not None}
    other = Usage.model_validate(data.draw(st.fixed_dictionaries(known)))
    both = Usage.model_validate({name: getattr(one, name) + getattr(other, name) for name in known})
    assert amount(monthly_cost(plan, both)) == amount(monthly_cost(plan, one)) + amount(monthly_cost(plan, other))


def test_which_plans_say_so() -> None:
    assert [(b.id, plan.id) for b in BOOKS for plan in b.plans if plan.additive] == [
        ("temporal-2026-09-17", "developer")
    ]


@pytest.mark.parametrize("plan", PLANS)
@EXAMPLES
@given(data=st.data())
def test_lines_add_up(plan: Plan, data: st.DataObject) -> None:
    usage = data.draw(months(plan))
    cost = monthly_cost(plan, usage)
    assert sum(line.amount for line in cost.lines) == cost.amount
    assert all(line.quantity * line.unit_price == line.amount for line in cost.lines)
    for name, tariff in plan.tariffs.items():
        used = getattr(usage, name)
        charged = sum(line.quantity for line in cost.lines if line.of == name)
        assert charged == (tariff.charged(used) if used is not None else 0)


@pytest.mark.parametrize("plan", PLANS)
@EXAMPLES
@given(data=st.data())
def test_more_units_never_reprice_the_ones_before(plan: Plan, data: st.DataObject) -> None:
    """Graduated tiers: what is charged in a band stays charged there, whatever comes after it."""
    fewer, more = sorted((data.draw(amounts(plan, "units")), data.draw(amounts(plan, "units"))))
    charged = {line.what: line.quantity for line in monthly_cost(plan, Usage(units=more)).lines}
    for line in monthly_cost(plan, Usage(units=fewer)).lines:
        if line.of == "units":
            assert line.quantity <= charged[line.what]


@pytest.mark.parametrize("plan", PLANS)
@EXAMPLES
@given(data=st.data())
def test_multipliers_never_make_units_cheaper(plan: Plan, data: st.DataObject) -> None:
    ceiling = plan.tariffs["units"].ceiling
    units = data.draw(tenths(OPEN_END if ceiling is None else ceiling / 4))
    share = data.draw(st.integers(0, 100).map(Decimal)) / 100
    plain = monthly_cost(plan, Usage(units=units))
    dearer = monthly_cost(plan, Usage(units=units, fairness_share=share, replicated=True))
    assert amount(plain) <= amount(dearer)
    assert dearer.billed_units >= units


@pytest.mark.parametrize("book", [pytest.param(b, id=b.id) for b in BOOKS])
@EXAMPLES
@given(data=st.data())
def test_the_cheapest_is_never_dearer_than_a_plan_that_fits(book: PriceBook, data: st.DataObject) -> None:
    top = {
        name: 1000 if name in ("concurrent_steps", "connect_workers", "seats") else 400_000_000 for name in QUANTITIES
    }
    known = {name: st.decimals(0, top[name], places=1) for name in QUANTITIES}
    optional = {name: drawn if name == "units" else st.none() | drawn for name, drawn in known.items()}
    usage = Usage.model_validate(data.draw(st.fixed_dictionaries(optional)))
    choice = cheapest(book, usage)
    every = [monthly_cost(plan, usage) for plan in book.plans]
    offers = [cost for cost in every if cost.priced and not cost.estimate]
    assert (choice.cost is None) == (not offers)
    assert all(amount(choice.cost) <= amount(cost) for cost in offers if choice.cost is not None)
    shown = [*choice.costs, *choice.estimates, *choice.left_out]
    assert sorted(cost.plan for cost in shown) == sorted(plan.id for plan in book.plans)
    assert all(cost.why_not for cost in choice.left_out)
