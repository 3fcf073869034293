"""What came of a conformance suite, as a document."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from durameter.conformance import Counts, Outcome, State
from durameter.formatting import plain
from durameter.report.document import MARKDOWN, TERMINAL, Cell, Column, Document, Paragraph, Row, Table, Tone, Verdict

__all__ = ["conformance_document", "summary"]

_TONES: dict[State, Tone] = {
    "pass": "good",
    "explained": "good",
    "unexplained": "bad",
    "failed": "bad",
    "skipped": "doubtful",
}


def total(counts: Counts | None) -> str:
    """Sum of all kinds, or a dash where there is no such source."""
    return "–" if counts is None else plain(sum(counts.values(), Decimal(0)))


def between(outcome: Outcome) -> str:
    """What lies between the documented count and the second source, by name; or what is wrong."""
    if outcome.wrong or outcome.why:
        return "; ".join((*outcome.wrong, outcome.why) if outcome.why else outcome.wrong)
    named = [f"{name} {units:+f}" for name, units in (outcome.differences_found or {}).items()]
    named += [f"system workflows ({part}) {units:+f}" for part, units in outcome.system.items()]
    return ", ".join(named)


def summary(outcomes: Sequence[Outcome]) -> str:
    """`129 scenarios: 94 pass, 35 explained`."""
    states = Counter(outcome.state for outcome in outcomes)
    parts = ", ".join(f"{states[state]} {state}" for state in _TONES if states[state])
    return f"{len(outcomes)} scenarios: {parts or 'none'}"


def conformance_document(engine: str, outcomes: Sequence[Outcome], *, second: str) -> Document:
    """A row for every scenario.

    Args:
        engine: whose suite it was.
        outcomes: in the order of the suite; the terminal has what is wrong last, where the eye is.
        second: what the second source of its counts is called.
    """
    words = summary(outcomes)
    columns = (
        Column("scenario"),
        *(Column(name, figures=True) for name in ("documented", "open", second)),
        Column("in between"),
        Column(""),
    )
    wrong_last = sorted(outcomes, key=lambda each: not each.good)
    good = all(each.good for each in outcomes)
    blocks = (
        Paragraph(f"{words}.", forms=MARKDOWN),
        Table(columns, tuple(map(_row, outcomes)), forms=MARKDOWN),
        Table(columns, tuple(map(_row, wrong_last)), forms=TERMINAL),
        Verdict(words, "good" if good else "bad", forms=TERMINAL),
    )
    return Document(blocks, f"Conformance: {engine}")


def _row(outcome: Outcome) -> Row:
    opened = total(outcome.open_counted)
    return (
        outcome.name,
        total(outcome.counted),
        "" if opened == "0" else f"+ {opened}",
        total(outcome.second_read),
        between(outcome),
        Cell(outcome.state, _TONES[outcome.state]),
    )
