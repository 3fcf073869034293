"""Every kind of output in every form, word by word, where no test of a command has it already as a golden file.

`report`, `profile`, `project`, `check` and `diff` of a plain result have theirs in `test_outputs.py`,
`test_check_command.py` and `test_diff_command.py`, the rulebooks in `docs/rules-*.md`. Here are the rest: prices, rules
on the terminal, conformance, scenarios, the page, and the parts that a plain result does not have.
"""

import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from page_samples import AGREEING, BOOKS, profile, projection, report, result
from rich.console import Console
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from typer.testing import CliRunner

from durameter.cli.check import check
from durameter.cli.prices import prices
from durameter.cli.profile import profile as profile_command
from durameter.cli.project import project
from durameter.cli.report import report as report_command
from durameter.cli.rules import rules
from durameter.cli.scenarios import scenarios
from durameter.conformance import Outcome
from durameter.cost.prices.books import Pricing
from durameter.cost.scenarios.effect import Extra, Reading, ScenarioEffect
from durameter.cost.scenarios.effects import Effects
from durameter.cost.statistics.differences import of_pairs
from durameter.gates.diff import Change, Diff
from durameter.gates.diff import diff as difference
from durameter.report.conformance import conformance_document
from durameter.report.diff import diff_document
from durameter.report.document import Document
from durameter.report.measurement import Report
from durameter.report.measurement_document import report_document
from durameter.report.render_html import page_html
from durameter.report.render_markdown import markdown
from durameter.report.render_terminal import show
from durameter.report.scenarios import effects_document
from durameter.results.folder import read_result
from durameter.results.model import Reached, Stopping
from durameter.workload import Scenario

FORMS = pytest.mark.parametrize("form", ["terminal", "markdown"])


class Golden(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Golden)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("durameter.cli.prices.today", lambda: date(2026, 11, 30))


def call(command: Callable[..., Any], *words: str | Path, form: str = "terminal", status: int = 0) -> str:
    """What a command prints on standard output."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    form_words = [] if form == "terminal" else [f"--{form}"]
    done = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1"}).invoke(app, [*map(str, words), *form_words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == status, done.output
    return done.stdout


def rendered(document: Document, form: str = "terminal") -> str:
    """What is shown on a terminal of 100 columns, or as Markdown."""
    if form == "markdown":
        return markdown(document)
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        show(document, console)
    return capture.get()


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of the stored result with another measurement."""
    shutil.copytree(AGREEING, folder)
    file = folder / "measurement.json"
    measurement = json.loads(file.read_text())
    change(measurement)
    file.write_text(json.dumps(measurement))
    return folder


@FORMS
def test_price_list(golden: SnapshotAssertion, form: str) -> None:
    assert call(prices, form=form) == golden


@FORMS
@pytest.mark.parametrize("book", [each.id for each in BOOKS])
def test_price_book(golden: SnapshotAssertion, book: str, form: str) -> None:
    assert call(prices, "--book", book, form=form) == golden


@FORMS
def test_several_price_books(golden: SnapshotAssertion, form: str) -> None:
    assert call(prices, "--on", "2026-10-01", form=form) == golden


