"""Limits that a month comes near to, by the real price books, in words."""

from decimal import Decimal

import pytest
from capacity_fixtures import inngest, temporal

from durameter.cost.capacity import (
    OFFICE,
    DayShape,
    assumptions,
    capacity_rows,
    demand,
    limit_lines,
)
from durameter.cost.prices import Plan, load_books, monthly_cost

A_SECOND = Decimal(2629800)
"""Tasks a month that are one a second: 730.5 x 3,600."""


def plan(book: str, name: str) -> Plan:
    [found] = [each for each in load_books() if each.id == book]
    [wanted] = [each for each in found.plans if each.id == name]
    return wanted


def test_concurrent_steps_over_the_plan_are_lifted_by_blocks() -> None:
    """10 tasks a second, 10 s each: 100 on average, 124 at most; the plan has 100, a block of 25 more is $25."""
    pro = plan("inngest-2026-09", "pro")
    found = demand(inngest(), 10 * A_SECOND)
    [steps] = [each for each in found.limits(pro, Decimal(20_000_000)) if each.limit == "concurrent_steps"]
    assert (steps.state, steps.used, steps.value) == ("over", 124, 100)
    assert "25.00 this month" in steps.price
    [hit] = [h for h in monthly_cost(pro, found.usage(Decimal(20_000_000))).limits if h.limit == "concurrent_steps"]
    assert hit.amount == 25
    assert any("Over the limit: 124 concurrent steps" in line for line in limit_lines((steps,)))


@pytest.mark.parametrize(("steps", "state"), [(499, None), (500, "near"), (1_000, "near"), (1_001, "over")])
def test_steps_in_a_run(steps: int, state: str | None) -> None:
    """Near from half of 1,000: the longest of a few tasks is not the longest of a month."""
    found = demand(inngest(steps_in_longest_run=steps), Decimal(1))
    near = {each.limit: each.state for each in found.limits(plan("inngest-2026-09", "pro"))}
    assert near.get("steps_per_function") == state


@pytest.mark.parametrize(("events", "state"), [(10_239, None), (10_240, "near"), (51_200, "near"), (51_201, "over")])
def test_history_is_near_where_the_vendor_warns(events: int, state: str | None) -> None:
    """Temporal warns at 10,240 events and ends the workflow above 51,200."""
    found = demand(temporal(history_events_longest=events), Decimal(1))
    near = {each.limit: each.state for each in found.limits(plan("temporal-2026-09-17", "business"))}
    assert near.get("history_events") == state


def test_a_limit_that_nothing_lifts_leaves_the_plan_out() -> None:
    """What the prices say and what is said here agree."""
    pro = plan("inngest-2026-09", "pro")
    found = demand(inngest(state_bytes_longest=40 * 2**20), Decimal(1))
    [state] = found.limits(pro)
    assert (state.limit, state.state, state.hard) == ("state_bytes", "over", True)
    assert not monthly_cost(pro, found.usage(Decimal(50))).priced
    [line] = limit_lines((state,))
    assert "41.9 MB" in line
    assert "Nothing lifts it" in line


def test_the_rate_is_told_with_what_it_grows_to() -> None:
    """600 a second on average, office hours: 3.3006 x 600 = 1,980 at the peak; after a week min(4 x 600, 2 x 1,980)."""
    business = plan("temporal-2026-09-17", "business")
    found = demand(temporal(), 30 * A_SECOND, OFFICE)  # 20 Actions each
    [aps] = [each for each in found.limits(business) if each.limit == "aps"]
    assert (aps.state, aps.value) == ("over", 500)
    assert round(aps.used) == 1_980
    assert "2,400, which is enough" in aps.note
    assert "4 TRUs" in aps.price
    assert found.provisioned(business) == ()


def test_a_spike_is_not_carried_by_growth() -> None:
    spike = DayShape(name="spike", weights=(Decimal(1),) * 23 + (Decimal(25),))
    found = demand(temporal(), 10 * A_SECOND, spike)
    [aps] = [each for each in found.limits(plan("temporal-2026-09-17", "business")) if each.limit == "aps"]
    assert "which is not enough" in aps.note


def test_nothing_is_near() -> None:
    assert demand(inngest(), Decimal(100)).limits(plan("inngest-2026-09", "pro")) == ()
    assert limit_lines(()) == ()


def test_rows_of_both_engines() -> None:
    rows = {row.what: row.value for row in capacity_rows(demand(temporal(), Decimal(1_000_000)))}
    assert rows == {
        "retained storage": "72,000 GBh a month",
        "active storage": "1 GBh a month, at most",
        "Actions per second": "7.61 on average, 7.61 at the peak",
        "longest history": "200 events, 100 kB",
    }
    steps = {row.what: row.value for row in capacity_rows(demand(inngest(), A_SECOND))}
    assert steps == {
        "executions per second": "50 on average, 50 at the peak",
        "events": "10,519,200 a month",
        "concurrent steps": "18 in 99 % of the peak's time, 10 on average",
        "steps in the longest run": "40",
        "state of the largest run": "50 kB",
        "largest output of a step": "5 kB",
    }


def test_assumptions_name_what_is_compressed_or_given() -> None:
    measured = " ".join(assumptions(demand(temporal(), Decimal(1))))
    given = " ".join(assumptions(demand(temporal(), Decimal(1), open_hours=Decimal(2))))
    assert "shorter than in production" in measured
    assert "shorter than in production" not in given
    [active] = [
        row for row in capacity_rows(demand(temporal(), Decimal(1), open_hours=Decimal(2))) if "active" in row.what
    ]
    assert "2 hours per task, as given" in active.why
    steps = " ".join(assumptions(demand(inngest(), Decimal(1))))
    assert "model and tools of the measurement" in steps
    assert "model and tools" not in " ".join(assumptions(demand(inngest(), Decimal(1), step_seconds=Decimal(9))))
