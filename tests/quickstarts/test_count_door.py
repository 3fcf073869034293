"""docs/count.md, word by word: histories of a dev server of the reader's own, written by the CLI and counted."""

from decimal import Decimal
from pathlib import Path

import pytest

from durameter import read_result
from quickstarts.follow import follow

PAGE = Path(__file__).parents[2] / "docs" / "count.md"


@pytest.mark.servers
def test_the_page(tmp_path: Path) -> None:
    follow(PAGE, tmp_path / "reader")
    (folder,) = (tmp_path / "reader" / "durameter-results").iterdir()
    (engine,) = read_result(folder).measurement.engines
    # A start, two activities, a timer and two for the child: 6 each.
    assert [(task.task, task.type, task.units, len(task.runs)) for task in engine.tasks] == [
        ("order-1", "Order", Decimal(6), 2),
        ("order-2", "Order", Decimal(6), 2),
    ]
    (guessed,) = read_result(tmp_path / "reader" / "guessed").measurement.engines
    # Three queries for each of two tasks, half a heartbeat for each of four activities.
    assert [each.units for each in guessed.estimates] == [6, 2]
    assert guessed.tasks == engine.tasks
