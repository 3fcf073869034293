"""Print a report in the format that was asked for, and write its page."""

from pathlib import Path

from rich.console import Console

from durameter.cli._document import show_document
from durameter.cli._options import one_format
from durameter.config import Config
from durameter.cost.prices import load_books
from durameter.cost.prices.pricing import Pricing
from durameter.report import build_report
from durameter.report.measurement_document import report_document
from durameter.results.folder import Result
from durameter.times import parse_volume

__all__ = ["say_page", "show"]


def show(
    result: Result,
    config: Config,
    *,
    volume: str | None,
    as_json: bool,
    as_markdown: bool,
    html: Path | None = None,
    pricing: Pricing | None = None,
) -> None:
    """Print the report of a result on standard output; with `html`, write its page as well.

    Prices are those in force on the day of the measurement, unless `pricing` says otherwise.

    Raises:
        UsageError: both formats were asked for, the volume or a price file is wrong, or the page cannot be written.
    """
    one_format(as_json, as_markdown)
    if html is not None:
        from durameter.report.render_html import check_writable  # heavy, and only a page needs it

        check_writable(html)
    prices = pricing or Pricing(books=load_books(config.prices))
    report = build_report(result, volume=parse_volume(volume or config.run.volume), pricing=prices)
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        show_document(report_document(report), as_markdown=as_markdown)
    if html is not None:
        # statistics and plots are heavy, and only the page needs them
        from durameter.report.render_html import write_whole_page

        write_whole_page(html, result, report, prices)
        say_page(html)


def say_page(path: Path) -> None:
    """Say where a page was written, on standard error: standard output is the report's."""
    Console(stderr=True).print(f"The page is in {path}", soft_wrap=True, highlight=False)
