"""A report as Markdown."""

from durameter.report.numbers import count, percent, plain, span
from durameter.report.templates import markdown
from durameter.report.view import Report
from durameter.report.words import comparison, differences, estimated, headline, worth_knowing

__all__ = ["report_markdown"]


def report_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown."""
    return markdown(
        "report.md.j2",
        report=report,
        comparison=comparison,
        differences=differences,
        count=count,
        estimated=estimated,
        headline=headline,
        percent=percent,
        plain=plain,
        span=span,
        worth_knowing=worth_knowing,
    )
