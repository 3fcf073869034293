"""`durameter run ./my_agent.py:workload`: what is found, under which name, and every way in which it is not."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from durameter import Task, read_result
from durameter.cli.run import run as run_command
from durameter.errors import UsageError
from durameter.registry import load_workload
from durameter.workload_files import recorded_source
from running import run

MINIMAL = """
import durameter


class OnTemporal(durameter.Implementation):
    engine = "temporal"

    def running(self, session, tasks, run):
        raise NotImplementedError


class MyAgent(durameter.Workload):
    def implementations(self, options):
        return [OnTemporal()]


workload = MyAgent()
"""


@pytest.fixture(autouse=True)
def _modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What a test imports is forgotten."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def _write(name: str, text: str) -> Path:
    file = Path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(text))
    return file


@pytest.mark.parametrize(
    ("file", "name", "found"),
    [
        ("my_agent.py", "./my_agent.py:workload", "my_agent/workload"),
        ("my_agent.py", "my_agent.py:workload", "my_agent/workload"),
        ("my_agent.py", "my_agent.py", "my_agent/workload"),
        ("deep/my-agent.py", "deep/my-agent.py:workload", "my-agent/workload"),
        ("package/agent.py", "package.agent:workload", "agent/workload"),
    ],
)
def test_a_workload_is_found(file: str, name: str, found: str) -> None:
    _write(file, MINIMAL)
    assert load_workload(name)[0] == found


def test_only_implementations_must_be_written() -> None:
    _write("my_agent.py", MINIMAL)
    _, workload = load_workload("my_agent.py:workload")
    options = workload.parse_options({})
    assert list(workload.tasks(2, 0, options)) == [Task(id="task-0001"), Task(id="task-0002")]
    assert [(each.engine, each.variant) for each in workload.implementations(options)] == [("temporal", "default")]
    assert list(workload.scenarios(options)) == []


def test_a_file_finds_its_siblings_and_takes_nobodys_place() -> None:
    """`json.py` is named like a module of Python's own; `sibling_of_it` is imported when it is needed."""
    _write("project/sibling_of_it.py", "ID = 'from-the-sibling'")
    late = "    def tasks(self, count, seed, options):\n        import sibling_of_it\n        "
    late += "return [durameter.Task(id=sibling_of_it.ID)]\n"
    _write("project/json.py", MINIMAL.replace("    def implementations", f"{late}\n    def implementations", 1))
    modules = set(sys.modules)
    name, workload = load_workload("project/json.py:workload")
    [new] = {each for each in set(sys.modules) - modules if "json" in each}
    assert name == "json/workload"
    assert re.fullmatch(r"json_[0-9a-f]{8}", new)
    assert workload.tasks(1, 0, None)[0].id == "from-the-sibling"
    assert load_workload("project/json.py:workload")[1] is workload


def test_two_files_of_one_name_are_two_workloads() -> None:
    _write("a/agent.py", MINIMAL + "workload.description = 'a'")
    _write("b/agent.py", MINIMAL + "workload.description = 'b'")
    assert [load_workload(f"{each}/agent.py:workload")[1].description for each in "ab"] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        (MINIMAL, "absent.py:workload", r"There is no file absent\.py in /.*`durameter init`"),
        (MINIMAL, "./absent:workload", r"There is no file absent in"),
        (MINIMAL, "absent.module:workload", r"There is no module absent in /.*\./my_agent\.py:workload"),
        (MINIMAL, "./:workload", r"is a folder, and has my_agent\.py\. Name the file"),
        (MINIMAL, "my_agent.py:agent", r"has no 'agent'\. It has workload: my_agent\.py:workload"),
        ("x = 1", "my_agent.py", r"has no 'workload'\. Write `workload = MyAgent\(\)`"),
        (MINIMAL, "my_agent.py:MyAgent", r"the class MyAgent: write `workload = MyAgent\(\)`.*must be an instance"),
        ("workload = 'x'", "my_agent.py", r"is a str\. It must be an instance of durameter\.Workload"),
        (
            "\nimport absent_package",
            "my_agent.py",
            r"my_agent\.py, line 2: import absent_package: ModuleNotFoundError: .*Is absent_package installed for",
        ),
        ("a = 1\nb = a / 0", "my_agent.py", r"my_agent\.py, line 2: b = a / 0: ZeroDivisionError: division by zero"),
        ("a = (\nb = 1", "my_agent.py", r"my_agent\.py, line 1: .*SyntaxError: '\(' was never closed"),
        ("from . import x", "my_agent.py", r"line 1: from \. import x: .*Name it as package\.module:workload"),
        ("import sys\nsys.exit(3)", "my_agent.py", r"line 2: sys\.exit\(3\): SystemExit: 3\. .*`if __name__ =="),
        (
            "import json\njson.loads('x')",
            "my_agent.py",
            r"my_agent\.py, line 2: json\.loads\('x'\): JSONDecodeError",
        ),
        (
            MINIMAL.replace("    def running", "    async def running").replace("raise NotImplementedError", "yield"),
            "my_agent.py",
            r"line 5: class OnTemporal.*: OnTemporal\.running needs @contextlib\.asynccontextmanager above it",
        ),
        (
            MINIMAL.replace("implementations", "implementation"),
            "my_agent.py",
            r"line \d+: workload = MyAgent\(\): TypeError: .*abstract method '?implementations",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, name: str, said: str) -> None:
    _write("my_agent.py", text)
    path, modules = list(sys.path), set(sys.modules)
    with pytest.raises(UsageError, match=re.compile(said, re.DOTALL)):
        load_workload(name)
    if "cannot be imported" in said:
        assert sys.path == path
        assert not {each for each in set(sys.modules) - modules if "my_agent" in each}


