"""A report as Markdown."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from durameter.report.numbers import count, percent, span
from durameter.report.view import Report
from durameter.report.words import comparison, differences, worth_knowing

__all__ = ["report_markdown"]


def report_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown."""
    environment = Environment(
        loader=PackageLoader("durameter", "report"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, not HTML
    )
    environment.globals |= {
        "comparison": comparison,
        "differences": differences,
        "count": count,
        "percent": percent,
        "span": span,
        "worth_knowing": worth_knowing,
    }
    return environment.get_template("report.md.j2").render(report=report)
