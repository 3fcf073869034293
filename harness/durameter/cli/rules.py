"""`durameter rules`: print an engine's billing rules."""

from typing import Annotated

import typer

from durameter.cli._document import show_document
from durameter.cli._options import AsJson, AsMarkdown, one_format
from durameter.errors import UsageError
from durameter.registry import answered_rulebook, engine_names
from durameter.report.rules import rules_document

__all__ = ["rules"]


def rules(
    engine: Annotated[str | None, typer.Argument(help="An engine.", show_default="all")] = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
) -> None:
    """Print what is billed and when: each rule with its quantity, evidence, and the sources that can see it.

    Open questions are named, with the answer that counts use and why; `run` and `report` take other answers.

    [bold]Examples[/bold]

    durameter rules temporal

    durameter rules inngest --json
    """
    one_format(as_json, as_markdown)
    if as_json and engine is None:
        raise UsageError("--json prints one rulebook: name the engine.")
    for name in [engine] if engine else engine_names():
        book = answered_rulebook(name, {})
        if as_json:
            print(book.model_dump_json(indent=2))
        else:
            show_document(rules_document(book), as_markdown=as_markdown)
