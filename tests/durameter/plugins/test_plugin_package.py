"""A workload in a package of its own: built, installed, found by its entry point, measured by its own test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from running import environment, run

pytestmark = pytest.mark.long  # pip installs

SOURCE = Path(__file__).parents[2] / "plugins" / "durameter-example"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and its metadata, as in site-packages."""
    folder = tmp_path_factory.mktemp("plugin")
    source = shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", target, source], check=True)
    return target


@pytest.mark.servers
def test_its_own_test_passes(installed: Path, tmp_path: Path) -> None:
    tests = shutil.copytree(SOURCE / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests],
        cwd=tmp_path,
        env=environment(tmp_path / "state", PYTHONPATH=os.fspath(installed)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["order", "-o", "most_itemz=3"], "An option of example/order is wrong: most_itemz: Extra inputs"),
        (["example/order", "-o", "most_items=0"], "Its options: most_items, payment_failures."),
        (["order", "--variant", "temporal=twice"], "It has: temporal=one_by_one, temporal=at_once, inngest=one_by_one"),
        (["example/parcel"], "Installed: durameter/support_agent, example/order."),
    ],
)
def test_it_is_found_by_its_entry_point(installed: Path, tmp_path: Path, words: list[str], said: str) -> None:
    ended = run("run", *words, cwd=tmp_path, PYTHONPATH=os.fspath(installed))
    assert ended.status == 2
    assert said in ended.err


def test_doctor_lists_it(installed: Path, tmp_path: Path) -> None:
    ended = run("doctor", cwd=tmp_path, PYTHONPATH=os.fspath(installed), COLUMNS="200")
    assert "example/order: an order: pay, pack, send" in ended.out
