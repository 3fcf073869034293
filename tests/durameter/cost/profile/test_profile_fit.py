"""Profiles of results that were built by hand; every expected figure is derived beside it."""

import numpy as np
import pytest
from profile_built import Built, Rows, engine_result

from durameter.cost.profile import Coefficient, Profile, fit_profile
from durameter.errors import UsageError
from durameter.report.profile import covariate_rows
from durameter_collectors.units import Gap

CALLS = (3, 8, 5, 12, 7, 4, 9, 6, 10, 2)
HAND_OVERS = (0, 1, 0, 0, 2, 0, 1, 0, 0, 0)
RETRIES = (0, 1, 0, 2, 0, 0, 1, 0, 1, 0)


def agent(calls: int, hand_overs: int = 0, retries: int = 0, cluster: str = "", **more: float) -> Built:
    """One workflow; an activity per model call, retries of it; a child workflow, which costs 2, per hand-over."""
    return Built(
        covariates={"model_calls": calls, "hand_overs": hand_overs, **more},
        rows=Rows(
            first={"start": 1, "activity": calls, "child_intent": hand_overs, "child_start": hand_overs},
            again={"activity_retry": retries},
        ),
        cluster=cluster,
    )


def profile_of(*tasks: Built, engine: str = "temporal") -> Profile:
    return fit_profile(*engine_result(tasks, engine))


def values(coefficients: tuple[Coefficient, ...]) -> dict[str, float]:
    return {each.covariate: each.value for each in coefficients}


def test_without_retries_every_line_is_exact() -> None:
    profile = profile_of(*(agent(c, h) for c, h in zip(CALLS, HAND_OVERS, strict=True)))
    for reading in ("documented", "upper", "lower"):
        lines = profile.lines(reading)
        assert lines.exact
        assert {line.kind: (line.basis, values(line.coefficients)) for line in lines.kinds} == {
            "start_workflow": ("exact", {"fixed": 1}),
            "schedule_activity": ("exact", {"model_calls": 1}),
            "start_child_workflow": ("exact", {"hand_overs": 2}),
        }
        assert values(lines.total) == {"fixed": 1, "model_calls": 1, "hand_overs": 2}
    assert profile.retries is None
    assert profile.worst == ()
    # One task with 7 calls and 3 hand-overs costs 1 + 7 + 6 = 14, and two of them 28.
    assert profile.mean_units({"model_calls": 7, "hand_overs": 3}) == 14
    found = profile.predict_total([[7, 3], [7, 3]])
    assert (found.total, found.low, found.high, found.exact) == (28, 28, 28, True)
    assert list(profile.draw_means([[7, 3]] * 4)) == [14] * 4
    assert profile.task_variance() == 0


def test_retries_are_a_rate_of_first_attempts_with_a_clustered_error() -> None:
    """Five retries of 66 model calls. Two tasks make a cluster: its sums are one observation.

    Calls by cluster: 11, 17, 11, 15, 12 (sum 66); retries 1, 2, 0, 1, 1 (sum 5); rate r = 5 / 66.
    HC3 of weighted least squares with variance in proportion to the calls x: each residual e = y - r x is divided by
    1 - h, h = x / 66, and the variance is sum (e / (1 - h))^2 / 66^2.
    """
    clusters = [f"case {i // 2}" for i in range(10)]
    tasks = [agent(c, h, r, g) for c, h, r, g in zip(CALLS, HAND_OVERS, RETRIES, clusters, strict=True)]
    profile = profile_of(*tasks)
    lines = profile.lines()
    assert not lines.exact
    assert {line.kind: line.basis for line in lines.kinds} == {
        "start_workflow": "exact",
        "schedule_activity": "exact",
        "start_child_workflow": "exact",
        "retry_activity": "given_retries",
    }
    assert lines.per_retry == 1
    x, y = np.array([11, 17, 11, 15, 12]), np.array([1, 2, 0, 1, 1])
    error = float(np.sqrt((((y - 5 / 66 * x) / (1 - x / 66)) ** 2).sum()) / 66)
    assert profile.retries is not None
    [rate] = profile.retries.rate
    assert (rate.covariate, rate.value, rate.error) == ("model_calls", pytest.approx(5 / 66), pytest.approx(error))
    assert (profile.retries.seen, profile.retries.attempts, profile.retries.causes) == (5, 66, ("call_model",))
    assert values(lines.total) == {"fixed": 1, "model_calls": pytest.approx(1 + 5 / 66), "hand_overs": 2}
    assert lines.noise is not None
    assert lines.noise.degrees == 4
    assert lines.noise.terms[0].weights == {"model_calls": 1}
    # The worst task: 12 calls and 2 retries, where 12 x 5 / 66 = 0.909 were to be expected.
    assert (profile.worst[0].task, profile.worst[0].retries) == ("t3", 2)
    assert profile.worst[0].residual == pytest.approx(2 - 12 * 5 / 66)


