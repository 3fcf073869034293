"""The quick start of the fourth door, tests and CI, followed word by word."""

from pathlib import Path

import pytest

from quickstarts.follow import Command, follow, read_page

PAGE = Path(__file__).parents[2] / "docs" / "ci.md"


@pytest.mark.servers
def test_the_page_is_followed(tmp_path: Path) -> None:
    """Durameter and pytest are installed here; that pip installs them is followed in test_python_door.py."""
    [install] = [step.text for step in read_page(PAGE) if isinstance(step, Command) and step.text.startswith("pip ")]
    instead = {install: "echo Successfully installed durameter pytest"}
    follow(PAGE, tmp_path / "here" / "durameter", instead=instead)
