"""Assertions on a stored result, and what they say when they fail. By hand from its ledger: see gate_results.py."""

from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from durameter import read_result
from durameter.config import Config, load_config, make_config
from durameter.errors import UsageError
from durameter.pytest_plugin.measuring import Measure
from durameter.pytest_plugin.result import MeasuredResult
from durameter.workload import Task

AGREEING = Path(__file__).parents[1] / "cli" / "results" / "agreeing"


class Golden(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Golden)


def _result(config: Config | None = None) -> MeasuredResult:
    stored = read_result(AGREEING)
    return MeasuredResult(Path("result"), stored.measurement, stored.ledger, config or make_config())


def test_what_holds_passes() -> None:
    """Temporal 22, 42, 42, sum 106; schedule_activity 10, 33, 28; Inngest 28, 42, 41."""
    result = _result()
    result.assert_at_most(42)
    result.assert_at_most(106, per="total", engine="temporal")
    result.assert_at_most(35.34, per="mean", engine="temporal")
    result.assert_at_most(33, kind="schedule_activity")
    result.assert_exactly(1, kind="start_workflow")
    result.assert_at_most(5, kind="step_retry", reading="upper")
    result.assert_at_most(0, kind="step_retry")
    result.assert_at_most(0, cause="gone")
    assert {task: int(units) for task, units in result.per_task(kind="start_timer").items()} == {
        "conversation-0001": 0,
        "conversation-0002": 1,
        "conversation-0003": 1,
    }


FAILING = {
    "task": {"limit": 30, "engine": "temporal"},
    "mean": {"limit": 35.3, "per": "mean", "engine": "temporal"},
    "total": {"limit": 105, "per": "total", "engine": "temporal"},
    "kind": {"limit": 20, "kind": "schedule_activity"},
    "cause": {"limit": 20, "cause": "call_model", "engine": "temporal"},
    "upper": {"limit": 4, "kind": "step_retry", "reading": "upper"},
    "both engines": {"limit": 41},
}


@pytest.mark.parametrize("name", FAILING)
def test_what_does_not_is_shown(golden: SnapshotAssertion, name: str) -> None:
    with pytest.raises(AssertionError) as failed:
        _result().assert_at_most(**FAILING[name])  # type: ignore[arg-type]  # of many types
    assert f"{failed.value}\n" == golden


def test_too_few_are_as_wrong_where_the_count_is_exact(golden: SnapshotAssertion) -> None:
    with pytest.raises(AssertionError) as failed:
        _result().assert_exactly(42, engine="temporal")
    assert f"{failed.value}\n" == golden


def test_a_budget(golden: SnapshotAssertion, tmp_path: Path) -> None:
    file = tmp_path / "durameter.toml"
    file.write_text('[budgets.a]\nengine = "temporal"\nunits_per_task_max = 42\n[budgets.b]\nunits_per_task = 36\n')
    result = _result(load_config(file))
    result.assert_within_budgets("a")
    with pytest.raises(AssertionError) as failed:
        result.assert_within_budgets()
    assert f"{failed.value}\n" == golden
    with pytest.raises(UsageError, match="There is no budget 'c'"):
        result.assert_within_budgets("c")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"kind": "schedule"}, "There is no kind 'schedule'. Kinds of temporal: "),
        ({"kind": "step.run", "engine": "temporal"}, "There is no kind 'step.run'"),
        ({"cause": "cal_model"}, "Nothing was made by 'cal_model', which must not pass for zero"),
        ({"engine": "other"}, "'other' was not measured; temporal, inngest was"),
        ({"per": "tasks"}, "per='tasks' is not one of 'task', 'mean', 'total'"),
        ({"reading": "uper"}, "reading='uper' is not one of 'documented', 'upper'"),
    ],
)
def test_a_wrong_name_is_no_zero(words: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        _result().assert_at_most(1000, **words)  # type: ignore[arg-type]  # of many types
    assert said in str(error.value)


def test_units_of_two_engines_are_no_sum() -> None:
    with pytest.raises(UsageError, match="name one with engine="):
        _result().per_task()


@pytest.mark.parametrize("limit", [float("nan"), None, True, "many"])
def test_a_limit_is_a_number(limit: Any) -> None:
    with pytest.raises(UsageError, match="is no number of units"):
        _result().assert_at_most(limit)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"tasks": 0}, "tasks=0 is not how many tasks to measure"),
        ({"tasks": True}, "tasks=True is not how many"),
        ({"tasks": []}, r"tasks=\[\] is not how many"),
        ({"tasks": "3"}, "tasks='3' is not how many"),
        ({"tasks": ["a"]}, "or a list of them"),
        ({"tasks": [Task(id="a"), Task(id="a")]}, "Each task needs an id of its own; 'a' is given twice"),
        ({"timeout": 0}, "timeout=0 is no number of seconds for a task"),
        ({"timeout": float("nan")}, "timeout=nan is no number of seconds"),
        ({"concurrency": 0}, "concurrency=0 is not how many tasks may run at once"),
        ({"concurrency": -2}, "concurrency=-2 is not how many"),
    ],
)
def test_what_measures_nothing_is_said_before_a_server_is_started(
    words: dict[str, Any], said: str, durameter_measure: Measure
) -> None:
    with pytest.raises(UsageError, match=said):
        durameter_measure("no/workload", **words)
