"""The closed form of retry policies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durameter.engines.inngest.retry_policy import INNGEST_DEV, INNGEST_PRODUCTION
from durameter.engines.temporal.retry_policy import TEMPORAL_DEFAULT
from durameter.retries import RetryPolicy

HALF_HOUR = 1800.0


def test_temporals_default_policy_makes_23_retries_in_30_minutes() -> None:
    """1 + 2 + 4 + ... + 64 = 127 s for the first 7; then (1800 - 127) / 100 = 16.7: 16 more."""
    assert TEMPORAL_DEFAULT.retries_within(HALF_HOUR) == 7 + 16
    # The attempt that ends it comes after the outage.
    assert TEMPORAL_DEFAULT.retries_until_over(HALF_HOUR) == 24


@pytest.mark.parametrize(
    ("seconds", "retries"),
    [(0.9, 0), (1, 1), (2.9, 1), (3, 2), (7, 3), (15, 4), (126, 6), (127, 7), (226, 7), (227, 8)],
)
def test_each_retry_of_temporal_begins_when_its_waits_are_over(seconds: float, retries: int) -> None:
    assert TEMPORAL_DEFAULT.retries_within(seconds) == retries


def test_inngests_production_table_makes_6_retries_in_30_minutes_whatever_it_draws() -> None:
    """15 + 30 + 60 + 120 + 300 + 600 = 1125 s without jitter, + 6 x 30 = 1305 with all of it; the next wait is 1200."""
    assert INNGEST_PRODUCTION.begins(6) == 1125
    assert INNGEST_PRODUCTION.begins(6, jitter=30) == 1305
    assert INNGEST_PRODUCTION.begins(7) == 2325
    for jitter in (0, 15, 30):
        assert INNGEST_PRODUCTION.retries_within(HALF_HOUR, jitter=jitter) == 6


def test_inngest_gives_up_after_20_retries() -> None:
    """Ten waits of the table, 15 375 s, and ten more of its last, 2 h: 87 375 s."""
    table = 15 + 30 + 60 + 120 + 300 + 600 + 1200 + 2400 + 3600 + 7200
    assert INNGEST_PRODUCTION.begins(20) == table + 10 * 7200
    assert INNGEST_PRODUCTION.retries_until_over(10_000_000) == 20
    assert not INNGEST_PRODUCTION.outlives(10_000_000)
    assert INNGEST_PRODUCTION.outlives(HALF_HOUR)


def test_the_dev_server_waits_a_second() -> None:
    assert [INNGEST_DEV.retries_until_over(seconds) for seconds in (0, 0.5, 1.5, 5.9)] == [0, 1, 2, 6]


def test_the_mean_over_when_a_call_begins() -> None:
    """Temporal, D = 4 s, attempts at 0, 1, 3 s of a call. A call that still meets r of it retries 1, 2 or 3 times:
    once for r in (0, 1], twice in (1, 3], three times in (3, 4]: (1 x 1 + 2 x 2 + 1 x 3) / 4 = 2."""
    assert TEMPORAL_DEFAULT.mean_retries(4) == pytest.approx(2)
    # 30 minutes: 1 + sum of (1800 - t) / 1800 over the 23: t = 1, 3, ..., 127 sum to 247; 227, ..., 1727 to 15 632.
    assert TEMPORAL_DEFAULT.mean_retries(HALF_HOUR) == pytest.approx(24 - (247 + 15_632) / 1800)
    # Inngest, half the jitter: attempts at 0, 30, 75, 150, 285, 600, 1215 s.
    assert INNGEST_PRODUCTION.mean_retries(HALF_HOUR, jitter=15) == pytest.approx(7 - 2355 / 1800)


POLICIES = st.builds(
    RetryPolicy,
    name=st.just("any"),
    waits=st.lists(st.floats(0.5, 500), min_size=1, max_size=8).map(tuple),
    most_retries=st.none() | st.integers(0, 30),
)
SECONDS = st.floats(0, 5000)


@settings(deadline=None)  # a shared machine may pause
@given(POLICIES, SECONDS, SECONDS)
def test_a_longer_outage_never_has_fewer_retries(policy: RetryPolicy, one: float, other: float) -> None:
    short, long = sorted((one, other))
    assert policy.retries_within(short) <= policy.retries_within(long)
    assert policy.retries_until_over(short) <= policy.retries_until_over(long)
    assert policy.mean_retries(short) <= policy.mean_retries(long) + 1e-9


@settings(deadline=None)  # a shared machine may pause
@given(POLICIES, SECONDS, st.floats(0, 60))
def test_longer_waits_never_make_more_retries(policy: RetryPolicy, seconds: float, jitter: float) -> None:
    assert policy.retries_within(seconds, jitter=jitter) <= policy.retries_within(seconds)
    assert policy.mean_retries(seconds, jitter=jitter) <= policy.mean_retries(seconds) + 1e-9


@settings(max_examples=30, deadline=None)
@given(POLICIES, st.floats(1, 500))
def test_the_mean_is_that_of_calls_that_begin_evenly_over_the_outage(policy: RetryPolicy, seconds: float) -> None:
    """Each of the at most 1001 retries moves the mean of 500 calls by at most one call's share at its edge."""
    calls = [policy.retries_until_over(seconds * (place + 0.5) / 500) for place in range(500)]
    tolerance = policy.retries_until_over(seconds) / 500
    assert policy.mean_retries(seconds) == pytest.approx(sum(calls) / 500, abs=tolerance)


@settings(deadline=None)  # a shared machine may pause
@given(POLICIES, SECONDS)
def test_retries_begin_within_the_outage(policy: RetryPolicy, seconds: float) -> None:
    retries = policy.retries_within(seconds)
    rounding = 1e-9 * (1 + seconds)
    assert retries == 0 or policy.begins(retries) <= seconds + rounding
    if policy.outlives(seconds):
        assert policy.begins(retries + 1) > seconds - rounding


def test_a_policy_without_retries_has_none_on_average() -> None:
    policy = RetryPolicy(name="once", waits=(1.0,), most_retries=0)
    assert (policy.retries_until_over(60), policy.mean_retries(60)) == (0, 0.0)


def test_a_wait_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        RetryPolicy(name="none", waits=(0.0,))
