"""Scenarios in a projection: measured effects, at a share of the month's tasks."""

from decimal import Decimal

import numpy as np
import pytest
from made_results import made

from durameter.cost.projection import Ask, Projection, project
from durameter.cost.projection.draws import hits
from durameter.cost.projection.scenarios import parse_scenarios
from durameter.cost.scenarios import Effects, Extra, ScenarioEffect
from durameter.errors import UsageError

MILLION = Decimal(10**6)


def effect(extra: float, error: float | None = 0.0, engine: str = "temporal") -> ScenarioEffect:
    readings = {name: Extra(extra_mean=extra, extra_error=error) for name in ("documented", "upper", "lower")}
    return ScenarioEffect(
        name="storm",
        engine=engine,
        variant="plain",
        unit="Action",
        description="429 for a while",
        readings=readings,
        n=6,
        clusters=6,
        extrapolated=False,
        measured=readings,
        default_share=0.01,
        why="seven hours of a month",
        differs="shorter waits",
    )


@pytest.fixture
def storm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "durameter.cost.projection.assemble.read_effects_and_problems", lambda _: Effects((effect(25.0),), ())
    )


def month(*scenarios: str) -> Projection:
    return project(made({"temporal": [10] * 6}), Ask(volume=MILLION, scenarios=scenarios, draws=4000))


@pytest.mark.usefixtures("storm")
def test_a_scenario_that_is_not_asked_for_is_a_sensitivity() -> None:
    found = month()
    engine = found.engines[0]
    assert engine.scenarios == ()
    assert engine.readings[0].units.p50 == 10_000_000
    (bad_day,) = [each for each in found.sensitivities if each.kind == "scenario"]
    # 1 % of the tasks, 25 units each: 0.25 per task, 0.25 M a month at $55 per M on Developer.
    assert bad_day.units_per_task.p50 == Decimal("0.25")
    assert bad_day.dollars is not None
    assert float(bad_day.dollars.p50) == pytest.approx(13.75, abs=0.05)
    assert bad_day.note == "shorter waits"
    assert any("storm" in line for line in found.not_covered)


@pytest.mark.usefixtures("storm")
def test_a_scenario_that_is_asked_for_is_in_the_month() -> None:
    found = month("storm=2%")
    engine = found.engines[0]
    (used,) = engine.scenarios
    assert (used.share, used.why, used.extra_units) == (0.02, "as asked", 25)
    # 2 % of 1 M tasks are 20 000 hits, s.d. 140: 0.5 M units and a little chance.
    units = engine.readings[0].units
    assert float(units.p50) == pytest.approx(10_500_000, abs=300)
    assert float(units.p95 - units.p5) == pytest.approx(2 * 1.645 * 140 * 25, rel=0.08)
    assert not engine.exact
    assert not [each for each in found.sensitivities if each.kind == "scenario"]


def test_what_a_scenario_does_not_tell_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Effects((effect(25.0, None),), ("outage: no effect on inngest (plain): no server.",))
    monkeypatch.setattr("durameter.cost.projection.assemble.read_effects_and_problems", lambda _: found)
    said = month("storm").not_covered
    assert "how sure the effect of storm on temporal is: 6 tasks of one group do not tell" in said
    assert "scenario outage: no effect on inngest (plain): no server." in said


@pytest.mark.usefixtures("storm")
def test_its_own_share_is_the_default() -> None:
    (used,) = month("storm").engines[0].scenarios
    assert (used.share, used.why) == (0.01, "seven hours of a month")


def test_an_error_of_the_effect_widens_the_month(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "durameter.cost.projection.assemble.read_effects_and_problems", lambda _: Effects((effect(25.0, 5.0),), ())
    )
    units = month("storm=2%").engines[0].readings[0].units
    # Of 4 000 draws; t with 5 degrees: 2.015 x 5 units x 20 000 hits to either side.
    assert float(units.p95 - units.p5) == pytest.approx(2 * 2.015 * 5 * 20_000, rel=0.08)


def test_hits_are_whole_tasks_and_never_fewer_of_a_larger_month() -> None:
    uniform = np.random.default_rng(0).uniform(size=20_000)
    few = hits(np.array([[50.0], [100.0]]), 0.01, uniform)
    assert np.array_equal(few, np.rint(few))
    assert (few[0] <= few[1]).all()
    assert few[1].mean() == pytest.approx(1, rel=0.03)
    assert few[1].var() == pytest.approx(0.99, rel=0.08)
    many = hits(np.array([[10**6]]), 0.01, uniform)
    assert many.std() == pytest.approx(9900**0.5, rel=0.03)


@pytest.mark.parametrize("text", ["storm=", "storm=2", "storm=-1%", "storm=101%", "storm=often", "flood"])
def test_a_wrong_share_or_name(text: str) -> None:
    with pytest.raises(UsageError):
        parse_scenarios([text], [effect(25.0)])


def test_twice() -> None:
    with pytest.raises(UsageError, match="twice"):
        parse_scenarios(["storm", "storm=1%"], [effect(25.0)])
