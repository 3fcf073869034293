"""`durameter diff`: what it prints, and when it refuses."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from gate_results import AGREEING, RETRIED, call, changed, engine
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from durameter import read_result
from durameter.cost.prices import load_books
from durameter.cost.prices.books import Pricing
from durameter.errors import ResultError
from durameter.gates.comparable import Allowed
from durameter.gates.diff import Diff, Refused, diff
from durameter.registry import rulebook_of
from durameter.results.answers import reread

Change = Callable[[dict[str, Any]], None]


class Golden(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Golden)


def _diff(base: Path, head: Path, *allowed: Allowed, engines: tuple[str, ...] = ()) -> Diff | Refused:
    results = (read_result(base), read_result(head))
    pricing = Pricing(books=load_books())
    return diff(*results, volume=Decimal(1000), pricing=pricing, engines=engines, allowed=allowed)


def _compared(base: Path, head: Path, *allowed: Allowed) -> Diff:
    found = _diff(base, head, *allowed)
    assert isinstance(found, Diff), found.reasons
    return found


def test_help(golden: SnapshotAssertion, tmp_path: Path) -> None:
    done = call("diff", "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == golden


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_a_difference(golden: SnapshotAssertion, tmp_path: Path, form: str) -> None:
    changed(tmp_path / "base", lambda measurement: None)
    changed(tmp_path / "head", lambda measurement: None, RETRIED)
    words = ["diff", "base", "head", "--volume", "1M/month", "--allow", "options"]
    done = call(*words, *([] if form == "terminal" else [f"--{form}"]), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == golden


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_a_refusal(golden: SnapshotAssertion, tmp_path: Path, form: str) -> None:
    """In Markdown and JSON too: else a comment would keep the figures of an older one."""
    changed(tmp_path / "base", lambda measurement: None)
    changed(tmp_path / "head", lambda measurement: None, RETRIED)
    done = call("diff", "base", "head", *([] if form == "terminal" else [f"--{form}"]), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout + done.stderr == golden


def test_the_difference_is_that_of_the_ledgers() -> None:
    """11, 7 and 9 more retries: mean 9, s.d. 2, s.e. 2 / √3, t(2 degrees) 4.3027: ± 4.968."""
    temporal, inngest = _compared(AGREEING, RETRIED, "options").engines
    assert (temporal.paired, temporal.base_tasks, temporal.clusters) == (True, 3, 3)
    assert temporal.total.difference == 9
    assert temporal.total.per_month == 9000
    assert temporal.total.sureness.low == pytest.approx(9 - 4.968, abs=1e-3)
    assert temporal.total.sureness.high == pytest.approx(9 + 4.968, abs=1e-3)
    first, *rest = temporal.contributors
    assert (first.kind, first.cause, first.difference) == ("retry_activity", "call_model", 9)
    assert not any(each.difference for each in rest)
    assert [(each.kind, each.difference) for each in temporal.kinds][:2] == [("retry_activity", 9), *_zero(temporal)]
    assert inngest.total.difference == 0
    assert inngest.total.sureness.exact
    assert inngest.upper is not None
    assert inngest.upper.difference == 9


def _zero(found: Any) -> list[tuple[str, int]]:
    return [(found.kinds[1].kind, 0)]


def test_open_questions_answered_alike_on_both_sides() -> None:
    answers = {"inngest": {"step_retries": "billed"}}
    base, head = (reread(read_result(each), answers, rulebook_of) for each in (AGREEING, RETRIED))
    found = diff(base, head, volume=Decimal(1000), pricing=Pricing(books=load_books()), allowed=["options"])
    assert isinstance(found, Diff)
    assert found.engines[1].total.difference == 9
    one_only = diff(read_result(AGREEING), head, volume=Decimal(1), pricing=Pricing(books=load_books()))
    assert isinstance(one_only, Refused)
    assert any("answer them alike with --answer" in each for each in one_only.reasons)


def test_both_months_are_priced_by_the_book_of_one_day() -> None:
    """35.3 and 44.3 million Actions, both in the band of $35 per million: 9 · $35 = $315, and the storage of longer
    histories beside it. On a day of the year before the same holds, at the prices of then."""
    results = (read_result(AGREEING), read_result(RETRIED))
    for day, book in ((None, "temporal-2026-09-17"), (date(2025, 6, 1), "temporal-2025")):
        pricing = Pricing(books=load_books(), on=day)
        found = diff(*results, volume=Decimal(10**6), pricing=pricing, engines=["temporal"], allowed=["options"])
        assert isinstance(found, Diff)
        [temporal] = found.engines
        assert (temporal.base_month.price_book, temporal.head_month.price_book) == (book, book)
        assert temporal.dollars is not None
        assert 315 < temporal.dollars < 330


def _workload(measurement: dict[str, Any]) -> None:
    measurement["workload"] = "else/where"


def _seed(measurement: dict[str, Any]) -> None:
    measurement["seed"] = 6


def _door(measurement: dict[str, Any]) -> None:
    measurement["door"] = "watch"


def _option(measurement: dict[str, Any]) -> None:
    measurement["options"]["faults"]["rate_limited"] = 0.2


def _variant(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["variant"] = "signal"


def _unit(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["unit"] = "State transition"


def _rulebook(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["rulebook"] = "2027-01"


def _unseen(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["unseen"] = ["queries"]


def _one_engine(measurement: dict[str, Any]) -> None:
    measurement["engines"] = [engine(measurement, "inngest")]


def _fewer(measurement: dict[str, Any]) -> None:
    measurement["task_count"] = 2
    for each in measurement["engines"]:
        each["tasks"] = [task for task in each["tasks"] if task["task"] != "conversation-0001"]


def _other_shape(measurement: dict[str, Any]) -> None:
    for each in measurement["engines"]:
        next(task for task in each["tasks"] if task["task"] == "conversation-0002")["shape"] = {"messages": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_workload, "base measured durameter/support_agent and head else/where"),
        (_seed, "other seeds (base 5, head 6)"),
        (_door, "base was made by `durameter run` and head by `durameter watch`"),
        (_option, "other options (faults.rate_limited 0.2 instead of 0.1)"),
        (_variant, "temporal: base has variant update and head signal"),
        (_unit, "temporal: base counts Actions and head State transitions"),
        (_rulebook, "temporal: base was counted by rulebook 2026-11 and head by 2027-01"),
        (_unseen, "temporal: the sources are others (head does not see queries)"),
        (_one_engine, "temporal is in base only: measure it on both, or choose with --engine"),
        (_fewer, "temporal: other tasks (3 in base, 2 in head, 1 in one of them only, such as conversation-0001)"),
        (_other_shape, "temporal: tasks of the same name are others in head (1, such as conversation-0002"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, change: Change, said: str) -> None:
    found = _diff(AGREEING, changed(tmp_path / "head", change))
    assert isinstance(found, Refused)
    assert not found.untrusted
    assert any(said in each for each in found.reasons), found.reasons


def _differs(measurement: dict[str, Any]) -> None:
    engine(measurement, "inngest")["reconciliations"][0]["state"] = "differs"


def _uncounted(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["tasks"][0].update(counted=False, kinds={})


def _stopped(measurement: dict[str, Any]) -> None:
    measurement["state"] = "incomplete"


@pytest.mark.parametrize("change", [_differs, _uncounted, _stopped])
def test_a_count_that_is_not_to_be_believed_is_not_compared(tmp_path: Path, change: Change) -> None:
    found = _diff(changed(tmp_path / "base", change), AGREEING)
    assert isinstance(found, Refused)
    assert found.untrusted
    assert all(each.startswith("base: ") for each in found.reasons)


def test_it_ends_with_4_then(tmp_path: Path) -> None:
    changed(tmp_path / "head", _differs)
    done = call("diff", AGREEING, "head", "--json", cwd=tmp_path)
    assert done.returncode == 4
    assert json.loads(done.stdout)["comparable"] is False


def test_one_engine_is_compared_when_only_that_is_asked_for(tmp_path: Path) -> None:
    found = _diff(AGREEING, changed(tmp_path / "head", _one_engine), engines=("inngest",))
    assert isinstance(found, Diff)
    assert [each.engine for each in found.engines] == ["inngest"]


def test_tasks_in_common_are_compared_when_that_is_allowed(tmp_path: Path) -> None:
    """Without conversation-0001: 42 and 42 against themselves, and what was left out is said."""
    temporal, _ = _compared(AGREEING, changed(tmp_path / "head", _fewer), "tasks").engines
    assert (temporal.paired, temporal.base_tasks, temporal.total.base, temporal.total.difference) == (True, 2, 42, 0)
    assert temporal.left_out == ("1 of 3 tasks of base are not in the other: conversation-0001",)


def test_different_tasks_are_compared_by_their_means(tmp_path: Path) -> None:
    """Means 35.333 and 44.333; s.e. 6.667 and 5.696, both 2 degrees: √(44.44 + 32.44) = 8.769; Welch
    76.89² / (44.44² / 2 + 32.44² / 2) = 3.905 degrees, t 2.803: 9 ± 24.58."""

    def renamed(measurement: dict[str, Any]) -> None:
        for each in measurement["engines"]:
            for task in each["tasks"]:
                task["shape"] = {"other": task["task"]}

    head = changed(tmp_path / "head", renamed, RETRIED)
    temporal, _ = _compared(AGREEING, head, "options", "tasks").engines
    assert (temporal.paired, temporal.total.difference) == (False, 9)
    assert temporal.total.sureness.low == pytest.approx(9 - 24.58, abs=0.05)
    assert temporal.total.sureness.high == pytest.approx(9 + 24.58, abs=0.05)


def test_a_task_that_failed_on_one_side_is_left_out_and_said(tmp_path: Path) -> None:
    def failed(measurement: dict[str, Any]) -> None:
        tasks = {task["task"]: task for task in engine(measurement, "temporal")["tasks"]}
        tasks["conversation-0001"].update(state="failed", error="gave up")

    temporal, _ = _compared(AGREEING, changed(tmp_path / "head", failed)).engines
    assert temporal.left_out == ("conversation-0001: completed in base, failed in head",)
    assert (temporal.base_tasks, temporal.total.base, temporal.total.difference) == (2, 42, 0)


def test_another_mix_of_types_is_said(tmp_path: Path) -> None:
    """Of watched programs tasks have ids of their own each time; here 2 of 3 and 1 of 3 are of type Order."""

    def watched(names: str, orders: int) -> Change:
        def change(measurement: dict[str, Any]) -> None:
            measurement["door"] = "watch"
            for each in measurement["engines"]:
                for number, task in enumerate(each["tasks"]):
                    task.update(type="Order" if number < orders else "Refund", shape={"id": f"{names}{number}"})

        return change

    base = changed(tmp_path / "base", watched("a", 2))
    found = _compared(base, changed(tmp_path / "head", watched("b", 1)))
    assert "the mix of types is another one" in found.engines[0].left_out[0]
    assert "base 67% Order, 33% Refund; head 33% Order, 67% Refund" in found.engines[0].left_out[0]
    refused = _diff(changed(tmp_path / "orders", watched("a", 3)), changed(tmp_path / "refunds", watched("b", 0)))
    assert isinstance(refused, Refused)
    assert "no type of task is on both sides (base Order; head Refund)" in refused.reasons[0]


def test_other_versions_are_said(tmp_path: Path) -> None:
    def newer(measurement: dict[str, Any]) -> None:
        measurement["environment"]["packages"]["temporalio"] = "2.0"
        measurement["concurrency"] = 3

    found = _compared(AGREEING, changed(tmp_path / "head", newer))
    assert found.cautions == ("also different: temporalio 2.0 instead of 1.35.0; concurrency 3 instead of 10",)


def test_a_result_of_another_schema_cannot_be_read(tmp_path: Path) -> None:
    def newer(measurement: dict[str, Any]) -> None:
        measurement["schema_version"] = 3

    with pytest.raises(ResultError, match="schema_version"):
        _diff(AGREEING, changed(tmp_path / "head", newer))
