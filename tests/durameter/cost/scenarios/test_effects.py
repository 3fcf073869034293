"""From a normal and a bad day to what the bad one adds."""

import math
from typing import Any

import pytest
from synthetic import AGREES, engine, result, task

from durameter.cost.scenarios import Effects, ScenarioEffect, effects_of
from durameter.engines.temporal.retry_policy import TEMPORAL_DEFAULT
from durameter.retries import RetryPolicy
from durameter.workload import Outage, Scenario
from durameter_collectors.units import Gap


def scenario(**more: Any) -> Scenario:
    return Scenario(name="bad", description="a bad day", default_share=0.01, why="a guess", **more)


def one(effects: Effects) -> ScenarioEffect:
    [effect] = effects.effects
    return effect


def test_the_effect_is_the_mean_of_the_differences_task_by_task() -> None:
    """5, 1 and 3 more as documented; 2, 0 and 4 more of what may be billed on top. Order does not matter."""
    base = result(engine([task("a", 10), task("b", 20, 1), task("c", 30)]))
    bad = result(engine([task("c", 33, 4), task("a", 15, 2), task("b", 21, 1)]))
    found = one(effects_of(scenario(), base, bad))
    assert (found.n, found.clusters, found.extrapolated) == (3, 3, False)
    assert found.readings["documented"].extra_mean == 3
    assert found.readings["upper"].extra_mean == 5  # (5 + 2 + 1 + 3 + 4) / 3
    assert found.readings["lower"].extra_mean == 3
    # The standard deviation of 5, 1, 3 is 2; by its square root of three tasks.
    assert found.readings["documented"].extra_error == pytest.approx(2 / math.sqrt(3))
    assert found.measured == found.readings


def test_errors_are_clustered() -> None:
    """Two clusters of two: differences 1, 3 and 5, 7, mean 4. Sums of residuals -4 and 4, each by 1 - 2/4 (CR3): 8.

    sqrt(2 x 8²) / 4 = sqrt(8).
    """
    base = result(engine([task(name, 0, cluster=name[0]) for name in ("a1", "a2", "b1", "b2")]))
    more = {"a1": 1, "a2": 3, "b1": 5, "b2": 7}
    bad = result(engine([task(name, units, cluster=name[0]) for name, units in more.items()]))
    found = one(effects_of(scenario(), base, bad))
    assert found.clusters == 2
    assert found.readings["documented"].extra_error == pytest.approx(math.sqrt(8))


def test_one_cluster_has_no_error_and_equal_extras_have_none_to_speak_of() -> None:
    base = result(engine([task("a", 1, cluster="x"), task("b", 1, cluster="x")]))
    varied = result(engine([task("a", 2, cluster="x"), task("b", 5, cluster="x")]))
    equal = result(engine([task("a", 2, cluster="x"), task("b", 2, cluster="x")]))
    single = result(engine([task("a", 2)]))
    assert one(effects_of(scenario(), base, varied)).readings["documented"].extra_error is None
    assert one(effects_of(scenario(), base, equal)).readings["documented"].extra_error == 0
    assert one(effects_of(scenario(), base, single)).readings["documented"].extra_error is None


def test_what_is_not_comparable_is_left_out_and_said() -> None:
    gap = Gap(engine="temporal", task="d", run="", what="lost")
    names = ("a", "b", "c", "d", "e")
    base = result(engine([task("a", 1), task("b", 1, state="failed"), *(task(name, 1) for name in names[2:])]))
    bad = result(
        engine(
            [
                task("a", 4),
                task("b", 9),
                task("c", 9, state="timed_out", error="late"),
                task("d", 9, gaps=(gap,)),
                task("e", 0, counted=False),
                task("of nobody", 9),
            ]
        )
    )
    found = one(effects_of(scenario(), base, bad))
    assert (found.n, found.readings["documented"].extra_mean) == (1, 3)
    [note] = found.notes
    assert note.startswith("4 of 6 tasks left out: b: failed in the base; c: timed_out in the scenario (late); d: not")


def test_a_scenario_that_fails_its_tasks_is_made_of_failed_ones() -> None:
    base = result(engine([task("a", 1), task("b", 1)]))
    bad = result(engine([task("a", 31, state="failed"), task("b", 99)]))
    found = one(effects_of(scenario(ends="failed"), base, bad))
    assert (found.n, found.readings["documented"].extra_mean) == (1, 30)


