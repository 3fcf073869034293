"""What a projection says first, and what it refuses."""

from decimal import Decimal

from made_results import AGREES, made

from durameter.cost.projection import Ask, project

DIFFERS = AGREES.model_copy(update={"state": "differs"})
UNCHECKED = AGREES.model_copy(update={"state": "not checked"})
ASK = Ask(volume=Decimal(1000), draws=200)


def test_a_proved_count_of_enough_tasks_has_nothing_to_complain_of() -> None:
    found = project(made({"temporal": [10, 12, 14, 9, 11]}), ASK)
    assert found.trusted
    assert found.headline == "Independent sources agree on every kind of unit."


def test_sources_that_differ_give_units_and_no_dollars() -> None:
    found = project(made({"temporal": [10] * 6}, reconciliations=[DIFFERS]), ASK)
    engine = found.engines[0]
    assert not found.trusted
    assert found.headline.startswith("Do not believe these counts, no dollars are given")
    assert "ledger and meter differ" in engine.refused
    assert engine.readings[0].units.p50 == 10_000
    assert engine.readings[0].plans == ()
    assert engine.readings[0].dollars is None
    assert all(point.plans == {} for point in engine.curve)
    assert all(change.dollars is None for change in found.sensitivities)
    assert found.crossovers == ()


def test_one_engine_is_refused_and_the_other_is_not() -> None:
    good, bad = made({"temporal": [10] * 6}), made({"inngest": [10] * 6}, reconciliations=[DIFFERS])
    both = good.measurement.model_copy(update={"engines": good.measurement.engines + bad.measurement.engines})
    found = project(type(good)(good.folder, both, good.ledger + bad.ledger), ASK)
    assert found.headline.startswith("Inngest: do not believe")
    assert [engine.readings[0].dollars is None for engine in found.engines] == [False, True]
    assert found.cheaper == {}


def test_lost_tasks_are_said_first() -> None:
    found = project(made({"temporal": [10] * 6}, lost=2), ASK)
    assert found.headline == "2 of 8 tasks did not complete and are in no figure."
    assert found.engines[0].readings[0].units_per_task.p50 == 10


def test_a_count_without_a_second_source_is_not_proved() -> None:
    for checks in ([UNCHECKED], []):
        assert "not proved" in project(made({"temporal": [10] * 6}, reconciliations=checks), ASK).headline


def test_few_tasks_and_one_group_are_said() -> None:
    assert "3 tasks: too few to be sure" in project(made({"temporal": [10, 12, 14]}), ASK).headline
    one = project(made({"temporal": [10]}), ASK)
    assert "no interval can be given" in one.headline
    assert "no interval can be given" in project(made({"temporal": [9, 11]}, clusters=["a", "a"]), ASK).headline


def test_an_engine_that_counted_nothing_is_listed_with_why() -> None:
    result = made({"temporal": [10] * 6, "inngest": []})
    engine = result.measurement.engines[1].model_copy(update={"state": "missing", "problem": "no server"})
    both = result.measurement.model_copy(update={"engines": (result.measurement.engines[0], engine)})
    found = project(type(result)(result.folder, both, result.ledger), ASK)
    assert found.engines[1].readings == ()
    assert any("no server" in line for line in found.engines[1].troubles)
    assert "Inngest: missing: no server" in found.headline
