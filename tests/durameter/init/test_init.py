"""`durameter init`: what it writes is tidy and loads, and it overwrites nothing.

That it runs on both engines and passes its own test is in tests/quickstarts/test_python_door.py.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from durameter.errors import UsageError
from durameter.init import write_example
from running import run

RUFF = Path(sys.executable).with_name("ruff")
BOTH = ("temporal", "inngest")


@pytest.mark.parametrize(("choice", "engines"), [("both", BOTH), ("temporal", BOTH[:1]), ("inngest", BOTH[1:])])
def test_what_is_written(tmp_path: Path, choice: str, engines: tuple[str, ...]) -> None:
    written = run("init", choice, cwd=tmp_path)
    assert written.status == 0, written.err
    folder = tmp_path / "my_agent"
    files = ["my_agent.py", *(f"{engine}_agent.py" for engine in engines), "test_my_agent.py"]
    assert sorted(each.name for each in folder.iterdir()) == sorted(files)
    assert [line.strip() for line in written.out.splitlines()] == [
        "Wrote to my_agent:",
        *files,
        "",
        "Next:",
        "cd my_agent",
        "durameter run ./my_agent.py:workload --tasks 3",
        "pytest  # in an environment that has it",
    ]
    # Only what it was written for is in it.
    other = {"temporal": "inngest", "inngest": "temporal"}.get(choice, "nothing")
    assert other not in (folder / "my_agent.py").read_text().lower()
    for words in (["check", "--isolated", "--select", "E,F,I,UP,B"], ["format", "--isolated", "--check"]):
        done = subprocess.run(
            [RUFF, *words, "--no-cache", "."], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    # It loads, and has these engines: nothing is measured, since the variant is wrong.
    said = run("run", "./my_agent.py:workload", "--variant", f"{engines[0]}=absent", cwd=folder)
    has = ", ".join(f"{engine}=default" for engine in engines)
    assert f"my_agent/workload has nothing for {engines[0]} in variant absent. It has: {has}." in said.err


@pytest.mark.servers
@pytest.mark.parametrize("choice", BOTH)
def test_what_is_written_for_one_engine_passes_its_own_test(tmp_path: Path, choice: str) -> None:
    assert run("init", choice, "support_bot", cwd=tmp_path).status == 0
    folder = tmp_path / "support_bot"
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(pytest_, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "temporal_agent.py").write_text("mine")
    folder = tmp_path / "my_agent"
    folder.mkdir()
    (folder / "temporal_agent.py").write_text("mine")
    with pytest.raises(UsageError, match=r"has temporal_agent\.py already, and nothing is overwritten\. Name another"):
        write_example("both", folder)
    assert [each.name for each in folder.iterdir()] == ["temporal_agent.py"]
    assert (folder / "temporal_agent.py").read_text() == "mine"
    assert "inngest_agent.py" in write_example("inngest", folder).files  # what is there is not in its way


@pytest.mark.parametrize(
    ("name", "file"), [("Support-Bot", "support_bot.py"), ("my agent", "my_agent.py"), ("agent2", "agent2.py")]
)
def test_the_workload_is_named_after_its_folder(tmp_path: Path, name: str, file: str) -> None:
    assert write_example("temporal", tmp_path / name).files[0] == file


@pytest.mark.parametrize("name", ["json", "inngest", "temporalio", "durameter", "class", "3rd", "ü", "temporal_agent"])
def test_a_name_that_is_no_name_for_a_module_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"Name another folder: durameter init both my_agent\."):
        write_example("both", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written: Not a directory\. Name another folder\."):
        write_example("both", tmp_path / "file" / "my_agent")
