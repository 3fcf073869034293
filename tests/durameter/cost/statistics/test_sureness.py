"""What a report says of how sure its means are, in every format."""

from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from durameter import Result, read_result
from durameter.cost.prices import load_books
from durameter.cost.prices.books import Pricing
from durameter.cost.statistics import mean_interval
from durameter.report import Report, build_report
from durameter.report.measurement_document import report_document
from durameter.report.measurement_words import comparison
from durameter.report.render_markdown import markdown
from durameter.report.render_terminal import show
from durameter.results.model import Reached, Stopping

AGREEING = Path(__file__).parents[2] / "cli" / "results" / "agreeing"
"""Three tasks: 22, 42 and 42 Actions; 28, 41 and 42 executions, 30, 44 and 46 if the open question counts."""


def changed(**of_tasks: Any) -> Result:
    """The stored result, with the first task's fields changed on both engines."""
    result = read_result(AGREEING)
    engines = tuple(
        each.model_copy(update={"tasks": (each.tasks[0].model_copy(update=of_tasks), *each.tasks[1:])})
        for each in result.measurement.engines
    )
    return Result(result.folder, result.measurement.model_copy(update={"engines": engines}), result.ledger)


def report_of(result: Result) -> Report:
    return build_report(result, volume=Decimal(1000), pricing=Pricing(books=load_books(None)))


def rows(report: Report) -> dict[str, list[str]]:
    return dict(reversed(comparison(report)))  # of two rows with one label, the first


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(read_result(AGREEING))


def test_both_readings_have_an_interval(report: Report) -> None:
    result = read_result(AGREEING)
    for found, engine in zip(report.engines, result.measurement.engines, strict=True):
        assert found.certainty is not None
        assert found.certainty.mean == mean_interval([task.units for task in engine.tasks])
        assert found.per_task is not None
        assert found.certainty.mean.mean == pytest.approx(float(found.per_task.mean))
    temporal, inngest = report.engines
    assert temporal.certainty_upper is None  # no open question
    assert inngest.certainty_upper is not None
    assert inngest.certainty_upper.mean == mean_interval(
        [task.units_upper for task in result.measurement.engines[1].tasks]
    )


def test_every_format_shows_it(report: Report) -> None:
    """22, 42, 42: mean 35.33, s.e. 6.667, t * s.e. / mean = 0.8118: 35.33 / 2.252 and * 2.252; sinh 0.8118 = 0.904."""
    shown = StringIO()
    show(report_document(report), Console(file=shown, width=120))
    for text in (markdown(report_document(report)), shown.getvalue()):
        assert "mean, 95 % interval" in text
        assert "15.7–79.6 (±90 %)" in text
        assert "further tasks for ±10 % / ±5 %" in text
        assert "temporal: the interval of the mean rests on 3 tasks, fewer than it is tested for" in text
        assert "how sure the mean is" not in text
    assert Report.model_validate_json(report.model_dump_json()).engines[0].certainty == report.engines[0].certainty


def test_clusters_are_heeded() -> None:
    result = read_result(AGREEING)
    tasks = result.measurement.engines[0].tasks
    twice = tuple(
        task.model_copy(update={"task": f"{task.task}-{trial}", "cluster": task.task})
        for task in tasks
        for trial in "ab"
    )
    engine = result.measurement.engines[0].model_copy(update={"tasks": twice})
    measurement = result.measurement.model_copy(update={"engines": (engine,)})
    (found,) = report_of(Result(result.folder, measurement, result.ledger)).engines
    assert found.certainty is not None
    assert (found.certainty.mean.n, found.certainty.mean.clusters) == (6, 3)
    assert found.certainty.mean.method == "clustered t on log mean"


def test_tasks_that_are_left_out_are_said() -> None:
    timed_out = report_of(changed(state="timed_out", error="not done after 1 s"))
    assert any("leave out 1 task that failed or timed out" in line for line in timed_out.warnings)
    assert rows(timed_out)["mean, 95 % interval"][0] == "exactly 42"  # the two that are left
    stopped = report_of(changed(state="interrupted", error="the measurement was stopped"))
    assert any("short tasks end first" in line for line in stopped.warnings)


def test_a_single_task_has_no_interval() -> None:
    result = read_result(AGREEING)
    engines = tuple(each.model_copy(update={"tasks": each.tasks[:1]}) for each in result.measurement.engines)
    measurement = result.measurement.model_copy(update={"engines": engines})
    found = report_of(Result(result.folder, measurement, result.ledger))
    table = rows(found)
    assert table["mean, 95 % interval"] == ["none", "none"]
    assert table["one further task, 95 % interval"] == ["none", "none"]
    assert table["further tasks for ±10 % / ±5 %"] == ["– / –", "– / –"]
    assert "temporal: no interval of the mean: one task has no spread" in found.warnings


def test_a_rule_that_was_not_met_is_said() -> None:
    result = read_result(AGREEING)
    temporal = Reached(engine="temporal", variant="update", reached=True, batches=(3,), half_width=0.09)
    inngest = Reached(
        engine="inngest", variant="run_per_message", reached=False, batches=(3, 2), half_width=0.12, why="the cap"
    )
    rule = Stopping(rule="…", relative=0.1, level=0.95, first=3, cap=5, engines=(temporal, inngest))
    measurement = result.measurement.model_copy(update={"stopping": rule, "task_count": 5})
    report = report_of(Result(result.folder, measurement, result.ledger))
    table = rows(report)
    assert table["until ±10 %, at most 5 tasks"] == ["reached with 3 tasks (±9 %)", "NOT reached with 5 tasks (±12 %)"]
    assert table["tasks"] == ["3 completed", "3 completed of 5"]
    assert report.warnings[:2] == (
        "inngest: ±10 % was not reached: the cap",
        "the engines have different numbers of tasks (temporal 3, inngest 5); the first 3 are the same",
    )
