"""Print a report in the format that was asked for."""

from rich.console import Console

from durameter.cli.options import one_format
from durameter.config import Config, parse_volume
from durameter.measure.folder import Result
from durameter.prices import load_books
from durameter.report import build_report
from durameter.report.markdown import report_markdown
from durameter.report.terminal import show_report

__all__ = ["show"]


def show(result: Result, config: Config, *, volume: str | None, as_json: bool, as_markdown: bool) -> None:
    """Print the report of a result on standard output.

    Raises:
        UsageError: both formats were asked for, or the volume or a price file is wrong.
    """
    one_format(as_json, as_markdown)
    report = build_report(result, volume=parse_volume(volume or config.run.volume), books=load_books(config.prices))
    if as_json:
        print(report.model_dump_json(indent=2))
    elif as_markdown:
        print(report_markdown(report), end="")
    else:
        show_report(report, Console())
