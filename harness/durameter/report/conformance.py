"""What came of a conformance suite, for people: in the terminal, and as Markdown."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from durameter.conformance import Counts, Outcome, State
from durameter.formatting import plain
from durameter.report.render_markdown import markdown

__all__ = ["conformance_markdown", "show_conformance", "summary"]

_STYLES: dict[State, str] = {
    "pass": "green",
    "explained": "green",
    "unexplained": "bold red",
    "failed": "bold red",
    "skipped": "yellow",
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
    parts = ", ".join(f"{states[state]} {state}" for state in _STYLES if states[state])
    return f"{len(outcomes)} scenarios: {parts or 'none'}"


def show_conformance(outcomes: Sequence[Outcome], console: Console, *, second: str) -> None:
    """Print the table: what is wrong last, where the eye is."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("scenario")
    for name in ("documented", "open", second):
        table.add_column(name, justify="right")
    table.add_column("in between", overflow="fold")
    table.add_column("")
    for outcome in sorted(outcomes, key=lambda each: not each.good):
        opened = total(outcome.open_counted)
        table.add_row(
            Text(outcome.name),
            total(outcome.counted),
            "" if opened == "0" else f"+ {opened}",
            total(outcome.second_read),
            Text(between(outcome)),
            Text(outcome.state, style=_STYLES[outcome.state]),
        )
    console.print(table)
    good = all(outcome.good for outcome in outcomes)
    console.print(Text(summary(outcomes), style="bold green" if good else "bold red"))


def conformance_markdown(engine: str, outcomes: Sequence[Outcome], *, second: str) -> str:
    """The table as GitHub-flavoured Markdown."""
    words = summary(outcomes)
    return markdown(
        "conformance.md.j2",
        engine=engine,
        outcomes=outcomes,
        second=second,
        summary=words,
        total=total,
        between=between,
    )