def test_an_error_in_a_sibling_is_said_with_its_line() -> None:
    _write("helpers.py", "\n\nraise ValueError('no key')")
    _write("my_agent.py", "import helpers")
    with pytest.raises(UsageError, match=r"helpers\.py, line 3: .*ValueError: no key"):
        load_workload("my_agent.py")


def test_what_is_recorded_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    file = _write("project/my_agent.py", MINIMAL)
    folder = Path("project/durameter-results/now")
    assert recorded_source(str(file), folder) == "../../my_agent.py:workload"
    assert recorded_source(f"{file.resolve()}:other", folder) == "../../my_agent.py:other"
    assert recorded_source("package.agent:workload", folder) == "package.agent:workload"
    assert recorded_source("durameter/support_agent", folder) == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return [OnTemporal()]", "return [OnTemporal]", "offers the class OnTemporal, not OnTemporal()"),
        ("return [OnTemporal()]", "return []", "has no implementation"),
        ('engine = "temporal"', "", 'names no engine. Write `engine = "temporal"`'),
        (
            'engine = "temporal"',
            'engine = "temporl"',
            "my_agent/workload is for temporl, which is no engine that is installed: temporal, inngest are.",
        ),
        (
            "    def implementations",
            "    def tasks(self, count, seed, options):\n        return ['a']\n\n    def implementations",
            "made 'a' for a task. tasks() must return durameter.Task objects.",
        ),
        (
            "    def implementations",
            "    def tasks(self, count, seed, options):\n        durameter.Task(id='a b')\n\n    def implementations",
            "returned invalid tasks",
        ),
    ],
)
def test_a_workload_that_is_not_one_is_said_before_a_server_starts(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    _write("my_agent.py", MINIMAL.replace(old, new, 1))
    with pytest.raises(UsageError, match=re.escape(said)):
        run_command("./my_agent.py:workload", tasks=1)
    assert not (tmp_path / "durameter-results").exists()


def test_the_name_that_results_show_is_no_name_to_run_it_by(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"or a file of your own as \./my_agent\.py:workload"):
        run_command("my_agent/workload")


ONE_FILE = '''
"""Workflow, activity and workload in one file, which has a sibling."""

from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.worker import Worker

IMPORT
from saying import shout


@activity.defn
async def say(word: str) -> str:
    return word


@workflow.defn
class Saying:
    @workflow.run
    async def run(self) -> str:
        return shout(await workflow.execute_activity(say, "a", start_to_close_timeout=timedelta(seconds=5)))


class OnTemporal(durameter.Implementation[durameter.TemporalSession]):
    engine = "temporal"

    @asynccontextmanager
    async def running(self, session, tasks, run):
        async def drive(task, measured):
            measured.started(task.id)
            await session.client.execute_workflow(Saying.run, id=task.id, task_queue=session.task_queue)

        async with Worker(session.client, task_queue=session.task_queue, workflows=[Saying], activities=[say]):
            yield drive


class MyAgent(durameter.Workload):
    def implementations(self, options):
        return [OnTemporal()]

    def scenarios(self, options):
        return [durameter.Scenario(name="calm", description="nothing", default_share=0.1, why="a test")]


workload = MyAgent()
'''
PASSED = "with workflow.unsafe.imports_passed_through():\n    import durameter\n"


@pytest.mark.servers
def test_one_file_is_measured_and_its_scenarios_find_it_again(tmp_path: Path) -> None:
    """Each task: start 1 + activity 1 = 2; its scenario adds none."""
    _write("project/saying.py", "def shout(word):\n    return word.upper()\n")
    file = _write("project/my-agent.py", ONE_FILE.replace("IMPORT", PASSED))
    measured = run("run", "my-agent.py:workload", "--tasks", "1", "--out", "r", cwd=tmp_path / "project")
    assert measured.status == 0, measured.err
    measurement = read_result(tmp_path / "project" / "r").measurement
    assert (measurement.workload, measurement.about) == ("my-agent/workload", {"source": "../my-agent.py:workload"})
    assert [int(task.units) for task in measurement.engines[0].tasks] == [2]
    # From another folder, and after the project has moved.
    (tmp_path / "project").rename(tmp_path / "moved")
    again = run("scenarios", "moved/r", "--json", cwd=tmp_path)
    assert again.status == 0, again.err
    assert '"name": "calm"' in again.out
    (tmp_path / "moved" / file.name).rename(tmp_path / "moved" / "renamed.py")
    lost = run("scenarios", "moved/r", "--list", cwd=tmp_path)
    assert (lost.status, "--workload FILE.py:workload" in " ".join(lost.err.split())) == (2, True)
    assert run("scenarios", "moved/r", "--list", "--workload", "moved/renamed.py", cwd=tmp_path).status == 0


@pytest.mark.servers
def test_a_workflow_beside_an_import_of_durameter_is_told_what_to_do(tmp_path: Path) -> None:
    _write("saying.py", "def shout(word):\n    return word.upper()\n")
    _write("my_agent.py", ONE_FILE.replace("IMPORT", "import durameter"))
    ended = run("run", "my_agent.py", "--tasks", "1", cwd=tmp_path)
    assert ended.status != 0
    assert "with workflow.unsafe.imports_passed_through(): import durameter" in " ".join(ended.err.split())
