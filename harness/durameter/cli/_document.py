"""Print a document in the form that was asked for."""

from rich.console import Console

from durameter.report import render_terminal
from durameter.report.document import Document
from durameter.report.render_markdown import markdown

__all__ = ["show_document"]


def show_document(document: Document, console: Console | None = None, *, as_markdown: bool = False) -> None:
    """Print a document as Markdown on standard output, or on a terminal.

    Args:
        document: what a command came to.
        console: where a terminal's form goes; standard output by default.
        as_markdown: whether it is asked for as Markdown.
    """
    if as_markdown:
        print(markdown(document), end="")
    else:
        render_terminal.show(document, console or Console())
