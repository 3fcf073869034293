"""`durameter project` on a result that was measured on real servers."""

import json
from pathlib import Path

import jsonschema
import pytest
import typer
from typer.testing import CliRunner

from durameter.cli.project import project
from durameter.cost.projection import Projection
from durameter.cost.projection.records import json_schema
from durameter.errors import DurameterError

AGREEING = Path(__file__).parents[2] / "cli/results/agreeing"


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(project)
    return app


def call(command: typer.Typer, *words: str) -> str:
    done = CliRunner().invoke(
        command, [str(AGREEING), "--draws", "500", *words], env={"COLUMNS": "160", "NO_COLOR": "1"}
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_json_is_the_projection_and_fits_its_schema(command: typer.Typer) -> None:
    text = call(command, "--volume", "1M/month", "--json")
    jsonschema.validate(json.loads(text), json_schema())
    found = Projection.model_validate_json(text)
    assert found.schema_version == 1
    assert {each.engine: each.tasks for each in found.engines} == {"temporal": 3, "inngest": 3}
    # By hand from measurement.json: 22 + 42 + 42 Actions and 28 + 42 + 41 executions in 3 tasks.
    middle = {each.engine: float(each.readings[0].units_per_task.p50) for each in found.engines}
    assert middle["temporal"] == pytest.approx(106 / 3, rel=0.03)
    assert middle["inngest"] == pytest.approx(111 / 3, rel=0.03)
    assert [reading.reading for reading in found.engines[1].readings] == ["documented", "upper"]
    assert found.headline == "3 tasks: too few to be sure."


def test_the_names_of_the_record_are_stable() -> None:
    """Others read them: a change here is a change of `schema_version`."""
    assert sorted(json_schema()["properties"]) == [
        "assumptions",
        "cheaper",
        "crossovers",
        "draws",
        "engines",
        "growth",
        "headline",
        "measured",
        "measurement",
        "mix",
        "not_covered",
        "schema_version",
        "seed",
        "sensitivities",
        "trusted",
        "volume",
        "workload",
    ]
    assert sorted(json_schema()["$defs"]["ReadingProjection"]["properties"]) == [
        "dollars",
        "dollars_next_task",
        "dollars_per_task",
        "plan",
        "plans",
        "reading",
        "units",
        "units_per_task",
        "why_none",
    ]


# Where Developer and Business cross: a task has 35 1/3 Actions, and 137,667 bytes of history for 720 h, 0.09912 GBh. On
# Developer that is 1.1 x (35.3333 x 0.00005 + 0.09912 x 0.00105) = $0.00205783. On Business, with 70,916 GBh among
# the 74,400 included and 25,279,288 Actions: 250 + 225 + 400 + 2.779288 x 35 + 500 = $1,472.28 = 715,452 x 0.00205783.
@pytest.mark.parametrize("form", [(), ("--markdown",)])
def test_both_forms_say_the_same_things(command: typer.Typer, form: tuple[str, ...]) -> None:
    text = " ".join(call(command, "--volume", "1M", "--growth", "5%/month", "--months", "2", *form).split())
    for words in (
        "3 tasks: too few to be sure.",
        "1,000,000 tasks a month",
        "temporal-2026-09-17, checked 2026-11-23",
        "in force on the day of the measurement",
        "not priced: annual fee, ask Temporal's sales",
        "month by month",
        "twice as many retries",
        "step_retries billed",
        "Developer is cheaper up to 715,452 tasks a month (25,279,288 actions)",
        "seats: how much is not known",
        "no scenario was measured for this result",
    ):
        assert words in text


def test_a_slower_model_keeps_more_steps_at_work(command: typer.Typer) -> None:
    """Little's law: 1 M tasks in 730.5 h are 0.38026 a second, each at work for 90 s: 34.2 on average."""
    text = " ".join(call(command, "--volume", "1M", "--step-seconds", "90", "--markdown").split())
    assert "34.2 on average" in text
    assert "34.2 on average" not in " ".join(call(command, "--volume", "1M", "--markdown").split())


def test_wrong_words_are_usage_errors(command: typer.Typer) -> None:
    for words in (
        ["--volume", "0"],
        ["--mix", "nothing.csv"],
        ["--growth", "fast"],
        ["--retention-days", "many"],
        ["--retention-days", "100"],
        ["--day-shape", "moon"],
        ["--json", "--markdown"],
        ["--against", str(AGREEING.with_name("nowhere"))],
    ):
        with pytest.raises(DurameterError) as raised:
            call(command, *words)
        assert raised.value.exit_code == 2, words
