"""An engine from outside goes the whole way without a change in durameter: tests/plugins/durameter-toy, installed.

Derivation, by the toy's rules: a task of n steps is 1 job and n steps; a retry is a unit only if the open question is
answered so. Eight tasks have 1, 2, 3, 4, 1, 2, 3, 4 steps: 8 + 20 = 28 ticks, 3.5 each; the four odd ones retry once.
Their log has a line for each start, step, retry and end: 8 + 20 + 4 + 8 = 40, 5 each.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars
import pytest

from running import Ended, run

pytestmark = pytest.mark.long

SOURCE = Path(__file__).parents[2] / "plugins" / "durameter-toy"

PROGRAM = """
import asyncio, os, sys
sys.path[:0] = os.environ["TOY_PATH"].split(os.pathsep)
from durameter_toy.server import ToyClient

async def main():
    client = ToyClient(os.environ["TOY_ADDRESS"])
    await client.run("a-1", 2)
    await client.run("a-2", 1, retried=1)
    await client.run("b-1", 3)

asyncio.run(main())
"""

Toy = Callable[..., Ended]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and its metadata, as in site-packages."""
    folder = tmp_path_factory.mktemp("toy")
    source = shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", folder / "site", source], check=True)
    return folder / "site"


@pytest.fixture(scope="module")
def home(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one measurement, `result`, and a configuration."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "durameter.toml").write_text(
        '[toy]\nmetered = true\n\n[budgets.wide]\nunits_per_task = 4\nengine = "toy"\n'
    )
    words = ("run", "toy/counter", "--tasks", "8", "--volume", "1k", "--out", "result")
    ended = run(*words, cwd=folder, PYTHONPATH=os.fspath(site))
    assert ended.status == 0, ended.err
    return folder


@pytest.fixture
def toy(site: Path, home: Path) -> Toy:
    """`durameter …` in that folder, with the toy installed."""

    def command(*words: str, status: int = 0, **variables: str) -> Ended:
        ended = run(*words, cwd=home, PYTHONPATH=os.fspath(site), COLUMNS="120", **variables)
        assert ended.status == status, ended.out + ended.err
        return ended

    return command


def engine_in(folder: Path) -> dict[str, object]:
    (engine,) = json.loads((folder / "measurement.json").read_text())["engines"]
    return engine


def test_run_counts_and_proves_it(home: Path) -> None:
    engine = engine_in(home / "result")
    assert (engine["engine"], engine["unit"], engine["state"]) == ("toy", "tick", "measured")
    (proof,) = engine["reconciliations"]
    assert (proof["source"], proof["other"], proof["state"]) == ("ledger", "meter", "agrees")
    rows = polars.read_parquet(home / "result" / "ledger.parquet")
    counted = {kind: len(part) for (kind,), part in rows.group_by("kind")}
    assert counted == {"start_job": 8, "run_step": 20, "retry_step": 4}
    assert set(rows.filter(polars.col("kind") == "retry_step")["reading"]) == {"upper"}


def test_report_in_every_form(toy: Toy, home: Path) -> None:
    assert "3.5 (2–5)" in toy("report", "result").out
    assert "| toy" in toy("report", "result", "--markdown").out
    (engine,) = json.loads(toy("report", "result", "--json", "--volume", "1k").out)["engines"]
    # 3,500 ticks a month: 1,000 are in the base fee of $10, a cent for each of the other 2,500. 5,000 lines are $5.
    assert Decimal(engine["month"]["dollars"]) == 40
    toy("report", "result", "--html", "page.html", "--volume", "1k")
    assert "ticks" in (home / "page.html").read_text()
    answered = json.loads(toy("report", "result", "--json", "--volume", "1k", "--answer", "toy.retries=billed").out)
    # Half a retry per task more: 4,000 ticks.
    assert Decimal(answered["engines"][0]["month"]["dollars"]) == 45


def test_project_profile_check_and_diff(toy: Toy) -> None:
    projected = json.loads(toy("project", "result", "--volume", "1k", "--json").out)
    assert projected["engines"][0]["engine"] == "toy"
    assert "exact" in toy("profile", "result").out
    assert "wide" in toy("check", "result").out
    assert "no difference" in toy("diff", "result", "result").out


def test_watch_and_its_task_key(toy: Toy, home: Path, site: Path) -> None:
    """a-1 and a-2 are one task of 3 + 2 ticks and a retry; b-1 is one of 4."""
    (home / "program.py").write_text(PROGRAM)
    places = os.pathsep.join([os.fspath(site), *(each for each in sys.path if each)])
    command = ("--out", "watched", "--", sys.executable, "program.py")
    toy("watch", "--engine", "toy", "--task-key", "before:-", *command, TOY_PATH=places)
    engine = engine_in(home / "watched")
    units = {task["task"]: sum(int(kind["documented"]) for kind in task["kinds"].values()) for task in engine["tasks"]}
    assert units == {"a": 5, "b": 4}
    assert engine["reconciliations"][0]["state"] == "agrees"
    refused = toy("watch", "--engine", "toy", "--attach", "x", "--", "true", status=2)
    assert "leave --attach, --app and --query out" in refused.err
    wrong = toy("watch", "--task-key", "before:-", "--", "true", status=2)
    assert "--task-key before:... is for toy" in wrong.err


def test_count_of_files_that_it_claims(toy: Toy, home: Path) -> None:
    logs = sorted(str(file) for file in (home / "result" / "records").rglob("*.toy.jsonl"))
    assert len(logs) == 8
    (home / "broken.toy.jsonl").write_text("not a log\n")
    said = toy("count", *logs, "broken.toy.jsonl", "--rate", "poll_job=2/task", "--out", "counted", status=4)
    assert "broken.toy.jsonl is no log of the toy." in said.err
    engine = engine_in(home / "counted")
    assert sum(task["counted"] for task in engine["tasks"]) == 8
    assert len(polars.read_parquet(home / "counted" / "ledger.parquet")) == 32
    assert engine["unseen"] == ["poll_job: somebody asked how a job is"]


def test_prices_rules_and_doctor(toy: Toy) -> None:
    assert "toy-2026" in toy("prices").out
    assert "Toy Cloud" in toy("prices", "toy").out
    assert "Is a step that is tried again billed again?" in toy("rules", "toy").out
    assert "toy: a server in memory" in toy("doctor").out


def test_its_configuration(toy: Toy) -> None:
    wrong = toy("doctor", status=2, DURAMETER_TOY_ADRESS="x")
    assert "toy.adress" in wrong.err
    words = ("run", "toy/counter", "--tasks", "2", "--out", "unmetered")
    assert "no meter is configured" in toy(*words, DURAMETER_TOY_METERED="false").out


def test_telemetry(toy: Toy) -> None:
    said = toy("run", "toy/counter", "--tasks", "2", "--out", "told", "--telemetry", "console")
    assert "durameter.toy.ticks" in said.out + said.err


def test_a_sample_for_it(toy: Toy, home: Path) -> None:
    toy("init", "toy", "own_agent")
    toy("run", "./own_agent/own_agent.py:workload", "--tasks", "2", "--out", "own")
    assert engine_in(home / "own")["reconciliations"][0]["state"] == "agrees"
