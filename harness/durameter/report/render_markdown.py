"""A report as Markdown."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from durameter.formatting import (
    count,
    percent,
    plain,
    span,
)
from durameter.report.measurement import Report
from durameter.report.measurement_words import (
    comparison,
    differences,
    estimated,
    headline,
    worth_knowing,
)

__all__ = [
    "markdown",
    "report_markdown",
]

# Pages in Markdown, from the templates beside this file.


def _as_text(value: str) -> str:
    """The filter `text`: a name that somebody chose, so that it breaks no table and no list, and is no HTML."""
    return " ".join(value.splitlines()).replace("|", "\\|").replace("<", "&lt;")


def markdown(template: str, **names: Any) -> str:
    """GitHub-flavoured Markdown.

    Args:
        template: file name of the template.
        names: values and functions that it uses.
    """
    environment = Environment(
        loader=PackageLoader("durameter", "report"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, not HTML
    )
    environment.filters["text"] = _as_text
    return environment.get_template(template).render(**names)


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
