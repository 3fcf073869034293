"""Everything that is known of a result, on one page: report, profiles and the month ahead."""

from pathlib import Path

from durameter.measure.folder import Result
from durameter.profile import Profile, fit_profile
from durameter.profile.fit import FEWEST_TASKS
from durameter.projection import Ask, Projection, project
from durameter.report.html import write_page
from durameter.report.month import Pricing
from durameter.report.view import Report

__all__ = ["profiles_of", "write_whole_page"]


def profiles_of(result: Result) -> list[Profile]:
    """A profile per engine that has tasks enough to fit; the page says where there is none."""
    return [
        fit_profile(engine, [unit for unit in result.units if unit.engine == engine.engine])
        for engine in result.measurement.engines
        if sum(engine.failed_too or task.state == "completed" for task in engine.sample) >= FEWEST_TASKS
    ]


def write_whole_page(
    path: Path, result: Result, report: Report, pricing: Pricing, projection: Projection | None = None
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
    if projection is None and any(engine.per_task for engine in report.engines) and report.volume > 0:
        projection = project(result, Ask(volume=report.volume, books=pricing.asked, on=pricing.on), pricing.books)
    engines = result.measurement.engines
    write_page(path, report, profiles_of(result), projection, engines=engines, books=pricing.books)
