"""`durameter profile` on a stored real result: three tasks, both engines, whose counts are in tests/durameter/cli."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from durameter.cli.profile import profile
from durameter.cost.profile import Profile
from durameter.errors import UsageError

AGREEING = Path(__file__).parents[2] / "cli" / "results" / "agreeing"
KILLED = AGREEING.with_name("killed")


def said(*words: str) -> Result:
    app = typer.Typer()
    app.command()(profile)
    result = CliRunner().invoke(app, [str(AGREEING), *words], env={"COLUMNS": "120"})
    if isinstance(result.exception, UsageError):
        raise result.exception
    return result


def test_json_is_a_profile_per_engine() -> None:
    result = said("--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    profiles = [Profile.model_validate(each) for each in found["profiles"]]
    assert [each.engine for each in profiles] == ["temporal", "inngest"]
    # 9 retries of 44 model calls (rows of the ledger with attempt 2 or 3); 106 Actions and 111 executions in 3 tasks.
    for each in profiles:
        assert each.retries is not None
        assert (each.retries.seen, each.retries.attempts) == (9, 44)
    assert [each.lines().mean for each in profiles] == [pytest.approx(106 / 3), pytest.approx(37)]
    assert profiles[1].lines("upper").mean == pytest.approx(40)


def test_one_engine_only() -> None:
    found = json.loads(said("--engine", "inngest", "--json").stdout)
    assert [each["engine"] for each in found["profiles"]] == ["inngest"]
    with pytest.raises(UsageError, match=r"has nothing of nowhere\. It has: temporal, inngest"):
        said("--engine", "nowhere")


def test_an_answer_makes_the_upper_reading_the_documented_one() -> None:
    found = json.loads(said("--engine", "inngest", "--answer", "inngest.step_retries=billed", "--json").stdout)
    assert found["answers"] == {"inngest": {"step_retries": "billed"}}
    [one] = [Profile.model_validate(each) for each in found["profiles"]]
    assert one.lines("documented").mean == one.lines("upper").mean == pytest.approx(40)
    assert one.lines("lower").mean == pytest.approx(37)
    assert (one.lines("documented").per_retry, one.lines("lower").per_retry) == (1, 0)


@pytest.mark.parametrize("words", [[], ["--markdown"]])
def test_every_format_says_what_is_exact_what_is_not_and_what_to_do(words: list[str]) -> None:
    text = " ".join(said("--engine", "temporal", *words).stdout.split())
    for what in (
        "1 per user_messages",
        "exact, given retries",
        "9 retries of call_model in 44 first attempts",
        "conversation-0003",
        "measure at least 13",
        "hand_overs was 0 in every task: its marginal is not known",
        "not known",
    ):
        assert what in text


def test_markdown_tables_are_whole() -> None:
    """Every row of a table has as many cells as its head."""
    width = 0
    for line in said("--markdown").stdout.splitlines():
        cells = line.count("|")
        assert not cells or not width or cells == width, line
        width = cells


def test_two_formats_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        said("--json", "--markdown")
