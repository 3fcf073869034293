"""A month's storage, rates and steps, with figures derived by hand."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from capacity_fixtures import inngest, result, task, temporal
from hypothesis import given
from hypothesis import strategies as st

from durameter.cost.capacity import (
    FLAT,
    OFFICE,
    SECONDS_PER_MONTH,
    DayShape,
    Demand,
    demand,
    gbh,
    per_task,
)
from durameter.cost.capacity.limits import on_demand_limit
from durameter.cost.prices import Plan, load_books
from durameter.errors import UsageError

MILLION = Decimal(1_000_000)
SPIKE = DayShape(name="spike", weights=(Decimal(1),) * 23 + (Decimal(25),))
"""Mean 2, peak 12.5 times the mean; the 90th percentile is half of the mean."""


def temporal_plan() -> Plan:
    """Business, from September 2026: 500 a second at least, TRUs of 500 in numbers of 2, 3, 4, 6, 8, 10 and 12."""
    [found] = [each for each in load_books() if each.id == "temporal-2026-09-17"]
    [plan] = [plan for plan in found.plans if plan.id == "business"]
    return plan


def test_a_million_tasks_of_100_kb_kept_for_30_days() -> None:
    """10^6 x 10^5 bytes = 100 GB a month, each kept 720 hours: 72,000 GBh. Open 36 s = 0.01 h: 1 GBh."""
    found = demand(temporal(), MILLION)
    assert found.retained_gbh == 72_000
    assert found.active_gbh == 1


@pytest.mark.parametrize(("days", "kept"), [(1, 2_400), (7, 16_800), (90, 216_000)])
def test_retention(days: int, kept: int) -> None:
    assert demand(temporal(), MILLION, retention_days=Decimal(days)).retained_gbh == kept


def test_an_included_gb_is_one_that_stays_all_month() -> None:
    """The price sheet: 1 GB = 744 GBh. 10^9 bytes that one task keeps for the 744 hours of a month of 31 days."""
    assert gbh(Decimal(1), Decimal(10**9) * 744) == 744


def test_open_hours_that_are_given_replace_measured_ones() -> None:
    """100 GB a month, each open for 6 hours: 600 GBh, whatever the short run took."""
    found = demand(temporal(), MILLION, open_hours=Decimal(6))
    assert found.active_gbh == 600
    assert found.retained_gbh == 72_000


def test_retained_storage_by_simulation() -> None:
    """Bytes in store at every hour of a month long after the beginning, task by task, summed: the same 72,000 / 1,000.

    1,000 tasks a month of 744 hours, 100,000 bytes each, kept for 720 hours.
    """
    month, kept, tasks = 744, 720, 1_000
    closed = [hour * month / tasks for hour in range(-3 * tasks, tasks)]
    stored = sum(sum(1 for at in closed if at <= hour < at + kept) for hour in range(month))
    assert stored * 100_000 / 10**9 == pytest.approx(
        float(demand(temporal(), Decimal(1_000)).retained_gbh or 0), rel=0.002
    )


def test_rates_by_hand() -> None:
    """20 Actions x 10^6 = 2 x 10^7 in 730.5 x 3,600 = 2,629,800 s: 7.605 a second; office hours 3.3006 times that."""
    found = demand(temporal(), MILLION, OFFICE)
    assert found.units == 20_000_000
    assert found.mean_aps() == Decimal("7.605141")
    assert found.peak_aps() == Decimal("25.101448")
    assert demand(temporal(), MILLION, FLAT).peak_aps() == found.mean_aps()
    assert found.peak_aps(Decimal(40_000_000)) == pytest.approx(2 * Decimal("25.101448"), abs=Decimal("0.00001"))


def test_concurrent_steps_by_hand() -> None:
    """2,629,800 tasks a month are 1 a second; each at work for 10 s: 10 steps on average, 18 in 99 % of the time."""
    found = demand(inngest(), Decimal(2629800))
    assert found.steps_mean_peak == 10
    assert found.concurrent_steps_peak == 18
    assert found.events == 4 * Decimal(2629800)
    slower = demand(inngest(), Decimal(2629800), step_seconds=Decimal(100))
    assert (slower.steps_mean_peak, slower.concurrent_steps_peak) == (100, 124)


def test_parallel_steps_take_more_slots() -> None:
    """Five at once all the time: the square is 5 x 10 = 50, and 5 x Poisson(2) does not exceed 30 in 99 %."""
    assert demand(inngest(step_overlap_seconds=50), Decimal(2629800)).concurrent_steps_peak == 30


def test_on_demand_grows_with_the_load() -> None:
    """2,000 a second on average, a spike of 12.5 times that: the 90th percentile is half the mean, 2 x 1,000 = 2,000.

    Flat: min(4 x 2,000, 2 x 2,000). A hundredth of it stays at the floor of 500.
    """
    capacity = temporal_plan().capacity
    assert capacity is not None
    units = 2_000 * SECONDS_PER_MONTH
    assert on_demand_limit(capacity, SPIKE, units, SECONDS_PER_MONTH) == 2_000
    assert on_demand_limit(capacity, FLAT, units, SECONDS_PER_MONTH) == 4_000
    assert on_demand_limit(capacity, FLAT, units / 100, SECONDS_PER_MONTH) == 500


def test_a_spike_that_on_demand_does_not_carry() -> None:
    """Mean 200 a second, so 525,960,000 Actions. On demand: min(4 x 200, 2 x 100) = 200, so the floor of 500.

    The hour of the spike has 12.5 x 200 = 2,500 a second: 6 TRUs (4 give 2,000, and 5 are not sold), in one of 24
    hours: 30.4375 hours a month. All other hours have 100.
    """
    found = demand(temporal(), Decimal(1), SPIKE)
    [hours] = found.provisioned(temporal_plan(), Decimal(525_960_000))
    assert (hours.capacity_units, hours.units, hours.hours) == (6, 2_500 * 3_600, Decimal("30.4375"))
    assert found.usage(Decimal(525_960_000), provisioned=(hours,)).provisioned == (hours,)


def test_the_busiest_part_of_an_hour_decides_for_the_hour() -> None:
    """48 half hours, one of 49 against 47 of 1: the mean is 2, the peak 24.5 times that. 100 a second on average.

    The spike has 2,450 a second and takes 6 TRUs; its hour has half of that and half of 50: 1,250 x 3,600 Actions.
    """
    shape = DayShape(name="half hours", weights=(Decimal(1),) * 47 + (Decimal(49),))
    [hours] = demand(temporal(), Decimal(1), shape).provisioned(temporal_plan(), 100 * SECONDS_PER_MONTH)
    assert (hours.capacity_units, hours.units, hours.hours) == (6, 1_250 * 3_600, Decimal("30.4375"))


def test_the_largest_volume_is_computed() -> None:
    for found in (temporal(), inngest()):
        month = demand(found, Decimal(10**12), OFFICE)
        assert month.usage(month.units or Decimal(0)).units > 0


def test_no_provisioned_capacity() -> None:
    found = demand(temporal(), Decimal(1))
    assert found.provisioned(temporal_plan(), Decimal(10**10)) == ()  # flat: it has grown to twice its own rate
    more_than_is_sold = demand(temporal(), Decimal(1), SPIKE).provisioned(temporal_plan(), Decimal(10**10))
    assert more_than_is_sold == ()
    [inngest_book] = [each for each in load_books() if each.id == "inngest-2026-09"]
    assert demand(inngest(), MILLION).provisioned(inngest_book.plans[0]) == ()


def test_usage_has_what_is_known() -> None:
    usage = demand(temporal(), MILLION).usage(Decimal(20_000_000))
    assert (usage.units, usage.active_gbh, usage.retained_gbh) == (20_000_000, 1, 72_000)
    assert (usage.events, usage.concurrent_steps, usage.seats, usage.connect_workers) == (None, None, None, None)
    assert usage.peak_aps == Decimal("7.605141")
    assert usage.needs == {"history_events": 200, "history_bytes": 100_000}
    steps = demand(inngest(), MILLION).usage(Decimal(50_000_000))
    assert (steps.active_gbh, steps.retained_gbh, steps.events) == (None, None, 4_000_000)
    assert steps.needs == {"steps_per_function": 40, "state_bytes": 50_000, "step_output_bytes": 5_000}


def test_what_was_not_measured_is_not_zero() -> None:
    """Results from before storage was measured."""
    found = demand(result("temporal", [task(1, 20, {})]), MILLION)
    usage = found.usage(Decimal(1))
    assert (usage.active_gbh, usage.retained_gbh, usage.needs) == (None, None, {})
    assert demand(result("temporal", [task(1, 20, {})]), MILLION, open_hours=Decimal(5)).active_gbh is None
    old = demand(result("inngest", [task(1, 20, {"events": 3})]), MILLION)
    assert (old.concurrent_steps_peak, old.events) == (None, 3_000_000)


def test_what_is_known_of_a_part_of_the_tasks_is_their_mean() -> None:
    """100 and 300 of two tasks, the third has none: 200, and not 133; the longest is the longest of the two."""
    measures = [
        {"history_bytes": 100, "history_events_longest": 7},
        {"history_bytes": 300, "history_events_longest": 5},
    ]
    each = per_task(result("temporal", [task(n, 1, known) for n, known in enumerate([*measures, {}])]))
    assert (each.history_bytes, each.measure("history_events_longest")) == (200, 7)
    assert each.known_of == {"history_bytes": 2, "history_events_longest": 2}


def test_failed_tasks_are_in_no_figure_unless_all_failed() -> None:
    good, bad = task(1, 1, {"history_bytes": 100}), task(2, 9, {"history_bytes": 900}, state="failed")
    assert per_task(result("temporal", [good, bad])).history_bytes == 100
    assert per_task(result("temporal", [bad])).history_bytes == 900
    assert per_task(result("temporal", [])).units is None


@given(st.integers(0, 10**9), st.integers(1, 1_000))
def test_storage_is_linear_in_volume(volume: int, times: int) -> None:
    once, more = demand(temporal(), Decimal(volume)), demand(temporal(), Decimal(volume) * times)
    assert (more.retained_gbh or 0) == (once.retained_gbh or 0) * times
    assert once.at(Decimal(volume) * times) == more


@given(st.integers(0, 10**8), st.integers(0, 10**8))
def test_more_tasks_never_take_less(first: int, more: int) -> None:
    for found in (temporal(), inngest()):
        low, high = demand(found, Decimal(first), OFFICE), demand(found, Decimal(first + more), OFFICE)
        for name in ("retained_gbh", "active_gbh", "events", "concurrent_steps_peak", "units"):
            before, after = getattr(low, name), getattr(high, name)
            assert (before is None) == (after is None)
            assert before is None or before <= after


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda: demand(temporal(), Decimal(-1)), "volume"),
        (lambda: demand(temporal(), Decimal(10**13)), "volume"),
        (lambda: demand(temporal(), MILLION, retention_days=Decimal(0)), "1 to 90 days"),
        (lambda: demand(temporal(), MILLION, retention_days=Decimal(91)), "1 to 90 days"),
        (lambda: demand(temporal(), MILLION, open_hours=Decimal(-1)), "open hours"),
        (lambda: demand(temporal(), MILLION, step_seconds=Decimal("nan")), "step seconds"),
        (lambda: demand(temporal(), MILLION, quantile=1.0), "quantile"),
    ],
)
def test_figures_out_of_range_are_refused(ask: Callable[[], Demand], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        ask()
