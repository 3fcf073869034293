"""Workflows, forms and hooks: they are read, ask for no more than they need, and do what a person does."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = [each for each in sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) if each.name != "config.yml"]


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - `on` stays a word
    return found


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_read_and_no_more(file: Path) -> None:
    workflow = _read(file)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert int(job["timeout-minutes"]) <= 90
        allowed = {"id-token": "write"} if (file.name, name) == ("release.yml", "publish") else None
        assert job.get("permissions") == allowed
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert "secrets." not in str(step)


def test_a_release_is_published_only_after_everything_and_by_a_person() -> None:
    workflow = _read(GITHUB / "workflows" / "release.yml")
    assert workflow["on"] == {"push": {"tags": ["v*"]}}
    publish = workflow["jobs"]["publish"]
    assert set(publish["needs"]) == set(workflow["jobs"]) - {"publish"}
    assert publish["environment"] == "pypi"
    assert [step for step in publish["steps"] if "run" in step] == []  # nothing of ours runs where it may publish


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_what_a_workflow_runs_is_there(file: Path) -> None:
    targets = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for job in _read(file)["jobs"].values():
        for step in job["steps"]:
            for target in re.findall(r"^make (\S+)", step.get("run", ""), flags=re.MULTILINE):
                assert target in targets
            for script in re.findall(r"\.ci/\w+(?:\.py)?", step.get("run", "")):
                assert (ROOT / script).is_file()


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_a_form_is_one(file: Path) -> None:
    form = _read(file)
    assert set(form) == {"name", "description", "labels", "body"}
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    for field in form["body"]:
        assert field["type"] in {"input", "textarea"}
        assert field["attributes"]["label"]


def test_dependabot_looks_where_the_locks_are() -> None:
    found = _read(GITHUB / "dependabot.yml")
    assert found["version"] == "2"
    assert {each["package-ecosystem"] for each in found["updates"]} == {"pip", "github-actions"}
    for each in found["updates"]:
        assert (ROOT / each["directory"].lstrip("/")).is_dir()


def test_pre_commit_runs_what_lint_runs_and_downloads_nothing() -> None:
    [repository] = _read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    [hook] = repository["hooks"]
    assert (hook["entry"], hook["language"], hook["pass_filenames"]) == ("make lint", "system", "false")
