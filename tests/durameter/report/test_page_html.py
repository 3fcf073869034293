"""The page as text: complete, well-formed, self-contained, escaped, the same each time."""

import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from page_samples import BOOKS, VOLUME, profile, projection, report, result

from durameter.cost.prices import money
from durameter.cost.profile import fit_profile
from durameter.cost.projection import Ask, project
from durameter.errors import UsageError
from durameter.formatting import count
from durameter.report.measurement import Report
from durameter.report.measurement_words import comparison
from durameter.report.render_html import (
    MOST_BYTES,
    check_writable,
    page_html,
    write_page,
)
from durameter.results.folder import Result

pytestmark = pytest.mark.long

HOSTILE = "</script><img src=x onerror=alert(1)>"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, the text outside of data and style, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.data: dict[str, str] = {}
        self.open: list[str] = []
        self._script = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self._script = dict(attrs).get("id") or ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.data[self._script] = self.data.get(self._script, "") + data
        elif not self.open or self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def full(found: Result | None = None, shown: Report | None = None) -> str:
    found = found or result()
    profiles = [profile(), profile("inngest", exact=False)]
    return page_html(shown or report(found), profiles, projection(), engines=found.measurement.engines, books=BOOKS)


def svg(picture: str) -> ElementTree.Element:
    """Raises where it is not well-formed."""
    return ElementTree.fromstring(picture)  # noqa: S314 - a page that this test made


def pictures_of(text: str) -> list[str]:
    return re.findall(r"<svg.*?</svg>", text, re.DOTALL)


@pytest.fixture(scope="module")
def text() -> str:
    return full()


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def renamed(found: Result, name: str, count_of: int = 3) -> Result:
    """The same result with a hostile workload, variant, kind and task; `count_of` tasks per engine."""
    content = found.measurement.model_dump(mode="json")
    content["workload"] = name
    for engine in content["engines"]:
        engine["variant"] = name
        several = [task for position in range(count_of) for task in engine["tasks"][position % 3 : position % 3 + 1]]
        engine["tasks"] = [
            {
                **task,
                "covariates": {"model_calls": n + 1},
                "task": f"{name}{n}",
                "state": "failed" if n % 3 == 0 else "completed",
                "error": name,
            }
            for n, task in enumerate(several)
        ]
        for check in engine["reconciliations"]:
            check["notes"] = [name]
            for line in check["lines"]:
                line["kind"] = name if line["kind"] == "schedule_activity" else line["kind"]
                del line["unexplained"]
    measurement = type(found.measurement).model_validate(content)
    units = [
        unit.model_copy(update={"task": f"{name}{n}", "kind": name if unit.kind == "schedule_activity" else unit.kind})
        for unit in found.ledger
        for n in range(count_of)
        if unit.task == f"conversation-{n % 3 + 1:04}"
    ]
    return Result(found.folder, measurement, units)


def test_it_is_well_formed(text: str, page: Page) -> None:
    assert text.startswith("<!doctype html>\n")
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    pictures = pictures_of(text)
    assert len(pictures) == 2 + 2 + 1 + 2 + 2  # kinds, turns, both engines, plans by cost, plans by volume
    for picture in pictures:
        svg(picture)


def test_nothing_is_asked_of_any_server(text: str, page: Page) -> None:
    assert not {"link", "img", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "data", "poster", "action", "srcset"):
            assert attributes.get(name, "#").startswith("#"), (tag, attributes)
    outside_data = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert re.findall(r"url\((?!#)", outside_data) == []
    assert "@import" not in outside_data
    assert not re.search(r'="\s*(https?:)?//', outside_data)


def test_nothing_runs(page: Page) -> None:
    assert {attributes["type"] for tag, attributes in page.elements if tag == "script"} == {"application/json"}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_two_renders_are_equal(text: str) -> None:
    assert full() == text


def test_every_figure_of_the_comparison_is_on_it(page: Page) -> None:
    for label, cells in comparison(report()):
        assert label in page.words
        for cell in cells:
            assert " ".join(cell.split()) in page.words


def test_breakdowns_are_the_reports(page: Page) -> None:
    for engine in report().engines:
        for line in (*engine.kinds, *engine.causes):
            assert f"{line.name} {count(line.documented.mean)}" in re.sub(r"\s+", " ", page.words)


