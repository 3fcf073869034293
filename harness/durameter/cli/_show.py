"""Print a report in the format that was asked for, and write its page."""

from datetime import date
from pathlib import Path

from rich.console import Console

from durameter.cli._document import show_document
from durameter.cli._options import one_format
from durameter.config import Config
from durameter.report.measurement_document import report_document
from durameter.result import with_verbs
from durameter.results import folder

__all__ = ["say_page", "show"]


def show(
    found: folder.Result,
    config: Config,
    *,
    volume: str | None,
    as_json: bool,
    as_markdown: bool,
    html: Path | None = None,
    prices: Path | None = None,
    books: list[str] | None = None,
    on: date | None = None,
) -> None:
    """Print the report of a result on standard output; with `html`, write its page as well.

    Raises:
        UsageError: both formats were asked for, the volume or a price file is wrong, or the page cannot be written.
    """
    one_format(as_json, as_markdown)
    if html is not None:
        from durameter.report.render_html import check_writable  # heavy, and only a page needs it

        check_writable(html)
    result = with_verbs(found)
    report = result.report(volume, prices=prices, books=books or (), on=on, config=config)
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        show_document(report_document(report), as_markdown=as_markdown)
    if html is not None:
        result.write_page(html, volume, prices=prices, books=books or (), on=on, config=config)
        say_page(html)


def say_page(path: Path) -> None:
    """Say where a page was written, on standard error: standard output is the report's."""
    Console(stderr=True).print(f"The page is in {path}", soft_wrap=True, highlight=False)
