"""`durameter conformance` as a person runs it. What the scenarios cost is tested beside the suite."""

import json
from pathlib import Path

import pytest

from running import command, processes_in, run, within

pytestmark = pytest.mark.servers

TWO = ("-k", "empty workflow", "-k", "patch and local activity")


def test_what_scenarios_cost_as_json(tmp_path: Path) -> None:
    """Start 1; start 1, marker task 1, and the search attribute of the patch, which the meter alone counts."""
    done = run("conformance", "temporal", *TWO, "--json", cwd=tmp_path)
    assert done.status == 0, done.err
    found = {each["name"]: each for each in json.loads(done.out)}
    assert {name: each["state"] for name, each in found.items()} == {
        "empty workflow": "pass",
        "patch and local activity": "explained",
    }
    patch = found["patch and local activity"]
    assert patch["counted"] == {"start_workflow": "1", "record_activity_markers": "1"}
    assert patch["open_counted"] == {"upsert_workflow_search_attributes": "1"}
    assert patch["differences_found"] == {"upsert_by_patch": "1"}
    assert "2 pass: empty workflow" in done.err or "1 pass: empty workflow" in done.err


def test_the_table_for_people(tmp_path: Path) -> None:
    done = run("conformance", "temporal", *TWO, cwd=tmp_path, COLUMNS="120", NO_COLOR="1")
    assert done.status == 0, done.err
    assert done.out.rstrip().endswith("2 scenarios: 1 pass, 1 explained")
    assert "upsert_by_patch +1" in done.out


def test_ctrl_c_leaves_nothing_running(tmp_path: Path) -> None:
    with command("conformance", "temporal", folder=tmp_path, cwd=tmp_path, TMPDIR=str(tmp_path)) as running:
        assert within(60, lambda: "pass: " in running.err), running.err
        assert running.servers()
        running.ctrl_c()
        ended = running.end(60)
    assert ended.status == 130
    assert "Stopped" in ended.err
    assert "Traceback" not in ended.err
    assert within(10, lambda: not processes_in(tmp_path)), [each.cmdline() for each in processes_in(tmp_path)]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("cadence",), "There is no conformance suite for 'cadence'. Installed: inngest, temporal."),
        (("temporal", "-k", "nonsense"), "No scenario has 'nonsense' in its name"),
        (("temporal", "--json", "--markdown"), "--json and --markdown exclude each other."),
        (("temporal", "--address", "127.0.0.1:1", "-k", "empty"), "No Temporal server answers at 127.0.0.1:1"),
    ],
)
def test_wrong_usage_says_what_to_do(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = run("conformance", *words, cwd=tmp_path)
    assert done.status in {2, 3}
    assert (done.out, "Traceback" in done.err) == ("", False)
    assert says in done.err.replace("\n", " ")


def test_the_names_of_the_scenarios(tmp_path: Path) -> None:
    done = run("conformance", "temporal", "--list", cwd=tmp_path)
    assert len(done.out.splitlines()) >= 70
    assert "empty workflow" in done.out.splitlines()
