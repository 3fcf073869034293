"""Another measurement of the same tasks beside this one."""

from decimal import Decimal

import pytest
from made_results import made

from durameter.cost.projection import Ask, Sensitivity, project
from durameter.errors import UsageError
from durameter.results.folder import Result

MILLION = Decimal(10**6)
BASE = [10, 12, 14, 16, 18, 20]


def compared(base: Result, other: Result) -> Sensitivity:
    (found,) = [
        each
        for each in project(base, Ask(volume=MILLION, draws=3000, against=(other,))).sensitivities
        if each.kind == "variant"
    ]
    return found


def test_a_variant_with_two_units_less_of_every_task() -> None:
    base, other = made({"temporal": BASE}), made({"temporal": [n - 2 for n in BASE]}, variant="other", name="other-run")
    found = compared(base, other)
    assert (found.engine, found.name) == ("temporal", "other-run")
    assert found.what == "other instead of plain"
    assert float(found.units_per_task.p50) == pytest.approx(-2, rel=0.02)
    assert found.dollars is not None
    assert float(found.dollars.p50) == pytest.approx(-110, rel=0.03)  # 2 M at $55 per M on Developer
    # The tasks are the same: the difference is much surer than either month, whose p5 to p95 is some $300 wide.
    assert found.dollars.p95 - found.dollars.p5 < 60


def test_options_that_differ_are_named() -> None:
    base, other = made({"temporal": BASE}), made({"temporal": BASE}, name="other-run")
    measurement = other.measurement.model_copy(update={"options": {"variants": {"stream_ms": 500}}})
    other = Result(other.folder, measurement, other.ledger)
    found = compared(base, other)
    assert found.what == "variants.stream_ms 500 instead of not set"
    assert found.units_per_task.p5 == found.units_per_task.p95 == 0


def test_another_engine_is_priced_with_its_own_book() -> None:
    found = compared(made({"temporal": [10] * 6}), made({"inngest": [10] * 6}, name="other-run"))
    assert found.what == "inngest (plain) instead of temporal (plain)"
    assert found.plan == "pro"
    assert found.dollars is not None
    assert found.dollars.p50 == Decimal(-126)  # Pro: 99 + 200 + 5 x 25 = 424; Developer: 550


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (made({"temporal": BASE}, workload="made/other"), "another workload"),
        (made({"temporal": BASE[:5]}), "other tasks .1 are in one of them only, such as task-5."),
        (made({"temporal": BASE}, turns=[1, 2, 3, 4, 5, 6]), "its tasks of the same names are others"),
        (made({"temporal": []}), "it has no tasks"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_why(other: Result, why: str) -> None:
    with pytest.raises(UsageError, match=f"cannot be compared with made: .*{why}"):
        project(made({"temporal": BASE}), Ask(volume=MILLION, draws=3000, against=(other,)))


def test_other_answers_are_other_rules() -> None:
    other = made({"temporal": BASE})
    engine = other.measurement.engines[0].model_copy(update={"answers": {"patches": "billed"}})
    measurement = other.measurement.model_copy(update={"engines": (engine,)})
    with pytest.raises(UsageError, match="other rules or answers"):
        project(
            made({"temporal": BASE}), Ask(volume=MILLION, against=(Result(other.folder, measurement, other.ledger),))
        )
