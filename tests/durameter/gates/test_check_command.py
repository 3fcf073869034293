"""`durameter check`: what it prints and how it ends. Nothing is green because it was not looked at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gate_results import AGREEING, call, changed, engine
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from durameter import read_result
from durameter.config import load_config
from durameter.cost.prices import load_books
from durameter.cost.prices.books import Pricing
from durameter.errors import ResultError, UsageError
from durameter.gates.check import Checked, check
from durameter_collectors.ledger import read_ledger, write_ledger
from durameter_collectors.units import Unit

# Temporal, per task: 22, 42, 42; Inngest: 28, 42, 41 and, with open questions, 30, 44, 46.
KEPT = """
[budgets.actions]
workload = "support_agent"
engine = "temporal"
units_per_task = 36
units_per_task_max = 42
kinds = { schedule_activity = 24, start_timer = 1 }
kinds_max = { start_timer = 1 }
causes = { call_model = 18 }

[budgets.executions]
workload = "durameter/support_agent"
engine = "inngest"
reading = "upper"
units_per_task = 40
dollars_per_month = 1100
volume = "1M/month"

[budgets.another]
workload = "else/where"
units_per_task = 1
"""

BROKEN = """
[budgets.actions]
engine = "temporal"
units_per_task = 35.3
units_per_task_max = 30
kinds = { schedule_activity = 23 }
causes_max = { call_model = 2 }

