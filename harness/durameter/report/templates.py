"""Pages in Markdown, from the templates beside this file."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["markdown"]


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
    return environment.get_template(template).render(**names)
