"""The quick start of `durameter watch --engine inngest`, followed word by word."""

import tempfile
from pathlib import Path

import pytest
from filelock import FileLock
from follow import follow

PAGE = Path(__file__).parents[2] / "docs" / "watch-inngest.md"


@pytest.mark.servers
def test_watch_inngest_page(tmp_path: Path) -> None:
    with FileLock(Path(tempfile.gettempdir()) / "durameter-usual-ports.lock", timeout=600):  # it serves on 8000
        first, second = follow(PAGE, tmp_path / "reader")
    assert first.status == second.status == 0
    assert "inngest bob completed in " in second.printed
    assert (tmp_path / "reader" / "counted.json").read_text().startswith("{")
