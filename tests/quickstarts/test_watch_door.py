"""docs/watch.md, word by word."""

import shutil
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from durameter import read_result
from quickstarts.follow import Followed, PageError, follow

PAGE = Path(__file__).parents[2] / "docs" / "watch.md"


def _followed(folder: Path) -> list[Followed]:
    """A Python program may die in its finalization (temporalio/sdk-python issue 300), which `watch` says."""
    for attempt in range(4):
        try:
            return follow(PAGE, folder / "reader")
        except PageError as error:
            if "ended by signal 6" not in str(error) or attempt == 3:
                raise
            shutil.rmtree(folder / "reader")
    raise AssertionError("the last attempt returns or raises")


@pytest.mark.servers
def test_the_page(tmp_path: Path) -> None:
    with FileLock(Path(tempfile.gettempdir()) / "durameter-usual-ports.lock", timeout=600):
        done = _followed(tmp_path)
    assert [each.status for each in done] == [0, 0]
    results = [read_result(each).measurement for each in sorted((tmp_path / "reader" / "durameter-results").iterdir())]
    # Start, timer and activity for each of four workflows; then two of them make a task.
    assert [[task.units for task in each.engines[0].tasks] for each in results] == [[3] * 4, [6] * 2]
