"""docs/quickstart-python.md, word by word: a fresh environment, a clone installed into it, both engines."""

import sys
from pathlib import Path

import pytest

from durameter import read_result
from quickstarts.clone import ROOT, clone
from quickstarts.follow import Command, follow, read_page

PAGE = ROOT / "docs" / "quickstart-python.md"


def test_from_installing_to_both_engines_in_under_ten_commands() -> None:
    commands = [step.text for step in read_page(PAGE) if isinstance(step, Command)]
    counted = [number for number, text in enumerate(commands, 1) if text.startswith("durameter run")]
    assert commands[2].startswith("pip install ")
    assert counted[-1] < 10  # the user's own agent, not only the example


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_page(tmp_path: Path) -> None:
    # `python3` on the PATH may be too old, or another environment's: this Python makes the new environment.
    here = tmp_path / "bin"
    here.mkdir()
    (here / "python3").symlink_to(Path(sys.executable).resolve())
    done = follow(PAGE, clone(tmp_path / "reader" / "durameter"), path=here, seconds=600)
    assert [each.status for each in done] == [0] * len(done)
    results = tmp_path / "reader" / "my_agent" / "durameter-results"
    measured = [read_result(each).measurement for each in sorted(results.iterdir())]
    assert [[engine.engine for engine in each.engines] for each in measured] == [["temporal", "inngest"]] * 2
    # The example costs two units per turn; the reader's own agent a timer and an activity more, or a step more.
    more = [{"temporal": 0, "inngest": 0}, {"temporal": 2, "inngest": 1}]
    for each, by_engine in zip(measured, more, strict=True):
        for engine in each.engines:
            for task in engine.tasks:
                assert task.units == 2 * task.covariates["turns"] + by_engine[engine.engine]
