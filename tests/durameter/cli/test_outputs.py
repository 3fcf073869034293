"""What the command line prints, word by word, as golden files; `--snapshot-update` writes them anew.

The results under `results/` were measured on real servers (`durameter run --tasks 3 --seed 5 -o faults.rate_limited=0.1
-o overlay.approvals=1`); `killed` is the journal of the same run, cut in the middle of a line.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

import forked
from durameter.results import model

RESULTS = Path(__file__).with_name("results")


class Golden(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Golden)


def call(*arguments: str | Path, folder: Path = RESULTS, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does, in a terminal 100 columns wide and without colours."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DURAMETER_", "OTEL_"))}
    shown = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    return forked.call(*arguments, cwd=folder, env=environment | shown | variables)


HELP = [
    (),
    ("run",),
    ("watch",),
    ("count",),
    ("init",),
    ("report",),
    ("profile",),
    ("scenarios",),
    ("project",),
    ("prices",),
    ("rules",),
    ("conformance",),
    ("doctor",),
    ("servers",),
    ("servers", "up"),
    ("servers", "status"),
    ("servers", "down"),
]


@pytest.mark.parametrize("command", HELP, ids=lambda command: "-".join(command) or "durameter")
def test_help(golden: SnapshotAssertion, command: tuple[str, ...]) -> None:
    done = call(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == golden


def test_version() -> None:
    assert call("--version").stdout == "0.1.0\n"


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_report(golden: SnapshotAssertion, form: str) -> None:
    done = call("report", "agreeing", "--volume", "1M/month", *([] if form == "terminal" else [f"--{form}"]))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == golden


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_report_of_a_killed_measurement(golden: SnapshotAssertion, form: str) -> None:
    done = call("report", "killed", *([] if form == "terminal" else [f"--{form}"]))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == golden


@pytest.mark.parametrize("form", ["terminal", "markdown"])
@pytest.mark.parametrize("command", ["profile", "project"])
def test_what_follows_from_a_result(golden: SnapshotAssertion, command: str, form: str) -> None:
    done = call(command, "agreeing", *([] if form == "terminal" else [f"--{form}"]))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == golden


def test_an_old_result_is_priced_anew_and_the_book_is_named() -> None:
    """Without a run: the same units, by the prices of another day and by a book that is asked for."""
    now, then = call("report", "agreeing", "--json"), call("report", "agreeing", "--book", "temporal-2025", "--json")
    [today, _], [asked, _] = (json.loads(each.stdout)["engines"] for each in (now, then))
    assert today["month"]["units"] == asked["month"]["units"]
    assert (today["month"]["price_book"], asked["month"]["price_book"]) == ("temporal-2026-09-17", "temporal-2025")
    assert today["month"]["dollars"] != asked["month"]["dollars"]
    by_day = call("report", "agreeing", "--on", "2025-06-01", "--json")
    [found, _] = json.loads(by_day.stdout)["engines"]
    assert found["month"]["dollars"] == asked["month"]["dollars"]
    assert "no price book 'nonsense'" in call("report", "agreeing", "--book", "nonsense").stderr


@pytest.mark.parametrize("command", ["report", "project"])
def test_a_page_is_written_beside_the_report(tmp_path: Path, command: str) -> None:
    page = tmp_path / "page.html"
    done = call(command, "agreeing", "--html", page)
    assert done.returncode == 0
    assert done.stderr == f"The page is in {page}\n"
    assert page.stat().st_size < 300_000
    assert page.read_text().count("<svg") >= 4
    missing = call(command, "agreeing", "--html", tmp_path / "nowhere" / "page.html")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "does not exist" in missing.stderr


def test_too_few_tasks_for_a_profile_still_have_a_page(tmp_path: Path) -> None:
    def two_tasks(engines: dict[str, Any]) -> None:
        for engine in engines.values():
            engine["tasks"] = engine["tasks"][:2]

    _changed(tmp_path, two_tasks)
    done = call("report", "changed", "--html", tmp_path / "page.html", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, f"The page is in {tmp_path / 'page.html'}\n")
    assert "There is no profile" in (tmp_path / "page.html").read_text()


def _changed(tmp_path: Path, change: Any) -> Path:
    folder = tmp_path / "changed"
    shutil.copytree(RESULTS / "agreeing", folder)
    file = folder / "measurement.json"
    measurement = json.loads(file.read_text())
    change({engine["engine"]: engine for engine in measurement["engines"]})
    file.write_text(json.dumps(measurement))
    return folder


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_an_unexplained_unit_is_shown_first_and_fails(golden: SnapshotAssertion, tmp_path: Path, form: str) -> None:
    def one_more_query(engines: dict[str, Any]) -> None:
        found = engines["temporal"]["reconciliations"][0]
        found["state"] = "differs"
        found["lines"].append({"kind": "query_workflow", "ours": "0", "other": "2"})

    folder = _changed(tmp_path, one_more_query)
    done = call("report", "changed", *([] if form == "terminal" else [f"--{form}"]), folder=folder.parent)
    assert (done.returncode, done.stderr) == (4, "")
    assert done.stdout == golden


def test_a_missing_engine_is_said(golden: SnapshotAssertion, tmp_path: Path) -> None:
    def no_inngest(engines: dict[str, Any]) -> None:
        engines["inngest"] |= {"state": "missing", "problem": "no server", "tasks": [], "reconciliations": []}

    folder = _changed(tmp_path, no_inngest)
    done = call("report", "changed", folder=folder.parent)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == golden


@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_types_estimates_and_what_was_not_seen_are_shown(golden: SnapshotAssertion, tmp_path: Path, form: str) -> None:
    """Of records that were there already: two conversations and a ticket, 20 queries that no history shows."""

    def as_counted(engines: dict[str, Any]) -> None:
        temporal = engines["temporal"]
        for task, name in zip(temporal["tasks"], ["Conversation", "Ticket", "Conversation"], strict=True):
            task["type"] = name
        temporal["unseen"] = ["query_workflow: no history shows queries"]
        temporal["estimates"] = [{"kind": "query_workflow", "rate": "20", "per": "task", "units": "60"}]

    folder = _changed(tmp_path, as_counted)
    file = folder / "measurement.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"door": "count"}))
    done = call("report", "changed", *([] if form == "terminal" else [f"--{form}"]), folder=folder.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == golden
    page = tmp_path / "page.html"
    call("report", "changed", "--html", page, folder=folder.parent)
    shown = page.read_text()
    assert "from records" in shown
    assert "by type of task" in shown
    assert "query_workflow: 60 by a rate of 20 per task that you gave" in shown


@pytest.mark.parametrize(("failed_too", "mean"), [(False, "32"), (True, "35.33")])
def test_failed_tasks_are_in_the_means_of_records_alone(tmp_path: Path, failed_too: bool, mean: str) -> None:
    """Of 22, 42 and 42 Actions the second failed: (22 + 42) / 2 = 32; with it (22 + 42 + 42) / 3 = 35.33."""

    def one_failed(engines: dict[str, Any]) -> None:
        engines["temporal"]["tasks"][1] |= {"state": "failed", "error": "refused"}
        engines["temporal"]["failed_too"] = failed_too

    _changed(tmp_path, one_failed)
    report = json.loads(call("report", "changed", "--json", folder=tmp_path).stdout)
    assert report["engines"][0]["per_task"]["mean"].startswith(mean)
    assert ("leave out 1 task" in str(report["warnings"])) != failed_too
    projected = json.loads(call("project", "changed", "--json", folder=tmp_path).stdout)
    [units] = [each["units_per_task"]["p50"] for each in projected["engines"][0]["readings"]]
    assert abs(float(units) - float(mean)) < 2


def test_the_json_report_can_be_read() -> None:
    report = json.loads(call("report", "agreeing", "--json").stdout)
    assert [engine["engine"] for engine in report["engines"]] == ["temporal", "inngest"]
    assert report["verdict"].startswith("Independent sources agree")


def test_a_measurement_follows_the_schema_that_ships() -> None:
    shipped = json.loads(Path(model.__file__).with_name("measurement.schema.json").read_text())
    assert shipped == model.json_schema(), "write it anew: make schema"
    validator = jsonschema.Draft202012Validator(shipped)
    validator.validate(json.loads((RESULTS / "agreeing" / "measurement.json").read_text()))
    assert not validator.is_valid({"schema_version": 2})


WRONG = {
    "no result": ("report", "nothing"),
    "both formats": ("report", "agreeing", "--json", "--markdown"),
    "volume": ("report", "agreeing", "--volume", "many"),
    "workload": ("run", "my_agent"),
    "engine": ("run", "--engine", "cadence"),
    "variant": ("run", "--variant", "temporal=nonsense"),
    "option": ("run", "-o", "latency"),
    "unknown option": ("run", "-o", "speed=1"),
    "bad option": ("run", "-o", "faults.rate_limited=2"),
    "price file": ("run",),
    "existing result": ("run", "--out", "agreeing"),
    "configuration": ("doctor",),
    "configuration file": ("doctor", "--config", "nothing.toml"),
}
VARIABLES = {
    "price file": {"DURAMETER_PRICES": "nothing.toml"},
    "configuration": {"DURAMETER_TEMPORAL_ADRESS": "127.0.0.1:1"},
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_says_what_to_do(golden: SnapshotAssertion, case: str) -> None:
    done = call(*WRONG[case], **VARIABLES.get(case, {}))
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr == golden
