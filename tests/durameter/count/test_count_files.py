"""`durameter count PATH…`: what is read, joined, said and refused. Histories are real ones, and no server is needed."""

import gzip
import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from history_forms import FORMS, export, history, stored
from temporalio.api.history.v1 import History
from typer.testing import CliRunner

from durameter.cli.main import app
from durameter.config import make_config
from durameter.engines.counting import CountRequest
from durameter.errors import DurameterError, ResultError, UsageError
from durameter.registry import load_engine
from durameter.results.estimates import Rate, parse_rates, unseen_kinds
from durameter.results.folder import Result
from durameter.results.model import EngineResult, TaskResult
from running import run

COUNTING = load_engine("temporal").counting()
RECORDED = load_engine("temporal").recorded()


FAMILY = ("conversation", "continued", "child")
"""A workflow that continued as new once, and the child of its first run."""


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Writes stored histories, by name or by their text, as files of one folder."""
    folder = tmp_path / "files"

    def write(*names: str, form: str = "json", **texts: str | bytes) -> Path:
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / f"{name}.{form}").write_bytes(FORMS[form](stored(name)))
        for name, text in texts.items():
            (folder / f"{name}.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return write


def count(*paths: Path, out: Path, rates: Sequence[Rate] = ()) -> Result:
    return COUNTING.count_files(
        CountRequest(lambda: out, make_config(), rates=tuple(rates), paths=paths), lambda _read: None
    )


def engine_of(result: Result) -> EngineResult:
    (engine,) = result.measurement.engines
    return engine


def tasks_of(result: Result) -> list[TaskResult]:
    return [task for task in engine_of(result).tasks if task.counted]


def whats(task: TaskResult) -> str:
    return "\n".join(gap.what for gap in task.gaps)


# Joining.


def test_a_workflow_its_child_and_its_next_run_are_one_task(put: Callable[..., Path], tmp_path: Path) -> None:
    """The units of each are derived in tests/collectors/temporal/test_history_rules.py."""
    result = count(put(*FAMILY), out=tmp_path / "out")
    (task,) = tasks_of(result)
    alone = [count(put() / f"{name}.json", out=tmp_path / name) for name in FAMILY]
    assert len(task.runs) == 3
    assert (task.task, task.type, task.state, task.gaps) == ("root", "Steps", "completed", ())
    assert task.units == sum(each.units for result in alone for each in tasks_of(result))
    assert {unit.task for unit in result.ledger} == {"root"}
    assert sum(unit.quantity for unit in result.ledger) == task.units_upper


@pytest.mark.parametrize(
    ("there", "runs", "state", "says"),
    [
        (("conversation",), 1, "interrupted", r"history of workflow root, run \S+, is not among the files"),
        (("continued",), 1, "completed", r"history of workflow root, run \S+, is not among the files"),
        (("conversation", "continued"), 2, "completed", r"history of workflow child, run \S+ .*is not among the files"),
        (("child",), 1, "completed", "its parent, workflow root, run .* it is a task of its own, without its start"),
        # The root of the child's tree is named in it, and its later run is there.
        (("continued", "child"), 2, "completed", "its parent, workflow root, run .* its units are missing here"),
        (("reset_new",), 1, "completed", r"history of workflow root, run \S+, is not among the files"),
    ],
)
def test_what_is_missing_of_a_task_is_a_gap(
    there: Sequence[str], runs: int, state: str, says: str, put: Callable[..., Path], tmp_path: Path
) -> None:
    (task,) = tasks_of(count(put(*there), out=tmp_path / "out"))
    assert len(task.runs) == runs
    assert task.state == state
    assert re.search(says, whats(task).replace("\n", " "))


def test_a_reset_joins_the_old_run(put: Callable[..., Path], tmp_path: Path) -> None:
    (task,) = tasks_of(count(put("reset_old", "reset_new"), out=tmp_path / "out"))
    assert (len(task.runs), task.state, task.gaps) == (2, "completed", ())


def test_an_id_that_was_used_again_is_two_tasks(put: Callable[..., Path], tmp_path: Path) -> None:
    """Both were started by clients under the id `root`, and neither names the other."""
    tasks = tasks_of(count(put(*FAMILY, "reset_old", "reset_new"), out=tmp_path / "out"))
    assert len({task.task for task in tasks}) == 2
    assert all(re.fullmatch(r"root-\S+-[0-9a-f]{8}", task.task) for task in tasks)
    assert [task.roots for task in tasks] == [("root",), ("root",)]


def test_an_id_with_anything_in_it_names_a_task(put: Callable[..., Path], tmp_path: Path) -> None:
    text = stored("signal_with_start").replace("undelayed", "Ünïcode/../order 42")
    (task,) = tasks_of(count(put(odd=text), out=tmp_path / "out"))
    assert re.fullmatch(r"[A-Za-z0-9_-]+", task.task)
    assert task.roots == ("Ünïcode/../order 42",)
    assert task.shape["workflow"] == "Ünïcode/../order 42"


def test_a_run_without_its_end_is_a_count_so_far(put: Callable[..., Path], tmp_path: Path) -> None:
    whole = json.loads(stored("signal_with_start"))
    whole["events"] = whole["events"][:-1]
    (task,) = tasks_of(count(put(open=json.dumps(whole)), out=tmp_path / "out"))
    assert task.state == "interrupted"
    assert "has no end: it still ran, or its record was cut off" in whats(task)


# The same run again.


def test_a_run_that_was_exported_twice_is_counted_once_and_said(put: Callable[..., Path], tmp_path: Path) -> None:
    """Cloud exports at least once."""
    once = count(put(*FAMILY), out=tmp_path / "once")
    put(*FAMILY, form="pb.zst")
    put("child", form="export.pb")
    again = count(put(), out=tmp_path / "again")
    assert tasks_of(again)[0].kinds == tasks_of(once)[0].kinds
    assert tasks_of(again)[0].gaps == ()
    assert again.measurement.about["histories"] == 7
    assert again.measurement.about["runs"] == 3
    assert again.measurement.about["counted_once_though_read_again"] == 4


@pytest.mark.parametrize("names", [("a_short", "b_whole"), ("b_short", "a_whole")])
def test_of_two_records_of_a_run_the_later_one_is_counted(
    names: tuple[str, str], put: Callable[..., Path], tmp_path: Path
) -> None:
    whole = json.loads(stored("signal_with_start"))
    short = {"events": whole["events"][:4]}
    texts = dict(zip(names, (json.dumps(short), json.dumps(whole)), strict=True))
    (task,) = tasks_of(count(put(**texts), out=tmp_path / "out"))
    assert (task.state, task.gaps, task.units) == ("completed", (), 1)


def test_two_records_that_say_different_things_are_a_gap(put: Callable[..., Path], tmp_path: Path) -> None:
    record = json.loads(stored("signal_with_start"))
    last = record["events"][-1]
    del last["workflowExecutionCompletedEventAttributes"]
    last |= {"eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED", "workflowExecutionTerminatedEventAttributes": {}}
    (task,) = tasks_of(count(put("signal_with_start", other=json.dumps(record)), out=tmp_path / "out"))
    assert "two records of this run say different things" in whats(task)


# What is no history.


def bad_files(put: Callable[..., Path]) -> Path:
    folder = put(
        *FAMILY,
        readme="# Exports of November\n",
        trace='{"id": "01K", "status": "COMPLETED", "trace": {"spanID": "1", "name": "Run", "status": "COMPLETED"}}',
        cut=stored("child")[:-10],
        empty="",
        numbers="[1, 2, 3]",
    )
    (folder / "deep").mkdir()
    (folder / "deep" / "cut.gz").write_bytes(gzip.compress(stored("child").encode())[:-9])
    (folder / "deep" / "cut.pb.zst").write_bytes(FORMS["pb.zst"](stored("child"))[:-9])
    (folder / "deep" / "export.pb").write_bytes(export([stored("reset_old"), stored("reset_new")])[:-20])
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    return folder


REASONS = {
    "readme.json": "is neither JSON nor protobuf",
    "trace.json": "is a trace of an Inngest run, which is counted on its server (--inngest URL)",
    "cut.json": "is damaged JSON or was cut off",
    "empty.json": "is empty",
    "numbers.json": 'is JSON without a list of "events"',
    "cut.gz": "is gzipped, and damaged or cut off",
    "cut.pb.zst": "is compressed by zstandard, and damaged or cut off",
    "export.pb": "after 1 histories it was cut off within the next history: those are counted. Download it again",
}


def test_what_is_no_history_is_a_row_of_its_own_and_the_rest_is_counted(
    put: Callable[..., Path], tmp_path: Path
) -> None:
    folder = bad_files(put)
    result = count(folder, out=tmp_path / "out")
    flagged = [task for task in engine_of(result).tasks if not task.counted]
    said = {Path(str(task.shape["file"])).name: task.gaps[0].what for task in flagged}
    assert set(said) == set(REASONS)
    for name, why in REASONS.items():
        assert why in said[name]
        assert str(folder) in said[name]
    assert {task.type for task in flagged} == {""}
    whole, old = tasks_of(result)
    assert (len(whole.runs), len(old.runs)) == (3, 1)
    assert (
        whole.kinds
        == tasks_of(
            count(put() / "conversation.json", put() / "continued.json", put() / "child.json", out=tmp_path / "good")
        )[0].kinds
    )
    assert result.measurement.about["not_histories"] == 8
    assert result.measurement.about["hidden_files_not_read"] == 1
    assert result.measurement.task_count == 2


def test_the_command_says_them_and_ends_with_4(put: Callable[..., Path], tmp_path: Path) -> None:
    ended = run("count", bad_files(put), "--json", cwd=tmp_path)
    assert ended.status == 4
    report = json.loads(ended.out)
    assert report["door"] == "count"
    assert report["tasks"] == 2
    assert all(why in ended.err for why in REASONS.values())
    assert "11 of 11 files read: 4 histories" in ended.err
    (folder,) = (tmp_path / "durameter-results").iterdir()
    assert folder.name.endswith("-records")
    again = run("report", folder, "--json", cwd=tmp_path)
    assert again.status == 4
    assert json.loads(again.out)["engines"][0]["troubles"] == report["engines"][0]["troubles"]


def test_whole_histories_alone_end_with_0(put: Callable[..., Path], tmp_path: Path) -> None:
    ended = run("count", put(*FAMILY, form="old.json"), "--volume", "1M/month", cwd=tmp_path)
    assert ended.status == 0, ended.err
    assert "Counted, but not proved: an independent source is missing." in ended.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Name files of histories, or folders that hold them; or a server by --inngest URL"),
        (("nowhere",), "nowhere is not there. Name files of histories, or folders that hold them."),
        (("bad",), "The 1 file holds no history of a Temporal workflow: - bad/readme.md is neither JSON nor protobuf"),
        (("none",), "There is no file in none (1 hidden ones are not read)."),
        (("good", "--function", "app-fn"), "choose runs of a server: name it by --inngest URL"),
        (("good", "--since", "2026-11-01"), "choose runs of a server: name it by --inngest URL"),
        (("good", "--out", "bad"), "bad is there already. Choose another folder with --out."),
        (("good", "--rate", "queries=1"), "temporal bills nothing of that name. What its records cannot show: "),
        (("good", "--rate", "start_timer=1"), "the records show it, so it is counted and a rate would count it twice"),
        (("good", "--rate", "standby=1"), "it depends on the account and comes with the price, not with the count"),
        (("good", "--rate", "query_workflow=two/task"), "is not KIND=NUMBER/PER, where PER is task or run or activity"),
        (("good", "--rate", "query_workflow=1/day"), "is not KIND=NUMBER/PER, where PER is task or run or activity"),
        (("good", "--rate", "query_workflow=-1"), "--rate query_workflow=2/task"),
        (("good", "--inngest", "http://127.0.0.1:9"), "Files and --inngest are two counts"),
        (("--inngest", "http://127.0.0.1:9", "--rate", "step_retry=1/task"), "show every kind of unit"),
        (("--inngest", "http://127.0.0.1:9", "--until", "tomorrow"), "'tomorrow' is neither a time ago (2h)"),
        (
            ("--inngest", "http://127.0.0.1:9", "--since", "2026-11-02", "--until", "2026-11-01"),
            "is not before --until",
        ),
        (("--inngest", "localhost:8288"), "--inngest is the base URL of a server, without a password in it"),
        (("--inngest", "http://me:secret@host"), "such as http://127.0.0.1:8288, and not http://host."),
        (("--inngest", "http://127.0.0.1:82888"), "such as http://127.0.0.1:8288, and not http://127.0.0.1:82888."),
        (("--inngest", "http://127.0.0.1:9?env=x"), "such as http://127.0.0.1:8288, and not http://127.0.0.1:9?env=x."),
        (("good", "--json", "--markdown"), "--json and --markdown exclude each other"),
        (("good", "--answer", "temporal.nonsense=free"), "has no open question 'nonsense'"),
    ],
)
def test_errors_say_what_to_do(
    words: Sequence[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad", "none", "good"):
        (tmp_path / name).mkdir()
    (tmp_path / "bad" / "readme.md").write_text("Not this.")
    (tmp_path / "none" / ".hidden").write_text("Not this.")
    (tmp_path / "good" / "child.json").write_text(stored("child"))
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(app, ["count", *words])
    assert isinstance(ended.exception, DurameterError), ended.output
    assert ended.exception.exit_code == 2
    assert says in " ".join(str(ended.exception).split())
    assert not list(tmp_path.glob("durameter-results/*"))


# What no record shows.


def test_rates_are_estimates_apart_from_the_count(put: Callable[..., Path], tmp_path: Path) -> None:
    """One task of three runs with two activities: 2 x 1, 0.5 x 3 runs, 0.25 x 2 activities."""
    given = ["query_workflow=2/task", "reject_workflow_update=0.5/run", "record_activity_heartbeat=0.25/activity"]
    plain = count(put(*FAMILY), out=tmp_path / "plain")
    result = count(put(*FAMILY), out=tmp_path / "out", rates=parse_rates(given, RECORDED))
    assert sum(stored(name).count("EVENT_TYPE_ACTIVITY_TASK_SCHEDULED") for name in FAMILY) == 2
    found = {each.kind: (each.rate, each.per, each.units) for each in engine_of(result).estimates}
    assert found == {
        "query_workflow": (Decimal(2), "task", Decimal(2)),
        "reject_workflow_update": (Decimal("0.5"), "run", Decimal("1.5")),
        "record_activity_heartbeat": (Decimal("0.25"), "activity", Decimal("0.5")),
    }
    assert result.ledger == plain.ledger
    assert tasks_of(result)[0].kinds == tasks_of(plain)[0].kinds


def test_a_rate_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="query_workflow is given twice"):
        parse_rates(["query_workflow=1", "query_workflow=2/run"], RECORDED)


def test_all_that_histories_cannot_show_is_named(put: Callable[..., Path], tmp_path: Path) -> None:
    """`never` in the last column of the rule table; what depends on the account comes with the price."""
    engine = engine_of(count(put("child"), out=tmp_path / "out"))
    said = {line.partition(":")[0] for line in engine.unseen}
    assert said >= {
        "query_workflow",
        "record_activity_heartbeat",
        "record_workflow_heartbeat",
        "reject_workflow_update",
        "schedule_operation",
        "start_standalone_activity",
        "retry_standalone_activity",
        "record_standalone_activity_heartbeat",
        "retry_activity",
    }
    assert set(unseen_kinds(RECORDED)) <= said
    assert unseen_kinds(load_engine("inngest").recorded()) == {}


def test_a_task_may_be_told_apart_by_where_it_was_read(put: Callable[..., Path], tmp_path: Path) -> None:
    folder = put(*FAMILY)
    (task,) = tasks_of(count(folder, out=tmp_path / "out"))
    assert task.shape["files"] == [str(folder / f"{name}.json") for name in ("conversation", "child", "continued")]


def test_a_folder_that_is_used_is_not_written_to(put: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("keep")
    with pytest.raises(ResultError, match="Choose another folder with --out"):
        count(put("child"), out=tmp_path / "out")


def test_a_file_that_is_named_twice_is_read_once(put: Callable[..., Path], tmp_path: Path) -> None:
    folder = put("signal_with_start")
    result = count(folder, folder / "signal_with_start.json", folder, out=tmp_path / "out")
    assert result.measurement.about["files"] == 1
    assert result.measurement.about["counted_once_though_read_again"] == 0


def test_a_history_of_an_old_server_names_no_workflow(put: Callable[..., Path], tmp_path: Path) -> None:
    """Servers of before 2024 wrote no workflow id into the start."""
    old = history(stored("signal_with_start"))
    old.events[0].workflow_execution_started_event_attributes.workflow_id = ""
    (tmp_path / "old.pb").write_bytes(History(events=old.events).SerializeToString())
    (task,) = tasks_of(count(tmp_path / "old.pb", out=tmp_path / "out"))
    assert task.units == 1
    assert task.task == f"run-{task.runs[0]}"
