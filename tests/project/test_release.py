"""What must be true of a commit before it is released is asked by .ci/check_release.py."""

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_release", ROOT / ".ci" / "check_release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "changelog.d" / "README.md").write_text("how\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "docs" / "install.toml").write_text("published = true\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3 (2026-12-01)\n")
    return tmp_path


def test_a_commit_that_is_ready(check: ModuleType, ready: Path) -> None:
    assert check.faults(ready, "v1.2.3") == []


@pytest.mark.parametrize(
    ("file", "text", "tag", "said"),
    [
        ("pyproject.toml", '[project]\nversion = "1.2.4"\n', "v1.2.3", "the tag must be v1.2.4"),
        ("docs/install.toml", "published = false\n", "v1.2.3", "published = false"),
        ("CHANGELOG.md", "## 1.2.2 (2026-11-01)\n", "v1.2.3", "no section 1.2.3"),
        ("changelog.d/7.fixed.md", "A fault.\n", "v1.2.3", "still has 7.fixed.md"),
        ("CHANGELOG.md", "## 1.2.3 (2026-12-01)\n", "1.2.3", "the tag must be v1.2.3"),
    ],
)
def test_a_commit_that_is_not(check: ModuleType, ready: Path, file: str, text: str, tag: str, said: str) -> None:
    (ready / file).write_text(text)
    assert any(said in each for each in check.faults(ready, tag))


def test_today_is_judged_too(check: ModuleType) -> None:
    """Whatever it finds, the files are where it looks."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert isinstance(check.faults(ROOT, f"v{version}"), list)
