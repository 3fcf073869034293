"""The settings of a command that counts and reports. What is wrong with the call is said before anything is counted."""

from pathlib import Path

from durameter.cli.options import one_format
from durameter.config import Config, load_config, parse_volume
from durameter.measure.answers import answered_rulebook, parse_answers
from durameter.prices import load_books
from durameter.report.html import see_writable

__all__ = ["counting_settings"]


def counting_settings(
    config: Path | None,
    *,
    answers: list[str] | None,
    volume: str | None,
    as_json: bool,
    as_markdown: bool,
    html: Path | None,
) -> Config:
    """Read the configuration, with the answers of the command line, and see that a report can be made in the end.

    Args:
        config: its file, or None for the usual one.
        answers: `ENGINE.QUESTION=ANSWER`, each known to its engine's rulebook.
        volume: tasks a month; None for the configured one.
        as_json: whether the report is to be JSON.
        as_markdown: whether it is to be Markdown.
        html: where a page is to be written.

    Raises:
        UsageError: the configuration, an answer, the volume, a price file, the formats or the page's place are wrong.
    """
    settings = load_config(config)
    given = parse_answers(answers or [])
    every = {e: {**settings.answers.get(e, {}), **given.get(e, {})} for e in {*settings.answers, *given}}
    for engine in every:
        answered_rulebook(engine, every)
    parse_volume(volume or settings.run.volume)
    load_books(settings.prices)
    one_format(as_json, as_markdown)
    if html is not None:
        see_writable(html)
    return settings.model_copy(update={"answers": every})