def test_an_engine_without_an_effect_is_a_problem_and_not_nothing() -> None:
    base = result(engine([task("a", 1)]), engine([task("a", 1)], name="inngest"))
    bad = result(engine([task("a", 1, state="timed_out")], problem="the server died"))
    found = effects_of(scenario(), base, bad)
    assert found.effects == ()
    first, second = found.problems
    assert "no effect on temporal (any): the server died; 1 of 1 tasks left out" in first
    assert "it was not run on inngest (any)" in second


def test_sources_that_differ_are_said() -> None:
    differs = AGREES.model_copy(update={"state": "differs"})
    base = result(engine([task("a", 1)], reconciliations=(differs,)))
    bad = result(engine([task("a", 1)], reconciliations=()))
    notes = one(effects_of(scenario(), base, bad)).notes
    assert notes == (
        "the base's sources differ: history against meter",
        "the scenario was not proved: no sources were compared",
    )


LATE = TEMPORAL_DEFAULT.model_copy(update={"jitter": 0.5})
OUTAGE = Outage(seconds=1800, measured={"temporal": LATE}, production={"temporal": TEMPORAL_DEFAULT})


def met(seconds: float, failures: int, over: float) -> dict[str, float]:
    return {"outage_seconds": seconds, "outage_failures": failures, "outage_over_seconds": over}


def outage(*tasks: tuple[int, dict[str, float]], cost: int = 1, declared: Outage = OUTAGE) -> ScenarioEffect:
    """Tasks of 10 units that met outages, with so many units more."""
    base = result(engine([task(str(n), 10) for n in range(len(tasks))]))
    bad = [task(str(n), 10 + cost * more, observed=observed) for n, (more, observed) in enumerate(tasks)]
    return one(effects_of(scenario(outage=declared), base, result(engine(bad))))


GOOD = ((2, met(2.5, 2, 3.2)), (3, met(6.0, 3, 7.1)))
"""Temporal: attempts at 0, 1, 3, 7 s."""


def test_a_long_outage_is_the_closed_form_of_what_a_retry_cost() -> None:
    found = outage(*GOOD)
    mean = 24 - 15_879 / 1800  # derived in test_retries
    assert found.extrapolated
    assert found.readings["documented"].extra_mean == pytest.approx(mean)
    assert found.readings["documented"].extra_error == 0
    assert found.measured["documented"].extra_mean == 2.5
    assert any("15.18 retries on average, 24 if a call begins with the outage" in note for note in found.notes)
    # Where each attempt costs two units (it heartbeats), so does each retry.
    assert outage(*GOOD, cost=2).readings["documented"].extra_mean == pytest.approx(2 * mean)


@pytest.mark.parametrize(
    ("tasks", "why"),
    [
        ([(2, met(2.5, 2, 3.2)), (2, met(6.0, 2, 7.1))], "2 attempts failed; Temporal's default policy gives 3 to 3"),
        ([(2, met(2.5, 2, 2.6))], "the next began after 2.60 s; Temporal's default policy gives 3.00 to 4.00 s"),
        ([(2, met(2.5, 2, 4.1))], "the next began after 4.10 s"),
        ([(2, met(2.5, 2, 3.2)), (4, met(6.0, 3, 7.1))], "a retry did not always cost the same units"),
        ([(2, {"outage_seconds": 2.5})], "a task does not say its 'outage_failures'"),
    ],
)
def test_the_closed_form_is_not_used_where_it_does_not_hold(tasks: list[Any], why: str) -> None:
    found = outage(*tasks)
    assert not found.extrapolated
    assert found.readings == found.measured
    [note] = found.notes
    assert note.startswith("not extended to 1800 s")
    assert why in note


def test_an_outage_that_the_policy_does_not_outlive_is_said() -> None:
    short = RetryPolicy(name="a short policy", waits=(60,), most_retries=4)
    found = outage(*GOOD, declared=OUTAGE.model_copy(update={"production": {"temporal": short}}))
    assert found.readings["documented"].extra_mean < 4
    assert found.notes[-1] == "a short policy gives up before 1800 s are over: such tasks fail"


def test_an_engine_whose_policy_is_unknown_is_not_extended() -> None:
    found = outage(*GOOD, declared=OUTAGE.model_copy(update={"production": {}}))
    assert not found.extrapolated
    assert found.notes == ("not extended to 1800 s: no retry policy is known for temporal",)
