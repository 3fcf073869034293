"""`durameter scenarios` on stored results, without a server."""

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from durameter.cli.scenarios import scenarios
from durameter.errors import UsageError
from durameter.workload import Scenario

STORED = Path(__file__).parents[2] / "cli" / "results" / "agreeing"
NAMES = ["rate_limit_storm", "provider_outage", "runaway_loop", "worker_crash"]

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(scenarios)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORED, tmp_path / "result"))


@pytest.fixture
def storm(stored: Path) -> Path:
    """The result, with itself as its own storm."""
    folder = stored / "scenarios" / "rate_limit_storm"
    shutil.copytree(STORED, folder)
    declared = Scenario(name="rate_limit_storm", description="as ever", default_share=0.5, why="half of them")
    (folder / "scenario.json").write_text(declared.model_dump_json())
    return stored


def call(*words: str | Path, status: int = 0) -> str:
    found = CliRunner().invoke(app, [str(word) for word in words])
    assert found.exit_code == status, found.output
    return found.stdout


def test_the_offer_is_listed_and_nothing_is_run(storm: Path) -> None:
    said = call(storm, "--list")
    assert [line.split(" (")[0] for line in said.splitlines() if not line.startswith(" ")] == NAMES
    assert "rate_limit_storm (run)" in said
    assert "worker_crash (not run yet)" in said
    assert not (storm / "scenarios" / "worker_crash").exists()


def test_the_offer_as_json_has_all_that_is_declared(stored: Path) -> None:
    offer = json.loads(call(stored, "--list", "--json", "--only", "runaway_loop"))
    assert [(each["name"], each["ends"], each["done"]) for each in offer] == [("runaway_loop", "failed", False)]


def test_what_was_run_is_not_run_again(storm: Path) -> None:
    before = (storm / "scenarios" / "rate_limit_storm" / "measurement.json").stat().st_mtime_ns
    found = json.loads(call(storm, "--only", "rate_limit_storm", "--json"))
    assert (storm / "scenarios" / "rate_limit_storm" / "measurement.json").stat().st_mtime_ns == before
    assert [(each["engine"], each["n"]) for each in found["effects"]] == [("temporal", 3), ("inngest", 3)]
    for each in found["effects"]:
        assert each["readings"]["documented"] == {
            "extra_mean": 0.0,
            "extra_error": 0.0,
            "freedom": None,
            "low": None,
            "high": None,
        }
        assert (each["default_share"], each["why"]) == (0.5, "half of them")
    assert "rate_limit_storm" in call(storm, "--only", "rate_limit_storm")


def test_a_task_that_should_have_failed_is_no_success(storm: Path) -> None:
    """Its tasks completed; had they to fail, the exit status says that they did not, and there is no effect."""
    declared = storm / "scenarios" / "rate_limit_storm" / "scenario.json"
    declared.write_text(json.dumps({**json.loads(declared.read_text()), "ends": "failed"}))
    found = json.loads(call(storm, "--only", "rate_limit_storm", "--json", status=1))
    assert found["effects"] == []
    assert len(found["problems"]) == 2


def test_a_scenario_that_is_not_offered_is_refused(stored: Path) -> None:
    with pytest.raises(UsageError, match=r"no scenario 'flood'.*offers: rate_limit_storm, provider_outage"):
        CliRunner().invoke(app, [str(stored), "--only", "flood"], catch_exceptions=False)


def test_a_real_model_has_no_scenarios(stored: Path) -> None:
    file = stored / "measurement.json"
    measurement = json.loads(file.read_text())
    measurement["options"]["model_base_url"] = "http://127.0.0.1:1/v1"
    file.write_text(json.dumps(measurement))
    with pytest.raises(UsageError, match="offers no scenarios"):
        CliRunner().invoke(app, [str(stored)], catch_exceptions=False)