def test_the_verdict_comes_first_with_dollars_and_plans(page: Page) -> None:
    # By the price sheet: 37 M executions on Pro are $99 + 4 M x $50 + 10 M x $25 + 22 M x $20 per M = $989.
    assert "At 1,000,000 tasks a month: inngest $989.00 on Pro, temporal $1,823.00 on Business." in page.words
    assert "inngest is the cheaper one in every draw." in page.words
    assert page.words.index("Independent sources agree") < page.words.index("Side by side")


def test_what_a_reader_must_know_is_there(page: Page) -> None:
    found = projection()
    shown = report()
    lines = [*found.assumptions, *found.not_covered, *shown.not_covered, *shown.warnings]
    lines += [found.crossovers[0].words, found.sensitivities[0].what, found.engines[0].scenarios[0].description]
    lines += [*found.engines[0].near, *found.engines[0].assumptions, found.engines[0].capacity[0].value]
    lines += [profile().warnings[0], "temporal-2026-09-17", "does not fit: the plan pauses at 50,000"]
    for book in (engine.book for engine in found.engines if engine.book):
        lines += [str(book.checked), *(source.document for source in book.sources)]
    for line in lines:
        assert " ".join(line.split()) in page.words


def test_the_data_is_the_records(page: Page) -> None:
    data = {name: json.loads(content) for name, content in page.data.items()}
    assert Report.model_validate(data["data-report"]) == report()
    assert data["data-projection"] == projection().model_dump(mode="json")
    assert data["data-profiles"][1]["engine"] == "inngest"
    assert [task["units"] for task in data["data-tasks"][0]["tasks"]] == [
        str(task.units) for task in result().measurement.engines[0].tasks
    ]


def test_without_a_profile_and_a_projection_it_says_what_is_missing() -> None:
    page = Page(page_html(report()))
    assert [tag for tag, _ in page.elements].count("svg") == 2  # kinds alone are in the report
    assert "There is no plot of units against turns: the tasks themselves are not at hand." in page.words
    assert "There is no profile: what one more turn, tool call or message costs is not said here." in page.words
    assert "There is no plot of cost against volume and of plans: durameter project makes the figures" in page.words
    assert set(page.data) == {"data-report"}
    # Temporal: 35 1/3 M Actions, 32.83 M beyond the included: 250 + 225 + 400 + 12.83 x 35 = 1,324.17, fee 500; history
    # (44,264 + 203,976 + 164,761) / 3 bytes x 1 M x 720 h = 99,120.24 GBh, 24,720.24 beyond 74,400, x 0.00105 = 25.96.
    # Inngest: 37 M (or 40 M): 99 + 4 x 50 + 10 x 25 + 22 x 20 (25 x 20) = 989 (1,049); 7 M events, 2 beyond 5, x 0.50.
    assert (
        "At 1,000,000 tasks a month: temporal $1,850.12 on Business and inngest $990.00 to $1,050.00 on Pro."
        in page.words
    )


def test_a_count_that_is_not_proved_has_no_dollars() -> None:
    shown = report()
    first = shown.engines[0]
    differs = first.reconciliations[0].model_copy(update={"state": "differs"})
    doubted = first.model_copy(update={"reconciliations": (differs,)})
    page = Page(
        page_html(shown.model_copy(update={"engines": (doubted, shown.engines[1]), "verdict": "Do not believe"}))
    )
    verdict = next(attributes for _, attributes in page.elements if attributes.get("id") == "verdict")
    assert verdict["class"] == "verdict doubt"
    assert "no dollars" in page.words
    assert "the count is not proved" in page.words
    assert "$1,824.17" not in page.words


def test_what_the_verdict_says_is_said_once_at_the_top() -> None:
    doubt = "Counted, but not proved: an independent source is missing."
    found = projection().model_copy(update={"trusted": False, "headline": f"{doubt} 2 tasks: too few to be sure."})
    page = Page(page_html(report().model_copy(update={"verdict": doubt}), projection=found))
    top = page.words.partition("Side by side")[0]
    assert top.count(doubt) == 1
    assert "2 tasks: too few to be sure." in top


def test_a_real_profile_and_projection() -> None:
    found = result()
    engines = found.measurement.engines
    profiles = [fit_profile(each, [unit for unit in found.ledger if unit.engine == each.engine]) for each in engines]
    projected = project(found, Ask(volume=VOLUME, draws=500), BOOKS)
    page = Page(page_html(report(found), profiles, projected, engines=engines, books=BOOKS))
    for engine in projected.engines:
        chosen = engine.reading("documented")
        assert chosen is not None and chosen.dollars is not None and chosen.chosen is not None
        assert f"{engine.engine} {money(chosen.dollars.p50)} on {chosen.chosen.name}" in page.words
        for plan in chosen.plans:
            if plan.dollars is not None:
                assert f"{money(plan.dollars.p5)} {money(plan.dollars.p50)} {money(plan.dollars.p95)}" in page.words
    for crossover in projected.crossovers:
        assert crossover.words in page.words