[budgets.money]
engine = "inngest"
dollars_per_month = 950
volume = "1M/month"
"""


class Golden(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Golden)


def _config(folder: Path, text: str) -> None:
    (folder / "durameter.toml").write_text(text)


def _checked(folder: Path, text: str, result: Path = AGREEING, *only: str) -> Checked:
    """As the command does it, in this process."""
    _config(folder, text)
    budgets = load_config(folder / "durameter.toml").budgets
    return check(read_result(result), budgets, volume="100k", pricing=Pricing(books=load_books()), only=only)


def test_help(golden: SnapshotAssertion, tmp_path: Path) -> None:
    done = call("check", "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == golden


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
@pytest.mark.parametrize(("name", "text", "status"), [("kept", KEPT, 0), ("broken", BROKEN, 99)])
def test_budgets(golden: SnapshotAssertion, tmp_path: Path, name: str, text: str, status: int, form: str) -> None:
    _config(tmp_path, text)
    changed(tmp_path / "result", lambda measurement: None)
    done = call("check", "result", *([] if form == "terminal" else [f"--{form}"]), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout == golden


def test_the_figures_are_those_of_the_ledger(tmp_path: Path) -> None:
    """Temporal (22 + 42 + 42) / 3 = 35.33; schedule_activity (10 + 33 + 28) / 3 = 23.67; the most is 42."""
    limits = {each.what: each for each in _checked(tmp_path, BROKEN, AGREEING, "actions").limits}
    found = {what: round(float(each.found or 0), 2) for what, each in limits.items()}
    assert found["units per task"] == 35.33
    assert found["schedule_activity per task"] == 23.67
    assert found["units of every task"] == 42
    assert [(each.task, each.units) for each in limits["units of every task"].worst] == [
        ("conversation-0002", 42),
        ("conversation-0003", 42),
    ]


def _no_inngest(measurement: dict[str, Any]) -> None:
    engine(measurement, "inngest").update(state="missing", problem="no server", tasks=[], reconciliations=[])


def _without_inngest(measurement: dict[str, Any]) -> None:
    measurement["engines"] = [engine(measurement, "temporal")]


def _differs(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["reconciliations"][0]["state"] = "differs"


def _not_compared(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["reconciliations"] = []


def _stopped(measurement: dict[str, Any]) -> None:
    measurement["state"] = "incomplete"


def _failed(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["tasks"][0].update(state="failed", error="the agent gave up")


def _interrupted(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["tasks"][0].update(state="interrupted")


def _uncounted(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["tasks"][0].update(counted=False, kinds={})


def _gap(measurement: dict[str, Any]) -> None:
    gap = {"engine": "temporal", "task": "conversation-0001", "run": "", "what": "still runs"}
    engine(measurement, "temporal")["tasks"][0]["gaps"] = [gap]


def _fewer(measurement: dict[str, Any]) -> None:
    engine(measurement, "temporal")["tasks"].pop()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_no_inngest, "inngest was not measured: no server"),
        (_without_inngest, "budget executions is for inngest, and the result has temporal (update)"),
        (_differs, "temporal: ledger and meter differ, and no rule explains it"),
        (_not_compared, "temporal: no sources were compared"),
        (_stopped, "the measurement was stopped before its end"),
        (_failed, "temporal: conversation-0001 did not complete, and is in no figure"),
        (_interrupted, "temporal: conversation-0001 was interrupted"),
        (_uncounted, "temporal: conversation-0001 could not be counted"),
        (_gap, "temporal: conversation-0001 could not be counted in full"),
        (_fewer, "temporal: 2 of 3 tasks are in the result"),
    ],
)
def test_what_is_not_to_be_believed_keeps_no_budget(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    """Every limit of these budgets would be kept by what was counted."""
    found = _checked(tmp_path, KEPT, changed(tmp_path / "result", change))
    assert found.exit_code == 4
    assert any(said in line for line in found.untrusted), found.untrusted


def test_tasks_may_fail_if_the_budget_says_so(tmp_path: Path) -> None:
    """Without conversation-0001 the mean is (42 + 42) / 2 = 42."""
    folder = changed(tmp_path / "result", _failed)
    text = '[budgets.a]\nengine = "temporal"\nunits_per_task = {}\nfailed_tasks = 1\n'
    assert _checked(tmp_path, text.format(42), folder).exit_code == 0
    assert _checked(tmp_path, text.format(41.9), folder).exit_code == 99


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ('causes = { cal_model = 30 }\nengine = "temporal"', "nothing made by 'cal_model' was counted; what was:"),
        ('type = "Other"\nunits_per_task = 50\nengine = "temporal"', "temporal has no task of type Other"),
        ('variant = "other"\nunits_per_task = 50\nengine = "temporal"', "is for temporal (other), and the result has"),
        ('plan = "enterprise"\ndollars_per_month = 1e9\nengine = "temporal"', "not priced"),
    ],
)
def test_a_limit_that_cannot_be_judged_is_not_kept(tmp_path: Path, limits: str, said: str) -> None:
    found = _checked(tmp_path, f"[budgets.a]\n{limits}\n")
    assert found.exit_code == 4
    assert any(said in line for line in found.untrusted), found.untrusted


def test_what_the_sources_cannot_show_is_not_zero(tmp_path: Path) -> None:
    """Histories have no queries, so that none in them says nothing; start_timer has units, and is judged."""

    def from_histories(measurement: dict[str, Any]) -> None:
        measurement["door"] = "count"
        engine(measurement, "temporal")["unseen"] = ["query_workflow: a query", "start_timer: of some activities"]

    text = '[budgets.a]\nengine = "temporal"\nkinds = { query_workflow = 5, start_timer = 1 }\n'
    assert _checked(tmp_path, text).exit_code == 0
    found = _checked(tmp_path, text, changed(tmp_path / "result", from_histories))
    assert found.exit_code == 4
    assert [each.state for each in found.limits] == ["unknown", "kept"]
    assert "none of query_workflow was counted, and these sources cannot show it" in found.untrusted[0]


def test_two_tasks_have_no_interval_to_hold_a_limit_against(tmp_path: Path) -> None:
    def two(measurement: dict[str, Any]) -> None:
        measurement["task_count"] = 2
        for each in measurement["engines"]:
            each["tasks"] = each["tasks"][:2]

    text = '[budgets.a]\nengine = "temporal"\nbound = "interval"\nunits_per_task = 1000\n'
    found = _checked(tmp_path, text, changed(tmp_path / "result", two))
    assert found.exit_code == 4
    assert "there is no interval: two tasks are too few. Measure more tasks" in found.untrusted[0]


def test_the_upper_end_of_the_interval(tmp_path: Path) -> None:
    """mean 35.333, s.e. 6.667, t(2 degrees) 4.3027: 35.333 · exp(4.3027 · 6.667 / 35.333) = 79.57."""
    text = '[budgets.a]\nengine = "temporal"\nbound = "interval"\nunits_per_task = {}\n'
    assert _checked(tmp_path, text.format(79.5)).exit_code == 99
    assert _checked(tmp_path, text.format(79.6)).exit_code == 0


@pytest.mark.parametrize(
    ("text", "only", "said"),
    [
        ("", (), "There are no budgets. Add one to durameter.toml"),
        (
            '[budgets.a]\nworkload = "else/where"\nunits_per_task = 1',
            (),
            "No budget was checked: the result is of dura",
        ),
        (KEPT, ("another",), "budget another is of workload else/where"),
        (KEPT, ("anothr",), "There is no budget 'anothr'. The configuration has: actions, executions"),
        ('[budgets.a]\nengine = "temprl"\nunits_per_task = 1', (), "there is no engine 'temprl'. Installed: temporal"),
        ('[budgets.a]\nengine = "temporal"\nkinds = { schedule = 1 }', (), "temporal bills no kind 'schedule'"),
        ('[budgets.a]\nengine = "temporal"', (), "budgets.a: Value error, it has no limit, such as units_per_task"),
        ("[budgets.a]\nkinds = { start_timer = 1 }", (), "kinds and causes are those of one engine"),
        ("[budgets.a]\nunits_per_task = 1\nvolume = '1M'", (), "say nothing without dollars_per_month"),
        ("[budgets.a]\nunits_per_taks = 1", (), "budgets.a.units_per_taks"),
        ("[budgets.a]\nunits_per_task = -1", (), "budgets.a.units_per_task"),
        ("[budgets.a]\ndollars_per_month = 1\nvolume = 'much'", (), "'much' is not a volume"),
        (
            '[budgets.a]\nengine = "inngest"\ndollars_per_month = 1\nplan = "gold"',
            (),
            "has no plan 'gold'. It has: free, pro",
        ),
    ],
)
def test_a_wrong_budget_is_said(tmp_path: Path, text: str, only: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as error:
        _checked(tmp_path, text, AGREEING, *only)
    assert said in str(error.value)


def test_without_a_budget_the_command_fails(tmp_path: Path) -> None:
    done = call("check", AGREEING, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There are no budgets. Add one to durameter.toml" in done.stderr


def test_an_untrusted_result_ends_with_4(tmp_path: Path) -> None:
    _config(tmp_path, KEPT)
    done = call("check", changed(tmp_path / "result", _no_inngest), cwd=tmp_path)
    assert done.returncode == 4
    assert done.stdout.startswith("Not checked: nothing can be concluded from this result.")


def _without_one(units: list[Unit]) -> list[Unit]:
    return units[1:]


def _of_another_kind(units: list[Unit]) -> list[Unit]:
    """The sums of tasks stay as they are; a limit on this kind would be kept or over by nothing."""
    return [u.model_copy(update={"kind": "start_timer"}) if u.kind == "retry_activity" else u for u in units]


@pytest.mark.parametrize("change", [_without_one, _of_another_kind])
def test_files_that_do_not_belong_together_are_noticed(
    tmp_path: Path, change: Callable[[list[Unit]], list[Unit]]
) -> None:
    folder = changed(tmp_path / "result", lambda measurement: None)
    write_ledger(change(list(read_ledger(folder / "ledger.parquet"))), folder / "ledger.parquet")
    with pytest.raises(ResultError, match="One of the files was changed: measure again"):
        _checked(tmp_path, BROKEN, folder)
