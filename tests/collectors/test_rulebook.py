"""The rulebooks as data: whole, dated, exercised, and answerable."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from durameter_collectors.rulebook import Rulebook, load_rulebook
from durameter_collectors.temporal.history import BLIND_SPOTS
from durameter_collectors.units import TaskLabel, Unit

ENGINES = ("temporal", "inngest")
RULE = {"id": "r", "kind": "k", "quantity": 1, "when": "-", "evidence": "e", "sources": ["history"]}
BOOK = {
    "engine": "temporal",
    "unit": "Action",
    "version": "1",
    "evidence": [{"id": "e", "what": "a document", "checked": "2026-11"}],
    "switches": [{"name": "s", "question": "-", "default": "free", "because": "-"}],
    "rules": [RULE],
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_switch_changes_a_rule(engine: str) -> None:
    """A question whose answer changes nothing would be a switch that cannot fail."""
    rules = load_rulebook(engine)
    for switch in rules.switches:
        other = "free" if switch.default == "billed" else "billed"
        changed = rules.answered({switch.name: other})
        differing = [a.id for a, b in zip(rules.rules, changed.rules, strict=True) if a.reading != b.reading]
        assert differing == [rule.id for rule in rules.rules if rule.switch == switch.name]
        assert differing
        assert rules.answered({switch.name: switch.default}) == rules


@pytest.mark.parametrize("engine", ENGINES)
def test_every_piece_of_evidence_is_used_or_names_a_document(engine: str) -> None:
    rules = load_rulebook(engine)
    assert all(each.what and each.checked for each in rules.evidence)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_kind_of_the_meter_is_settled(engine: str) -> None:
    """Where a name of the meter stands in rules of several kinds, the first rule has it, and it is no open one."""
    rules = load_rulebook(engine)
    for name in {name for rule in rules.rules for name in rule.meter}:
        first = next(rule for rule in rules.rules if name in rule.meter)
        others = {rule.kind for rule in rules.rules if name in rule.meter} - {first.kind}
        assert not others or not first.switch, name


def test_what_no_local_source_sees_is_said_to_be_the_clouds() -> None:
    for rule in load_rulebook("temporal").rules:
        assert bool(rule.sources) != rule.cloud_only, rule.id


def test_the_blind_spots_of_histories_are_those_of_the_rulebook() -> None:
    """A rule that the wire sees and no history is named among the history's blind spots."""
    words = " ".join(BLIND_SPOTS)
    for blind in ("queries", "heartbeats", "rejected updates", "schedule", "update-with-start", "signal-with-start"):
        assert blind in words


@pytest.mark.parametrize(
    "wrong",
    [
        {"rules": [RULE, RULE]},
        {"rules": [RULE | {"switch": "none"}]},
        {"rules": [RULE | {"evidence": "none"}]},
        {"rules": [RULE | {"quantity": -1}]},
        {"rules": [RULE | {"colour": "red"}]},
        {"switches": [BOOK["switches"][0], BOOK["switches"][0]]},
        {"switches": [BOOK["switches"][0] | {"default": "maybe"}]},
        {"evidence": []},
    ],
)
def test_a_damaged_rulebook_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rulebook.model_validate(BOOK | wrong)


def test_an_answer_moves_units_between_headline_and_range_and_loses_none() -> None:
    book = Rulebook.model_validate(BOOK | {"rules": [RULE | {"switch": "s"}, RULE | {"id": "plain"}]}).answered({})
    units = [*_units(book, "r"), *_units(book, "plain")]
    assert [unit.reading for unit in units] == ["upper", "documented"]
    billed = book.answered({"s": "billed"})
    assert [unit.reading for unit in billed.read(units)] == ["documented", "documented"]
    assert [billed.is_open(unit) for unit in units] == [True, False]
    assert book.read(billed.read(units)) == units
    with pytest.raises(KeyError):
        book.answered({"nobody asked": "free"})


def _units(book: Rulebook, rule: str) -> list[Unit]:

    return book.units(
        rule,
        TaskLabel("tests/rules", "v", "t"),
        run="r",
        cause="c",
        time=datetime(2026, 11, 1, tzinfo=UTC),
        source="history",
        evidence="event 1",
    )
