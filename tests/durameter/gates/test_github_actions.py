"""docs/github-actions.yml: the workflow is one, its commands are the command line's, and its steps do what they say."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from gate_results import AGREEING, RETRIED, changed

from durameter.cli.main import load_command
from running import patience

FILE = Path(__file__).parents[3] / "docs" / "github-actions.yml"
BUDGET = '[budgets.agent]\nengine = "temporal"\nunits_per_task = {}\n'


def _workflow() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(FILE.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - `on` stays a word
    return found


def _steps() -> list[dict[str, Any]]:
    [job] = _workflow()["jobs"].values()
    steps: list[dict[str, Any]] = job["steps"]
    return steps


def _script(name: str) -> str:
    [step] = [each for each in _steps() if each.get("name", "").startswith(name)]
    return str(step["run"])


def test_it_is_a_workflow_for_pull_requests() -> None:
    workflow = _workflow()
    assert set(workflow) == {"name", "on", "permissions", "concurrency", "env", "jobs"}
    assert list(workflow["on"]) == ["pull_request"]
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    for step in _steps():
        assert ("uses" in step) != ("run" in step)
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@v\d+", step.get("uses", "actions/checkout@v5"))
    names = {each.get("id") for each in _steps()} - {None}
    assert set(re.findall(r"steps\.(\w+)\.", FILE.read_text())) == names


def test_its_commands_are_those_of_the_command_line() -> None:
    lines = "\n".join(step.get("run", "") for step in _steps()).replace("\\\n", " ").splitlines()
    commands = [re.split(r"[>|]", line)[0] for line in lines if re.match(r"\s*\.venv/bin/durameter ", line)]
    assert len(commands) == 4  # run twice, diff, check
    for line in commands:
        _, name, *words = shlex.split(line.replace('"$TASKS"', "10"))
        load_command(name).make_context(name, words)  # fails on an option that there is not


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """The folder of a job after both sides were measured."""
    folder = tmp_path / "head"
    (folder / ".venv").mkdir(parents=True)
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    changed(tmp_path / "temp" / "base", lambda measurement: None)
    return tmp_path


def _run(runner: Path, name: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A step's script, by the shell that GitHub takes."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DURAMETER_")}
    own = {"RUNNER_TEMP": str(runner / "temp"), "GITHUB_STEP_SUMMARY": str(runner / "summary.md"), "VOLUME": "1M/month"}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", _script(name)],
        cwd=runner / "head",
        env=kept | own | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60 * patience(),
    )


@pytest.mark.parametrize(
    ("head", "said"), [(AGREEING, "temporal: no difference, 35.3 Actions per task"), (RETRIED, "cannot be compared")]
)
def test_the_difference_is_in_the_summary_also_when_it_is_refused(runner: Path, head: Path, said: str) -> None:
    changed(runner / "temp" / "head", lambda measurement: None, head)
    done = _run(runner, "Compare")
    assert done.returncode == 0, done.stderr
    assert (runner / "temp" / "diff.md").read_text().startswith("<!-- durameter-diff -->\n")
    assert said in (runner / "summary.md").read_text()


@pytest.mark.parametrize(("limit", "status", "said"), [(36, 0, "Budgets kept"), (35, 99, "Budget broken")])
def test_a_broken_budget_fails_the_job(runner: Path, limit: int, status: int, said: str) -> None:
    changed(runner / "temp" / "head", lambda measurement: None)
    (runner / "head" / "durameter.toml").write_text(BUDGET.format(limit))
    assert _run(runner, "Check the budgets").returncode == status
    assert said in (runner / "summary.md").read_text()


@pytest.mark.parametrize(
    ("there", "call"),
    [("", "api --method POST repos/o/r/issues/7/comments"), ("42", "api --method PATCH repos/o/r/issues/comments/42")],
)
def test_the_last_comment_is_replaced(runner: Path, there: str, call: str) -> None:
    gh = runner / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(f'#!/bin/sh\necho "$@" >> "{runner}/calls"\n[ "$2" = --paginate ] && echo {there}\nexit 0\n')
    gh.chmod(0o755)
    path = f"{gh.parent}{os.pathsep}{os.environ['PATH']}"
    done = _run(runner, "Comment", PATH=path, COMMENTS="repos/o/r/issues", NUMBER="7")
    assert done.returncode == 0, done.stderr
    first, second = (runner / "calls").read_text().splitlines()
    assert first.startswith("api --paginate repos/o/r/issues/7/comments")
    assert second == f"{call} --field body=@{runner}/temp/diff.md"
