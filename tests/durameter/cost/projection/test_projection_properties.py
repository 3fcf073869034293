"""What must hold of every projection, and how often its intervals are right."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from made_results import made

from durameter.cost.prices import load_books
from durameter.cost.projection import Ask, Projection, project
from durameter.cost.projection.ask import monthly_volumes
from durameter.cost.projection.assemble import pricers
from durameter.cost.projection.draws import Column, Series, mean_ratios, month_noise
from durameter.cost.projection.pricing import Pricer
from durameter.results.folder import Result

pytestmark = pytest.mark.long

MILLION = Decimal(10**6)
TURNS = [1, 2, 3, 4, 6, 7, 9, 12, 15, 20]
COUNTS = [3, 2, 5, 4, 7, 7, 12, 13, 14, 22]
"""Not a function of the turns: there is noise."""


def both() -> Result:
    return made({"temporal": [6 * n for n in COUNTS], "inngest": [5 * n for n in COUNTS]}, turns=TURNS)


def test_more_tasks_never_have_fewer_units_nor_cost_less() -> None:
    found = project(both(), Ask(volume=Decimal(2000), draws=500))
    for engine in found.engines:
        points = engine.curve
        assert len(points) >= 12
        for less, more in pairwise(points):
            assert less.volume < more.volume
            assert less.units.p5 <= more.units.p5 <= more.units.p50 <= more.units.p95
            assert less.units.p95 <= more.units.p95
            for plan, dollars in more.plans.items():
                before = less.plans[plan]
                if dollars is not None and before is not None:
                    assert before.p5 <= dollars.p5
                    assert before.p50 <= dollars.p50
                    assert before.p95 <= dollars.p95
                if before is None and plan not in ("enterprise", "mission_critical"):
                    assert dollars is None, "a plan that does not fit a month does not fit a larger one"


def test_more_turns_are_never_cheaper(tmp_path: Path) -> None:
    mix = tmp_path / "turns.csv"
    cost: list[list[Decimal]] = []
    for turns in (2, 7, 20):
        mix.write_text(f"turns,weight\n{turns},1\n")
        found = project(both(), Ask(volume=MILLION / 10, mix=str(mix), draws=500))
        months = [engine.readings[0].dollars for engine in found.engines]
        cost.append([month.p50 for month in months if month is not None])
    for less, more in pairwise(cost):
        assert all(a <= b for a, b in zip(less, more, strict=True))


def test_the_same_seed_gives_the_same_projection_and_another_does_not() -> None:
    ask = Ask(volume=MILLION, draws=300)
    first = project(both(), ask)
    assert project(both(), ask) == first
    other = project(both(), Ask(volume=MILLION, draws=300, seed=1))
    assert other.engines[0].readings[0].units != first.engines[0].readings[0].units


def test_a_projection_survives_json() -> None:
    found = project(both(), Ask(volume=MILLION, draws=300))
    assert Projection.model_validate_json(found.model_dump_json()) == found


def test_a_file_of_tasks_is_a_sample_and_shares_are_known(tmp_path: Path) -> None:
    """The same three rows: as a sample their mean is uncertain, with weights it is not."""
    sampled, shares = tmp_path / "tasks.csv", tmp_path / "shares.csv"
    sampled.write_text("turns\n3\n6\n12\n")
    shares.write_text("turns,weight\n3,1\n6,1\n12,1\n")
    wide, narrow = (
        project(both(), Ask(volume=MILLION, mix=str(each), draws=1000)).engines[0].readings[0].units_per_task
        for each in (sampled, shares)
    )
    assert wide.p95 - wide.p5 > 2 * (narrow.p95 - narrow.p5)
    assert float(wide.p50) == pytest.approx(float(narrow.p50), rel=0.05)


def test_cases_weigh_the_same() -> None:
    """Three trials of a case of 10 units and one of a case of 30: 15 as measured, 20 by case."""
    result = made({"temporal": [10, 10, 10, 30]}, clusters=["a", "a", "a", "b"])
    per_task = {
        mix: project(result, Ask(volume=MILLION, mix=mix, draws=10_000)).engines[0].readings[0].units_per_task.p50
        for mix in ("measured", "cases")
    }
    assert float(per_task["measured"]) == pytest.approx(15, rel=0.03)
    assert float(per_task["cases"]) == pytest.approx(20, rel=0.03)


def test_a_small_month_is_less_sure_than_a_large_one() -> None:
    """With the mean known, what is left is chance: s.d. of one task x sqrt(tasks)."""
    rng = np.random.default_rng(0)
    means, normal = np.full(200_000, 40.0), rng.standard_normal(200_000)
    for volume in (25.0, 10_000.0):
        months = volume * means * month_noise(means, 400.0, np.array([volume]), normal)
        assert months.mean() == pytest.approx(volume * 40, rel=0.005)
        assert months.std() == pytest.approx(20 * volume**0.5, rel=0.02)


def test_engines_that_ran_the_same_tasks_vary_together() -> None:
    """The second is the first and a little of its own, so that their ratio is much surer than either."""
    rng = np.random.default_rng(1)
    units = 2 + 6 * (1 + rng.negative_binomial(2, 0.25, 40)).astype(float)
    names = [f"task {n}" for n in range(40)]
    first, second = mean_ratios([Column(units, names), Column(units * rng.uniform(0.95, 1.05, 40), names)], 20_000, rng)
    assert np.corrcoef(np.log(first), np.log(second))[0, 1] > 0.99
    strangers = mean_ratios([Column(units, names), Column(units, [f"{n} else" for n in names])], 20_000, rng)
    assert abs(np.corrcoef(np.log(strangers))[0, 1]) < 0.05


def _cost(
    pricer: Pricer, units: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return pricer.draws(units, Fraction(40)).amounts[0]


@pytest.mark.parametrize(("tasks", "trials", "holds"), [(10, 1, 0.884), (20, 1, 0.891), (30, 4, 0.89)])
def test_nine_in_ten_intervals_hold_the_true_cost(tasks: int, trials: int, holds: float) -> None:
    """The fact sheet's model: units = 2 + 6 x turns, turns = 1 + negative binomial(2, 0.25), so 44 units on average.

    600 samples of so many cases, each with some trials that add noise of their own; every sample's p5 to p95 of the
    dollars of 1 M tasks on Business is held against the price of 44 M units: 250 + 225 + 400 + 21.5 x 35 + 500 =
    $2,127.50. t on the log of the mean is a little short of 90 % at small n, as it is of 95 % (94.1 at 10): its own
    closed form holds 88.4 % at 10 tasks and 89.1 % at 20 (40 000 samples). Allowed is the Monte-Carlo error, 3 x 1.3 %.
    """
    result = made({"temporal": [40] * 6})
    ask = Ask(volume=MILLION, plans=["business"])
    found = pricers(result.measurement.engines, result.measurement.started.date(), ask, load_books())
    pricer = found["temporal", "plain"]
    assert isinstance(pricer, Pricer)
    rng = np.random.default_rng(tasks)
    truth = _cost(pricer, np.array([44_000_000]))[0]
    assert truth == 2127.5
    repeats, draws, inside = 600, 1000, 0
    names = [f"case {n // trials}" for n in range(tasks * trials)]
    for _ in range(repeats):
        cases = np.repeat(1 + rng.negative_binomial(2, 0.25, tasks), trials)
        units = 2 + 6 * cases + (rng.integers(-1, 2, tasks * trials) * 4 if trials > 1 else 0)
        ratios = mean_ratios([Column(np.maximum(units, 2).astype(float), names)], draws, rng)[0]
        dollars = np.sort(_cost(pricer, np.rint(10**6 * units.mean() * ratios).astype(np.int64)))
        inside += bool(dollars[draws // 20 - 1] <= truth <= dollars[draws - draws // 20 - 1])
    assert inside / repeats == pytest.approx(holds, abs=0.039)


def test_volumes_grow_from_the_first_month_on() -> None:
    volumes = monthly_volumes(Decimal(100), (Decimal("0.1"), Decimal("0.1")), 3, 2, np.random.default_rng(0))
    assert volumes == pytest.approx(np.array([[100, 100], [110, 110], [121, 121]]))


def test_no_units_at_all_cost_what_the_plan_costs() -> None:
    series = Series("documented", Fraction(0), Fraction(0), np.zeros(10), 0.0)
    assert series.units(np.array([[100.0]]), np.zeros((1, 10))).tolist() == [[0] * 10]