def test_retries_cost_nothing_documented_and_one_each_in_the_upper_reading_of_inngest() -> None:
    tasks = [
        Built(
            covariates={"messages": n, "model_calls": c},
            rows=Rows(first={"run": n, "step_run": c}, again={"step_retry": r}, cause={"run": "message"}),
        )
        for n, c, r in zip((1, 2, 3, 1, 4, 2, 5, 3, 1, 2), CALLS, RETRIES, strict=True)
    ]
    profile = profile_of(*tasks, engine="inngest")
    documented, upper, lower = (profile.lines(reading) for reading in ("documented", "upper", "lower"))
    assert (documented.exact, upper.exact, lower.exact) == (True, False, True)
    assert (documented.per_retry, upper.per_retry) == (0, 1)
    assert values(documented.total) == {"messages": 1, "model_calls": 1}
    assert values(upper.total) == {"messages": 1, "model_calls": pytest.approx(1 + 5 / 66)}
    assert profile.is_open
    assert profile.predict_total([[2, 8]]).exact
    assert not profile.predict_total([[2, 8]], "upper").exact


def test_a_covariate_that_never_varied_has_no_figure() -> None:
    profile = profile_of(*(agent(c) for c in CALLS))
    assert "hand_overs was 0 in every task: its marginal is not known" in profile.warnings
    assert "hand_overs" not in values(profile.lines().total)
    assert profile.predict_total([[7, 0]]).exact
    found = profile.predict_total([[7, 1]])
    assert found.unidentified == ("hand_overs was 0 in every task: its marginal is not known",)
    # A task of 7 calls is 8 Actions; what a hand-over adds is not below zero, and nothing says how much it is.
    assert (found.exact, found.low, found.high) == (False, 8, None)


def test_covariates_that_go_together_are_not_told_apart() -> None:
    """Signals for answered approvals: 1 each. In the sample every approval was answered."""

    def task(calls: int, approvals: int) -> Built:
        rows = Rows(first={"start": 1, "activity": calls, "timer": approvals, "signal": approvals})
        return Built({"model_calls": calls, "approvals": approvals, "answered": approvals}, rows)

    profile = profile_of(*(task(c, h) for c, h in zip(CALLS, HAND_OVERS, strict=True)))
    said = "answered and approvals were equal in every task: their marginals cannot be told apart"
    assert said in profile.warnings
    assert profile.predict_total([[5, 2, 2]]).exact
    found = profile.predict_total([[5, 2, 1]])
    # Timer and signal belong to approvals or to answers, in any share: 1 + 5, and for each of the two kinds 1 to 2.
    assert (found.low, found.high, found.unidentified) == (pytest.approx(8), pytest.approx(10), (said,))


def test_a_marginal_that_rests_on_one_task_is_said() -> None:
    profile = profile_of(*(agent(c, int(i == 4)) for i, c in enumerate(CALLS)))
    assert "what hand_overs costs rests on a single task: no other checks it" in profile.warnings


def test_tasks_that_did_not_complete_are_apart() -> None:
    failed = agent(50, 0, 9)
    failed.state = "failed"
    uncounted = agent(7)
    uncounted.state, uncounted.counted = "timed_out", False
    profile = profile_of(*(agent(c, h) for c, h in zip(CALLS, HAND_OVERS, strict=True)), failed, uncounted)
    assert profile.tasks == 10
    assert profile.lines().exact  # the failed one's retries are in no line
    assert profile.left_out == {"failed": 1, "timed_out": 1}
    assert profile.left_out_mean == {"failed": 60}  # 1 + 50 + 9


def test_tasks_that_may_lack_units_are_said_first() -> None:
    result, units = engine_result([agent(c, h) for c, h in zip(CALLS, HAND_OVERS, strict=True)])
    gap = Gap(engine="temporal", task="t0", run="", what="the history is not whole")
    tasks = (result.tasks[0].model_copy(update={"gaps": (gap,)}), *result.tasks[1:])
    profile = fit_profile(result.model_copy(update={"tasks": tasks}), units)
    assert profile.warnings[0].startswith("1 of these tasks may lack units")


def test_two_tasks_are_no_profile() -> None:
    with pytest.raises(UsageError, match=r"2 task\(s\) completed; a profile needs at least 3"):
        profile_of(agent(3), agent(4))


