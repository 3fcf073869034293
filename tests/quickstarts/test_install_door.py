"""docs/install.md, word by word, in a clone; and what README says of installing is what that page says."""

import shutil
import sys
from pathlib import Path

import pytest

from quickstarts.clone import ROOT, clone
from quickstarts.follow import Command, follow, read_page

PAGE = ROOT / "docs" / "install.md"


def _line(program: str) -> str:
    """The one command of the page that is of this program."""
    commands = [step.text for step in read_page(PAGE) if isinstance(step, Command)]
    [line] = [text for text in commands if text.startswith(f"{program} ")]
    return line


def _path(folder: Path) -> Path:
    """A folder with durameter, as if pip had installed it, and `uvx`, which some systems leave out beside `uv`."""
    folder.mkdir()
    (folder / "durameter").symlink_to(Path(sys.executable).with_name("durameter"))
    if shutil.which("uvx") is None:
        (folder / "uvx").write_text('#!/bin/sh\nexec uv tool run "$@"\n')
        (folder / "uvx").chmod(0o755)
    return folder


@pytest.mark.slow  # uv resolves, builds and installs
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_the_page(tmp_path: Path) -> None:
    """Here uvx installs; that pip does, into a fresh environment too, is followed in test_python_door.py."""
    instead = {_line("pip"): "echo Successfully installed durameter"}
    folder = clone(tmp_path / "durameter")
    follow(PAGE, folder, path=_path(tmp_path / "bin"), instead=instead, seconds=800)


def test_readme_has_the_lines_of_the_page() -> None:
    readme = (ROOT / "README.md").read_text()
    for program in ("pip", "uvx"):
        assert f"\n{_line(program).removesuffix(' --version')} " in readme
