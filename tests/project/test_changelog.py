"""Fragments of the changelog: named as towncrier wants them, and they render."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "changelog.d"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
KINDS = [each["directory"] for each in SETTINGS["type"]]
NAME = re.compile(rf"(?:\d+|\+[a-z0-9-]+)\.(?:{'|'.join(KINDS)})(?:\.\d+)?\.md")


def _fragments() -> list[Path]:
    return sorted(each for each in FOLDER.iterdir() if each.name != "README.md")


def test_each_is_named_so_that_it_is_found() -> None:
    assert [each.name for each in _fragments() if not NAME.fullmatch(each.name)] == []


def test_each_is_one_entry_without_a_bullet_of_its_own() -> None:
    for each in _fragments():
        text = each.read_text()
        assert text.strip(), each.name
        assert not re.search(r"^\s*[-*#]", text, flags=re.MULTILINE), each.name
        assert "\n\n" not in text.strip(), each.name


def test_the_kinds_are_what_the_readme_says() -> None:
    assert "Kinds: " + ", ".join(f"`{kind}`" for kind in KINDS) + "." in (FOLDER / "README.md").read_text()


def test_the_changelog_has_the_place_for_them() -> None:
    assert (ROOT / SETTINGS["filename"]).read_text().count(SETTINGS["start_string"]) == 1


TOWNCRIER = shutil.which("towncrier", path=f"{ROOT / '.venv-docs' / 'bin'}:{Path(sys.executable).parent}")


@pytest.mark.skipif(TOWNCRIER is None, reason="towncrier comes with `make changelog` or `make docs`")
def test_they_render_and_a_release_takes_them_away(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "changelog.d")
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / "changelog.d" / "7.fixed.md").write_text("A fault is mended.\n")
    build = [str(TOWNCRIER), "build", "--yes", "--version", "9.9.9", "--date", "2026-12-01"]
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    text = (tmp_path / "CHANGELOG.md").read_text()
    begin = text.index(SETTINGS["start_string"]) + len(SETTINGS["start_string"])
    assert text[begin:].lstrip().startswith("## 9.9.9 (2026-12-01)\n")
    assert "### Fixed\n\n- A fault is mended. (#7)\n" in text
    assert "## Before there were fragments" in text[begin:]
    assert [each.name for each in (tmp_path / "changelog.d").iterdir()] == ["README.md"]