def test_few_tasks_are_warned_of_with_how_many_it_takes() -> None:
    profile = profile_of(agent(3, 1, 1), agent(8, 0, 0), agent(5, 2, 1))
    # Two covariates and what is fixed are three figures; five tasks more check them.
    assert any("measure at least 8" in each for each in profile.warnings)
    assert any("errors rest on 3 groups" in each for each in profile.warnings)


def test_one_cluster_gives_no_interval() -> None:
    profile = profile_of(*(agent(c, h, r, "one") for c, h, r in zip(CALLS, HAND_OVERS, RETRIES, strict=True)))
    found = profile.predict_total([[7, 0]])
    assert (found.low, found.high) == (None, None)
    assert any("no interval can be made" in each for each in profile.warnings)
    with pytest.raises(UsageError, match="at least ten different tasks"):
        profile.draw_means([[7, 0]])


def test_a_kind_that_nothing_says_exactly_is_fitted() -> None:
    """Signals: 3 per second streamed, give or take one. The fit is near 3, its error above zero."""
    seconds = (4, 7, 2, 9, 5, 11, 3, 8, 6, 10, 12, 5)
    off = (1, -1, 0, 1, 0, -1, 1, 0, -1, 0, 1, -1)
    tasks = [
        Built({"model_calls": i % 4 + 1, "seconds": s}, Rows(first={"start": 1, "signal": 3 * s + o}))
        for i, (s, o) in enumerate(zip(seconds, off, strict=True))
    ]
    profile = profile_of(*tasks)
    [line] = [each for each in profile.lines().kinds if each.kind == "signal_workflow"]
    assert line.basis == "fitted"
    [coefficient] = line.coefficients
    assert coefficient.covariate == "seconds"
    assert coefficient.value == pytest.approx(246 / 82)  # all signals, 3 x 82 + 0, by all seconds
    assert 0 < coefficient.error < 0.1
    assert "signal_workflow: no exact function of the covariates and retries; fitted, with an error" in profile.warnings


def test_every_attempt_heartbeats_so_heartbeats_are_exact_given_retries() -> None:
    tasks = [
        Built(
            {"model_calls": c},
            Rows(first={"start": 1, "activity": c, "heartbeat": c}, again={"activity_retry": r, "heartbeat": r}),
        )
        for c, r in zip(CALLS, RETRIES, strict=True)
    ]
    profile = profile_of(*tasks)
    lines = {line.kind: (line.basis, values(line.coefficients)) for line in profile.lines().kinds}
    assert lines["record_activity_heartbeat"] == ("given_retries", {"model_calls": 1, "retries": 1})
    assert lines["retry_activity"] == ("given_retries", {"retries": 1})
    assert profile.lines().per_retry == 2


def test_what_a_mix_lacks_or_has_too_much_is_said() -> None:
    profile = profile_of(*(agent(c, h) for c, h in zip(CALLS, HAND_OVERS, strict=True)))
    with pytest.raises(UsageError, match="needs hand_overs"):
        profile.mean_units({"model_calls": 7})
    with pytest.raises(UsageError, match="has no covariate turns"):
        profile.mean_units({"model_calls": 7, "hand_overs": 0, "turns": 3})
    with pytest.raises(UsageError, match="has 2 columns"):
        profile.draw_means([[1, 2, 3]])


def test_what_too_few_tasks_leave_out_is_not_told_and_not_zero() -> None:
    """Each costs 1, which four tasks cannot check; the regression takes one of them, and the others are no zero."""
    shapes = [
        (6, 12, 5),
        (9, 20, 10),
        (8, 24, 17),
        (29, 30, 1),
        (3, 9, 8),
        (12, 15, 2),
        (7, 31, 4),
        (4, 6, 11),
        (5, 8, 3),
    ]
    tasks = [
        Built({"user_messages": m, "model_calls": c, "tool_calls": t}, Rows(first={"activity": m + c + t}))
        for m, c, t in shapes
    ]
    few = profile_of(*tasks[:4])
    [line] = few.lines().kinds
    assert line.basis == "fitted"
    names = set(few.covariate_names)
    assert set(few.untold()) == names - {each.covariate for each in line.coefficients}
    assert len(few.untold()) == 2
    assert [row[-1] for row in covariate_rows(few) if row[0] in few.untold()] == ["not told apart"] * 2
    enough = profile_of(*tasks)
    assert values(enough.lines().total) == dict.fromkeys(few.covariate_names, 1)
    assert enough.untold() == ()


def test_a_profile_comes_back_from_json() -> None:
    profile = profile_of(*(agent(c, h, r) for c, h, r in zip(CALLS, HAND_OVERS, RETRIES, strict=True)))
    assert Profile.model_validate_json(profile.model_dump_json()) == profile