def test_an_engine_that_is_missing_has_a_card_that_says_so() -> None:
    shown = report()
    missing = {"state": "missing", "problem": "no server", "per_task": None, "kinds": (), "causes": (), "month": None}
    gone = shown.engines[1].model_copy(
        update={**missing, "month_upper": None, "month_lower": None, "per_task_upper": None, "reconciliations": ()}
    )
    page = Page(page_html(shown.model_copy(update={"engines": (shown.engines[0], gone)})))
    assert "inngest: no server" in page.words
    assert "no dollars no server" in page.words


def test_an_empty_measurement_is_said() -> None:
    page = Page(page_html(report().model_copy(update={"engines": (), "verdict": "Nothing was measured."})))
    assert "Nothing was measured." in page.words
    assert "There is no plot of kinds: no units were counted." in page.words


@pytest.mark.parametrize("name", [HOSTILE, "$x$ & <b>", "{{ 7 * 7 }}", "]]> <!-- '\""])
def test_hostile_names_are_only_text(name: str) -> None:
    found = renamed(result(), name)
    text = full(found, report(found))
    page = Page(text)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"img", "b"}
    assert page.open == []
    assert json.loads(page.data["data-report"])["workload"] == name
    assert " ".join(name.split()) in page.words
    pictures = [svg(picture) for picture in pictures_of(text)]
    kinds = next(picture for picture in pictures if picture.attrib["aria-labelledby"].startswith("kinds-1"))
    words = [element.text for element in kinds.iter("text")]
    assert (name if len(name) <= 24 else f"{name[:23]}…") in words


def test_120_tasks_stay_under_the_size() -> None:
    found = renamed(result(), "conversation-with-a-long-name-" * 8, 120)
    text = full(found, report(found))
    assert len(text.encode()) < MOST_BYTES
    assert len(json.loads(Page(text).data["data-report"])["engines"][0]["troubles"]) == 40


def test_what_does_not_fit_is_left_out_and_said() -> None:
    # 900 tasks, of which every third failed with an error of 2,500 characters: the report alone is above 750 kB.
    found = renamed(result(), "long " * 500, 900)
    text = full(found, report(found))
    page = Page(text)
    assert len(text.encode()) < MOST_BYTES
    assert "data-report" not in page.data
    assert "Drawn are 300 of 600 tasks." in page.words  # every second of 600 different ones, below 400
    assert "There was no room for report" in page.words


@pytest.mark.parametrize("volume", [Decimal(1), Decimal("0.5"), Decimal(10) ** 11])
def test_any_volume_has_a_page(volume: Decimal) -> None:
    found = result()
    shown = report(found, volume)
    page = Page(page_html(shown, [profile()], projection(volume), engines=found.measurement.engines, books=BOOKS))
    assert page.open == []


def test_no_engine_with_a_price_has_no_plot_of_dollars() -> None:
    def unpriced(engine: Any) -> Any:
        points = tuple(p.model_copy(update={"plans": dict.fromkeys(p.plans), "plan": ""}) for p in engine.curve)
        return engine.model_copy(update={"curve": points})

    found = projection()
    found = found.model_copy(update={"engines": tuple(unpriced(engine) for engine in found.engines)})
    page = Page(page_html(report(), (), found))
    assert "There is no plot of cost against volume: no engine has a price at any volume." in page.words


def test_it_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    write_page(path, report())
    assert path.read_text(encoding="utf-8") == page_html(report())
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"The folder .*/none does not exist. Make it, or choose another file"):
        write_page(tmp_path / "none" / "page.html", report())


def test_without_the_extra_it_is_said_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("durameter.report.render_html.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs matplotlib, .* Run: pip install 'durameter\[page\]'"):
        check_writable(tmp_path / "page.html")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a folder. Name a file, such as --html .*/report.html"):
        check_writable(tmp_path)


def test_what_cannot_be_written_says_why(tmp_path: Path) -> None:
    (tmp_path / "page.html.part").mkdir()
    with pytest.raises(UsageError, match=r"page.html cannot be written: Is a directory. Choose another file"):
        write_page(tmp_path / "page.html", report())