@FORMS
def test_price_check(golden: SnapshotAssertion, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durameter.cli.prices.today", lambda: date(2027, 4, 1))
    assert call(prices, "--check", form=form, status=1) == golden


@pytest.mark.parametrize("engine", ["temporal", "inngest"])
def test_rules(golden: SnapshotAssertion, engine: str) -> None:
    assert call(rules, engine) == golden


@FORMS
@pytest.mark.parametrize("good", [True, False])
def test_conformance(golden: SnapshotAssertion, good: bool, form: str) -> None:
    one = Decimal(1)
    outcomes = [
        Outcome(name="wrong", state="unexplained", counted={"start": one}, wrong=("counted 1, not 2", "no gap")),
        Outcome(name="broken", state="failed", why="the worker | did not start"),
        Outcome(name="empty", state="pass", counted={"start": one}, second_read={"StartWorkflow": one}),
        Outcome(
            name="patched",
            state="explained",
            counted={"start": one, "marker": Decimal(2)},
            open_counted={"upsert": one},
            second_read={"StartWorkflow": Decimal(6)},
            differences_found={"upsert_by_patch": Decimal(2)},
            system={"visibility": one},
        ),
        Outcome(name="new", state="skipped", why="the server does not offer it"),
    ]
    shown = [each for each in outcomes if each.good or not good]
    assert rendered(conformance_document("engine", shown, second="meter"), form) == golden


def effect(name: str, engine: str, *, extrapolated: bool = False, lower: float = 3.0) -> ScenarioEffect:
    readings: dict[Reading, Extra] = {
        "documented": Extra(extra_mean=3, extra_error=0.5),
        "upper": Extra(extra_mean=4.25, extra_error=None, low=3.5, high=5),
        "lower": Extra(extra_mean=lower, extra_error=0.5),
    }
    return ScenarioEffect(
        name=name,
        engine=engine,
        variant="plain",
        unit="step",
        description="as ever",
        readings=readings,
        n=30,
        clusters=10,
        extrapolated=extrapolated,
        measured={**readings, "documented": Extra(extra_mean=2, extra_error=0)},
        default_share=0.01,
        why="a guess",
        notes=("2 pairs were left out: " + "one of the two did not complete as it should have, " * 3,),
    )


@pytest.mark.parametrize("case", ["plain", "lower", "none"])
def test_effects_of_scenarios(golden: SnapshotAssertion, case: str) -> None:
    several = {
        "plain": Effects((effect("storm", "one"), effect("outage", "other", extrapolated=True)), ()),
        "lower": Effects((effect("storm", "one", lower=1),), ("crash, other: no task was hit",)),
        "none": Effects((), ("storm, one: its tasks did not complete",)),
    }
    assert rendered(effects_document(several[case])) == golden


def storm(folder: Path) -> Path:
    """The stored result, with itself as its own bad day."""
    shutil.copytree(AGREEING, folder)
    shutil.copytree(AGREEING, folder / "scenarios" / "rate_limit_storm")
    declared = Scenario(name="rate_limit_storm", description="as ever", default_share=0.5, why="half of them")
    (folder / "scenarios" / "rate_limit_storm" / "scenario.json").write_text(declared.model_dump_json())
    return folder


def test_offer_of_scenarios(golden: SnapshotAssertion, tmp_path: Path) -> None:
    assert call(scenarios, storm(tmp_path / "result"), "--list") == golden


@FORMS
def test_projection_with_growth_and_scenarios(golden: SnapshotAssertion, tmp_path: Path, form: str) -> None:
    words = ("--volume", "30M", "--growth", "5%/month", "--months", "3", "--draws", "500")
    found = call(project, storm(tmp_path / "result"), *words, "--scenario", "rate_limit_storm=2%", form=form)
    assert found == golden


@FORMS
def test_projection_of_what_is_not_proved(golden: SnapshotAssertion, tmp_path: Path, form: str) -> None:
    folder = changed(tmp_path / "result", doubted)
    assert call(project, folder, "--draws", "500", form=form) == golden


def doubted(measurement: dict[str, Any]) -> None:
    """The first engine's sources differ, and the second one has too few tasks."""
    first, second = measurement["engines"]
    first["reconciliations"][0]["state"] = "differs"
    first["reconciliations"][0]["lines"].append({"kind": "query_workflow", "ours": "0", "other": "2"})
    second["tasks"] = second["tasks"][:1]


@FORMS
def test_profile_of_what_is_not_proved(golden: SnapshotAssertion, tmp_path: Path, form: str) -> None:
    folder = changed(tmp_path / "result", doubted)
    assert call(profile_command, folder, form=form, status=4) == golden


@FORMS
def test_report_of_what_went_wrong(golden: SnapshotAssertion, tmp_path: Path, form: str) -> None:
    def wrong(measurement: dict[str, Any]) -> None:
        doubted(measurement)
        first, second = measurement["engines"]
        first["tasks"][1] |= {"state": "failed", "error": "refused | by <the> model\nat once"}
        gap = {"engine": second["engine"], "task": second["tasks"][0]["task"], "run": "7"}
        second["tasks"][0]["gaps"] = [gap | {"what": "a run is missing", "evidence": "run 7"}]

    changed(tmp_path / "result", wrong)
    assert call(report_command, "result", form=form, status=4) == golden


def long_report() -> Report:
    """With many causes, a stopping rule, and open questions by type."""
    found = report()
    first, second = found.engines
    causes = tuple(first.causes[0].model_copy(update={"name": f"cause_{n}"}) for n in range(15))
    reached = [
        Reached(engine=each.engine, variant=each.variant, reached=n == 1, batches=(3, n), half_width=0.2, why="the cap")
        for n, each in enumerate(found.engines)
    ]
    rule = Stopping(rule="until ±10 %", relative=0.1, level=0.95, first=3, cap=9, engines=tuple(reached))
    return found.model_copy(update={"engines": (first.model_copy(update={"causes": causes}), second), "stopping": rule})


@FORMS
def test_report_that_is_long(golden: SnapshotAssertion, form: str) -> None:
    assert rendered(report_document(long_report()), form) == golden


@FORMS
def test_check_of_what_cannot_be_believed(golden: SnapshotAssertion, tmp_path: Path, form: str) -> None:
    changed(tmp_path / "result", doubted)
    (tmp_path / "durameter.toml").write_text('[budgets.one]\nengine = "temporal"\nunits_per_task = 99\n')
    assert call(check, "result", form=form, status=4) == golden


@FORMS
def test_difference_with_many_parts(golden: SnapshotAssertion, form: str) -> None:
    found = difference(read_result(AGREEING), read_result(AGREEING), volume=Decimal(1000), pricing=Pricing(books=BOOKS))
    assert isinstance(found, Diff)
    first, second = found.engines
    sure = of_pairs([Decimal(1), Decimal(2), Decimal(4)], ["1", "2", "3"])
    parts = tuple(
        Change(
            kind=f"kind_{n % 3}",
            cause=f"cause | {n}",
            base=Decimal(n),
            head=Decimal(2),
            sureness=sure,
            per_month=Decimal(n),
        )
        for n in range(20)
    )
    kinds = parts[:3]
    more = first.model_copy(update={"contributors": parts, "kinds": kinds, "left_out": ("1 task failed",)})
    sides = {side: getattr(found, side).model_copy(update={"folder": side}) for side in ("base", "head")}
    shown = found.model_copy(update={**sides, "engines": (more, second), "cautions": ("mind the gap",)})
    assert rendered(diff_document(shown), form) == golden


@pytest.mark.parametrize("case", ["whole", "bare", "doubted"])
def test_page(golden: SnapshotAssertion, case: str) -> None:
    """The page without its plots, its style and its data."""
    found = result()
    profiles = [profile(), profile("inngest", exact=False)]
    texts = {
        "whole": lambda: page_html(
            report(found), profiles, projection(), engines=found.measurement.engines, books=BOOKS
        ),
        "bare": lambda: page_html(report(found)),
        "doubted": lambda: page_html(long_report(), (), projection().model_copy(update={"trusted": False})),
    }
    text = texts[case]()
    for pattern, left in (
        (r"<svg.*?</svg>", "<svg></svg>"),
        (r"<style>.*?</style>", "<style></style>"),
        (r"(<script[^>]*>).*?</script>", r"\1</script>"),
        (r"Made by durameter \S+", "Made by durameter VERSION"),
    ):
        text = re.sub(pattern, left, text, flags=re.DOTALL)
    assert text == golden
