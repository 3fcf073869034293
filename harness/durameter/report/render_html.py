"""A report as one self-contained HTML page."""

from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from durameter.errors import UsageError

if TYPE_CHECKING:  # every command with --html asks `check_writable`; what a page is made of loads with the page
    from durameter.cost.prices import PriceBook
    from durameter.cost.prices.books import Pricing
    from durameter.cost.profile import Profile
    from durameter.cost.projection import Projection
    from durameter.report.measurement import Report
    from durameter.results.folder import Result
    from durameter.results.model import EngineResult

__all__ = [
    "MOST_BYTES",
    "check_writable",
    "page_html",
    "profiles_of",
    "write_page",
    "write_whole_page",
]

MOST_BYTES: Final = 300_000
"""Size of a page: enough to be sent by mail and kept with a build."""


def page_html(
    report: "Report",
    profiles: "Sequence[Profile]" = (),
    projection: "Projection | None" = None,
    *,
    engines: "Sequence[EngineResult]" = (),
    books: "Sequence[PriceBook]" = (),
) -> str:
    """The report as one HTML page: inline SVG, style and JSON, no script to run, no request.

    The same arguments give the same text. What cannot be drawn is left out with a sentence that says why.

    Args:
        report: the figures; all of them are on the page.
        profiles: one per engine and variant, where there are.
        projection: the month at the user's volume; without it there are no plots of dollars.
        engines: the measurement's results by engine, for the dots of single tasks.
        books: price books, for sources and tiers; those that the figures do not use are left out.
    """
    # matplotlib is heavy, and only a page needs it
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from durameter.report.document import Bullets
    from durameter.report.measurement_document import alarms
    from durameter.report.measurement_words import headline
    from durameter.report.page.blocks import html
    from durameter.report.page.captions import paint_all
    from durameter.report.page.embed import embedded
    from durameter.report.page.headline import answer, card
    from durameter.report.page.sections import page_document
    from durameter.results.environment import durameter_version

    environment = Environment(
        loader=PackageLoader("durameter.report", "page"),
        undefined=StrictUndefined,
        autoescape=True,
        keep_trailing_newline=True,
    )
    projected = {(each.engine, each.variant): each for each in projection.engines} if projection else {}
    pictures = paint_all(report, profiles, projection, engines, books)
    wrong = tuple(line for engine in report.engines for line in alarms(engine))
    names: dict[str, Any] = {
        "report": report,
        "projection": projection,
        "css": Markup(files("durameter.report.page").joinpath("page.css").read_text()),  # noqa: S704 - our own file
        "version": durameter_version(),
        "trusted": _trusted(report) and (projection is None or projection.trusted),
        "answers": answer(report, projection),
        "alarms": html([Bullets(wrong, "error")]) if wrong else "",
        "cards": [(each, card(each, projected.get((each.engine, each.variant)))) for each in report.engines],
        "headline": headline(report),
        "body": html(page_document(report, profiles, projection, books, pictures).blocks),
        "most": f"{MOST_BYTES:,}",
    }
    template = environment.get_template("page.html.j2")
    bare = template.render(**names, data={}, left_out=())
    # What the sentence about the data takes is not in the bare page: some room is kept for it.
    room = MOST_BYTES - len(bare.encode()) - 2_000
    data, left_out = embedded(report, profiles, projection, engines, room=room)
    return template.render(**names, data=data, left_out=left_out)


def write_page(
    path: Path,
    report: "Report",
    profiles: "Sequence[Profile]" = (),
    projection: "Projection | None" = None,
    *,
    engines: "Sequence[EngineResult]" = (),
    books: "Sequence[PriceBook]" = (),
) -> None:
    """Write `page_html` to a file, whole or not at all; a page that is there already is replaced.

    Args:
        path: of the file.
        report: as `page_html` takes it.
        profiles: as `page_html` takes them.
        projection: as `page_html` takes it.
        engines: as `page_html` takes them.
        books: as `page_html` takes them.

    Raises:
        UsageError: the folder is missing, the path is a folder, or it cannot be written.
    """
    check_writable(path)
    text = page_html(report, profiles, projection, engines=engines, books=books)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise UsageError(f"{path} cannot be written: {error.strerror}. Choose another file with --html.") from error


def check_writable(path: Path) -> None:
    """Look whether a page can be written there, before a long measurement is made for it.

    Raises:
        UsageError: what draws it is not installed, the folder is missing, or the path is a folder.
    """
    if find_spec("matplotlib") is None:
        raise UsageError(
            "The page of --html needs matplotlib, which draws its plots. Run: pip install 'durameter[page]'"
        )
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Name a file, such as --html {path / 'report.html'}.")
    if not path.parent.is_dir():
        raise UsageError(f"The folder {path.parent} does not exist. Make it, or choose another file with --html.")


def _trusted(report: "Report") -> bool:
    """Whether every comparison of every engine agrees."""
    return report.state == "complete" and bool(report.engines) and all(engine.proved for engine in report.engines)


# Everything that is known of a result, on one page: report, profiles and the month ahead.


def profiles_of(result: "Result") -> "list[Profile]":
    """A profile per engine that has tasks enough to fit; the page says where there is none."""
    from durameter.cost.profile import fit_profile
    from durameter.cost.profile.fit import FEWEST_TASKS

    return [
        fit_profile(engine, [unit for unit in result.ledger if unit.engine == engine.engine])
        for engine in result.measurement.engines
        if sum(engine.failed_too or task.state == "completed" for task in engine.sample) >= FEWEST_TASKS
    ]


def write_whole_page(
    path: Path, result: "Result", report: "Report", pricing: "Pricing", projection: "Projection | None" = None
) -> None:
    """Write the page of a result.

    Args:
        path: of the file; replaced if it is there.
        result: the measurement with its ledger.
        report: of that result.
        pricing: price books, and which of them to use.
        projection: the month as it was asked for; by default as the report has it, with the tasks as measured.

    Raises:
        UsageError: the page cannot be written there.
    """
    from durameter.cost.projection import Ask, project

    if projection is None and any(engine.per_task for engine in report.engines) and report.volume > 0:
        projection = project(result, Ask(volume=report.volume, books=pricing.asked, on=pricing.on), pricing.books)
    engines = result.measurement.engines
    write_page(path, report, profiles_of(result), projection, engines=engines, books=pricing.books)
