"""Two sources against each other: what no rule explains must show, also where sums happen to agree."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from durameter.results.reconcile import (
    Line,
    against_meter,
    by_place,
    state_of,
)
from durameter_collectors.rulebook import Rulebook
from durameter_collectors.units import Unit

RULES = Rulebook.model_validate(
    {
        "engine": "temporal",
        "unit": "Action",
        "version": "1",
        "evidence": [{"id": "by hand", "what": "these tests", "checked": "2026-11"}],
        "switches": [{"name": "open", "question": "-", "default": "free", "because": "-"}],
        "rules": [
            rule | {"quantity": 1, "when": "-", "sources": [], "evidence": "by hand"}
            for rule in (
                {"id": "start", "kind": "start", "meter": ["grpc_Start"]},
                {"id": "activity", "kind": "activity", "meter": ["command_Activity"]},
                # One kind under two names of the meter.
                {"id": "child", "kind": "child", "meter": ["command_Child", "command_Child_Extra"]},
                # The meter counts it, the documents do not say so.
                {"id": "memo", "kind": "memo", "meter": ["command_Memo"], "switch": "open"},
                {"id": "patch_marker", "kind": "marker", "meter": ["command_Marker"], "switch": "open"},
                {"id": "marker", "kind": "marker", "meter": ["command_Marker"]},
                # Billed, and not on this meter.
                {"id": "export", "kind": "export"},
                # Neither billed by the documents nor metered.
                {"id": "retried_run", "kind": "start", "switch": "open"},
            )
        ],
    }
).answered({})


def units(*rules: str, run: str = "run 1", quantity: str = "1") -> list[Unit]:
    return [
        Unit(
            engine="temporal",
            workload="tests/reconcile",
            variant="default",
            task="task 1",
            run=run,
            kind=RULES.rule(rule).kind,
            cause="-",
            step="",
            attempt=1,
            quantity=Decimal(quantity),
            reading=RULES.rule(rule).reading,
            rule=rule,
            time=datetime(2026, 11, 1, tzinfo=UTC),
            source="history",
            evidence="event 1",
        )
        for rule in rules
    ]


def metered(**names: int) -> dict[str, Decimal]:
    return {name: Decimal(count) for name, count in names.items()}


def unexplained(lines: tuple[Line, ...]) -> dict[str, int]:
    return {line.kind: int(line.unexplained) for line in lines if line.unexplained}


def by_kind(lines: tuple[Line, ...]) -> dict[str, Line]:
    assert len({line.kind for line in lines}) == len(lines)
    return {line.kind: line for line in lines}


class TestAgainstMeter:
    def test_equal(self) -> None:
        lines = against_meter(units("start", "activity", "activity"), metered(grpc_Start=1, command_Activity=2), RULES)
        assert by_kind(lines) == {
            "start": Line(kind="start", ours=Decimal(1), other=Decimal(1)),
            "activity": Line(kind="activity", ours=Decimal(2), other=Decimal(2)),
        }
        assert state_of(lines, ()) == "agrees"

    def test_nothing_on_either_side(self) -> None:
        assert against_meter([], {}, RULES) == ()

    def test_names_of_one_kind_are_added(self) -> None:
        lines = against_meter(units("child", "child"), metered(command_Child=1, command_Child_Extra=1), RULES)
        assert unexplained(lines) == {}

    def test_a_kind_that_only_the_meter_has(self) -> None:
        lines = against_meter(units("start"), metered(grpc_Start=1, command_Activity=3), RULES)
        assert unexplained(lines) == {"activity": 3}
        assert state_of(lines, ()) == "differs"

    def test_a_kind_that_only_the_ledger_has(self) -> None:
        lines = against_meter(units("start", "activity"), metered(grpc_Start=1), RULES)
        assert unexplained(lines) == {"activity": -1}

    def test_totals_that_agree_by_accident_prove_nothing(self) -> None:
        lines = against_meter(units("start", "start"), metered(grpc_Start=1, command_Activity=1), RULES)
        assert sum(line.ours for line in lines) == sum(line.other for line in lines)
        assert unexplained(lines) == {"start": -1, "activity": 1}
        assert state_of(lines, ()) == "differs"

    def test_a_name_that_no_rule_knows_is_shown_and_unexplained(self) -> None:
        lines = against_meter(units("start"), metered(grpc_Start=1, grpc_Novelty=2), RULES)
        assert unexplained(lines) == {"unknown to the rulebook: grpc_Novelty": 2}

    def test_an_open_question_that_this_meter_counts_is_a_named_correction(self) -> None:
        line = by_kind(against_meter(units("memo", "memo"), metered(command_Memo=2), RULES))["memo"]
        assert (line.ours, line.other, line.unexplained) == (0, 2, 0)
        assert line.corrections == {"memo": 2}

    def test_a_correction_explains_no_more_than_its_evidence(self) -> None:
        lines = against_meter(units("memo"), metered(command_Memo=3), RULES)
        assert unexplained(lines) == {"memo": 2}

    def test_a_correction_without_its_reading_on_the_meter_is_unexplained_too(self) -> None:
        """The rule says that this meter counts it; if it does not, the rule is wrong."""
        assert unexplained(against_meter(units("memo"), {}, RULES)) == {"memo": -1}

    def test_documented_and_open_units_of_one_kind(self) -> None:
        line = by_kind(against_meter(units("marker", "marker", "patch_marker"), metered(command_Marker=3), RULES))[
            "marker"
        ]
        assert (line.ours, line.other, line.unexplained) == (2, 3, 0)
        assert line.corrections == {"patch_marker": 1}

    def test_what_is_billed_and_not_metered_is_a_named_correction(self) -> None:
        line = by_kind(against_meter(units("export", "export", quantity="0.5"), {}, RULES))["export"]
        assert (line.ours, line.other, line.unexplained) == (1, 0, 0)
        assert line.corrections == {"export": -1}

    def test_what_is_neither_documented_nor_metered_is_no_correction(self) -> None:
        lines = against_meter(units("start", "retried_run"), metered(grpc_Start=1), RULES)
        assert by_kind(lines) == {"start": Line(kind="start", ours=Decimal(1), other=Decimal(1))}


def late(**kinds: int) -> dict[str, dict[str, Decimal]]:
    return {kind: {"late": Decimal(count)} for kind, count in kinds.items()}


class TestByPlace:
    def test_equal(self) -> None:
        counts = {"run 1": metered(start=1, activity=1), "run 2": metered(activity=1, memo=1)}
        lines = by_place(counts, counts, {})
        assert {line.kind: (line.ours, line.other) for line in lines} == {
            "start": (1, 1),
            "activity": (2, 2),
            "memo": (1, 1),
        }
        assert state_of(lines, ()) == "agrees"

    def test_sums_that_agree_by_accident_name_the_places(self) -> None:
        ours = {"run 1": metered(activity=2), "run 2": metered(activity=1), "run 3": metered(activity=1)}
        other = {"run 1": metered(activity=1), "run 2": metered(activity=2), "run 3": metered(activity=1)}
        (line,) = by_place(ours, other, {})
        assert (line.ours, line.other, line.unexplained) == (4, 4, 0)
        assert line.where == ("run 1", "run 2")
        assert state_of([line], ()) == "differs"

    @pytest.mark.parametrize(
        ("ours", "other", "difference"),
        [
            ({"run 1": metered(activity=1)}, {}, -1),
            ({}, {"run 1": metered(activity=1)}, 1),
            # The same number in another run.
            ({"run 1": metered(activity=1)}, {"run 2": metered(activity=1)}, 0),
        ],
    )
    def test_places_that_one_side_does_not_know(
        self, ours: dict[str, dict[str, Decimal]], other: dict[str, dict[str, Decimal]], difference: int
    ) -> None:
        (line,) = by_place(ours, other, {})
        assert line.unexplained == difference
        assert set(line.where) == {*ours, *other}
        assert state_of([line], ()) == "differs"

    def test_a_named_correction_explains(self) -> None:
        ours, other = {"run 1": metered(activity=1)}, {"run 1": metered(activity=3)}
        (line,) = by_place(ours, other, {"run 1": late(activity=2)})
        assert (line.corrections, line.unexplained, line.where) == ({"late": 2}, 0, ())

    def test_a_correction_of_one_place_excuses_no_other(self) -> None:
        ours = {"run 1": metered(activity=2), "run 2": metered(activity=1)}
        other = {"run 1": metered(activity=3), "run 2": metered(activity=1)}
        (line,) = by_place(ours, other, {"run 2": late(activity=1)})
        assert line.unexplained == 0
        assert line.where == ("run 1", "run 2")
        assert state_of([line], ()) == "differs"

    def test_a_correction_without_a_difference_excuses_nothing(self) -> None:
        (line,) = by_place({"run 1": metered(start=1)}, {"run 1": metered(start=1)}, {"run 1": late(start=1)})
        assert line.unexplained == -1
        assert line.where == ("run 1",)


class TestState:
    def test_a_problem_is_a_difference(self) -> None:
        assert state_of((), ["a run of nobody"]) == "differs"
        assert state_of((), []) == "agrees"
        assert state_of(iter(()), iter(())) == "agrees"
