"""Draws, intervals and bounds say the same thing in several ways."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from profile_built import Built, Rows, engine_result
from scipy import stats

from durameter.cost.profile import Profile, fit_profile
from durameter.cost.profile.predict import more_interval

rng = np.random.default_rng(11)
CALLS = tuple(map(int, rng.integers(2, 25, size=40)))
RETRIES = tuple(map(int, rng.poisson(0.1 * np.array(CALLS))))
SECONDS = tuple(map(int, rng.integers(1, 40, size=40)))


@pytest.fixture(scope="module")
def rate() -> Profile:
    """Forty tasks: one Action each, one per model call, and retries with 10 %."""
    return fit_profile(
        *engine_result(
            [
                Built({"model_calls": c}, Rows({"start": 1, "activity": c}, {"activity_retry": r}))
                for c, r in zip(CALLS, RETRIES, strict=True)
            ]
        )
    )


@pytest.fixture(scope="module")
def fitted() -> Profile:
    """The same with signals that go by model calls and seconds, give or take what retries took above."""
    return fit_profile(
        *engine_result(
            [
                Built({"model_calls": c, "seconds": s}, Rows({"start": 1, "signal": 2 * c + 3 * s + r}))
                for c, s, r in zip(CALLS, SECONDS, RETRIES, strict=True)
            ]
        )
    )


@pytest.mark.parametrize("which", ["rate", "fitted"])
def test_draws_have_the_quantiles_of_the_interval(which: str, request: pytest.FixtureRequest) -> None:
    profile: Profile = request.getfixturevalue(which)
    noise = profile.lines().noise
    assert noise is not None
    assert len(noise.terms) == (1 if which == "rate" else 2)
    row = np.full((1, len(profile.covariate_names)), 10.0)
    low, high = more_interval(noise, profile.covariate_names, row, 0.90)
    drawn = profile.draw_means(np.repeat(row, 200_000, axis=0), rng=np.random.default_rng(3))
    assert profile.predict_total(row).total == pytest.approx(
        profile.mean_units(dict.fromkeys(profile.covariate_names, 10.0))
    )
    # The exact part of ten model calls: 1 + 10 Actions of the first profile, 1 of the second.
    base = 11 if which == "rate" else 1
    width = high - low
    assert np.quantile(drawn, [0.05, 0.95]) == pytest.approx([base + low, base + high], abs=0.02 * width)


def test_the_same_chance_draws_the_same(rate: Profile) -> None:
    rows = [[10.0]] * 5
    drawn = [rate.draw_means(rows, rng=np.random.default_rng(4)) for _ in range(2)]
    assert list(drawn[0]) == list(drawn[1])
    assert len(set(drawn[0])) == 5


def test_a_total_has_more_room_than_its_rate_and_less_than_its_tasks_apart(rate: Profile) -> None:
    """Errors of the rate add up over tasks, residuals partly cancel."""
    rows = [[float(c)] for c in CALLS]
    together = rate.predict_total(rows)
    apart = [rate.predict_total([row]) for row in rows]
    assert together.low is not None
    assert together.high is not None
    assert together.high - together.low < sum((each.high or 0) - (each.low or 0) for each in apart)
    noise = rate.lines().noise
    assert noise is not None
    low, high = more_interval(noise, rate.covariate_names, np.array(rows), 0.95)
    assert together.high - together.low > high - low


def test_a_wider_level_is_a_wider_interval(rate: Profile) -> None:
    widths = []
    for level in (0.5, 0.9, 0.99):
        found = rate.predict_total([[10.0]] * 20, level=level)
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.total < found.high
        widths.append(found.high - found.low)
    assert widths == sorted(widths)


def test_a_task_varies_about_its_line_as_retries_do(rate: Profile) -> None:
    """Retries by chance have as much variance as there are of them: some 10 % of 13 calls, give or take a third."""
    mean = sum(RETRIES) / len(RETRIES)
    assert rate.task_variance() == pytest.approx(mean, rel=0.4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 20), st.integers(0, 20))
def test_bounds_hold_whatever_the_marginals_are_that_the_sample_left_open(calls: int, one: int, other: int) -> None:
    """Two covariates were equal in the sample, and cost 3 together: as 0 + 3, 1 + 2, 2 + 1 or 3 + 0."""
    tasks = [
        Built({"calls": c, "one": c % 3, "other": c % 3}, Rows({"start": 1, "activity": c, "signal": 3 * (c % 3)}))
        for c in CALLS
    ]
    found = fit_profile(*engine_result(tasks)).predict_total([[calls, one, other]])
    assert found.low is not None
    assert found.high is not None
    for share in range(4):
        assert found.low - 1e-9 <= 1 + calls + share * one + (3 - share) * other <= found.high + 1e-9
    assert found.exact == (one == other)


def test_next_to_no_degrees_of_freedom_make_no_number_that_is_none() -> None:
    """Two clusters, one value: t with one degree of freedom. Its draws are far apart, but numbers."""
    tasks = [
        Built({"model_calls": c}, Rows({"start": 1, "activity": c}, {"activity_retry": r}), cluster=g)
        for c, r, g in ((5, 1, "a"), (9, 0, "a"), (7, 4, "b"), (4, 1, "b"))
    ]
    profile = fit_profile(*engine_result(tasks))
    drawn = profile.draw_means([[10.0]] * 10_000)
    assert np.isfinite(drawn).all()
    assert (drawn >= 11).all()
    assert float(stats.iqr(drawn)) > 0
