"""docs/install.md, word by word, in a clone; and what README says of installing is what that page says."""

import shutil
import sys
from pathlib import Path

import pytest

from quickstarts.clone import ROOT, clone
from quickstarts.follow import follow

PAGE = ROOT / "docs" / "install.md"


def _path(folder: Path) -> Path:
    """A folder with durameter, as if pip had installed it, and `uvx`, which some systems leave out beside `uv`."""
    folder.mkdir()
    (folder / "durameter").symlink_to(Path(sys.executable).with_name("durameter"))
    if shutil.which("uvx") is None:
        (folder / "uvx").write_text('#!/bin/sh\nexec uv tool run "$@"\n')
        (folder / "uvx").chmod(0o755)
    return folder


@pytest.mark.servers  # none, but it takes as long: uv resolves, builds and installs
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_the_page(tmp_path: Path) -> None:
    """Here uvx installs; that pip does, into a fresh environment too, is followed in test_python_door.py."""
    instead = {"pip install .": "echo Successfully installed durameter"}
    folder = clone(tmp_path / "durameter")
    follow(PAGE, folder, path=_path(tmp_path / "bin"), instead=instead, seconds=800)


def test_readme_has_the_lines_of_the_page() -> None:
    page, readme = PAGE.read_text(), (ROOT / "README.md").read_text()
    for line in ("pip install .", "uvx --from . durameter"):
        assert f"$ {line}" in page
        assert f"\n{line} " in readme
