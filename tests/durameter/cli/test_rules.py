"""`durameter rules`: what it prints is what the pages show."""

import json
from pathlib import Path

import pytest
from test_outputs import call

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("engine", ["temporal", "inngest"])
def test_the_page_of_a_rulebook_is_what_the_command_prints(engine: str) -> None:
    done = call("rules", engine, "--markdown")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (DOCS / f"rules-{engine}.md").read_text(), "write it anew: make rules"


@pytest.mark.parametrize("engine", ["temporal", "inngest"])
def test_every_rule_and_question_is_shown(engine: str) -> None:
    book = json.loads(call("rules", engine, "--json").stdout)
    shown = call("rules", engine).stdout
    assert all(rule["id"] in shown for rule in book["rules"])
    assert all(switch["name"] in shown for switch in book["switches"])


def test_a_rulebook_that_is_not_there() -> None:
    done = call("rules", "cadence")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no rulebook for cadence" in done.stderr
