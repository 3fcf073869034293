"""What came of budgets, as a document and as plain lines."""

from decimal import Decimal

from durameter.formatting import count, dollars
from durameter.gates.check import Checked, Limit
from durameter.report.document import (
    MARKDOWN,
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Row,
    Section,
    Table,
    Tone,
    Verdict,
)

__all__ = ["check_document", "check_text"]

_TONES: dict[str, Tone] = {"kept": "good", "broken": "bad", "unknown": "bad", "untrusted": "bad"}
_TITLES = {"kept": "Budgets kept", "broken": "Budget broken", "untrusted": "Budgets not checked"}
_COLUMNS = (
    Column("budget"),
    Column("engine"),
    Column("limit of"),
    Column("limit", figures=True),
    Column("found", figures=True),
    Column(""),
)


def check_document(checked: Checked) -> Document:
    """What came of it, each limit with its figures; in Markdown with a marker, so that one comment is kept."""
    blocks: list[Block] = [Verdict(headline(checked), _TONES[checked.verdict])]
    if checked.untrusted:
        blocks.append(Bullets(checked.untrusted, "error", bare=True))
    if checked.limits:
        blocks.append(Table(_COLUMNS, tuple(map(_toned, checked.limits))))
    if remarks := details(checked):
        of_figures = Bullets(tuple(remarks), "info", bare=True, indent=0)
        blocks.append(Section("What the figures are of", (of_figures,), headed=MARKDOWN, folded="closed"))
    title = f"{_TITLES[checked.verdict]}: {checked.workload}"
    return Document(tuple(blocks), title, level=3, marker="durameter-check")


def _toned(limit: Limit) -> Row:
    *cells, said = row(limit)
    return (*cells, Cell(said, _TONES[limit.state]))


def check_text(checked: Checked) -> str:
    """What came of it in plain lines, for where no table can be."""
    lines = [headline(checked), *(f"  {line}" for line in checked.untrusted)]
    for each in checked.limits:
        budget, engine, what, limit, found, said = row(each)
        lines.append(f"  {budget}, {engine}, {what}: at most {limit}, found {found}: {said}")
    return "\n".join([*lines, *(f"  {line}" for line in details(checked))])


def headline(checked: Checked) -> str:
    """One sentence."""
    limits = checked.limits
    broken = [each for each in limits if each.state == "broken"]
    if checked.verdict == "untrusted":
        return "Not checked: nothing can be concluded from this result."
    if broken:
        return f"{len(broken)} of {_of(len(limits))} {'is' if len(broken) == 1 else 'are'} broken."
    return f"{'The' if len(limits) == 1 else 'All'} {_of(len(limits))} {'is' if len(limits) == 1 else 'are'} kept."


def _of(limits: int) -> str:
    return f"{limits} limit{'s' if limits != 1 else ''}"


def row(limit: Limit) -> tuple[str, ...]:
    """The cells of one limit."""
    upper = ", upper reading" if limit.reading == "upper" else ""
    return (
        limit.budget,
        f"{limit.engine} ({limit.variant})",
        limit.what + upper,
        amount(limit, limit.limit),
        "–" if limit.found is None else amount(limit, limit.found),
        _said(limit),
    )


def _said(limit: Limit) -> str:
    if limit.over is None or limit.state != "broken":
        return limit.state
    return f"over by {amount(limit, limit.over)}"


def amount(limit: Limit, value: Decimal) -> str:
    """Dollars or units. Where one decimal would hide which of two is larger, more of them."""
    if limit.unit == "dollar":
        return dollars(value)
    close = limit.found is not None and limit.found != limit.limit and count(limit.found) == count(limit.limit)
    return f"{value:.4g}" if close else count(value)


def details(checked: Checked) -> list[str]:
    """What each figure is of, the worst tasks, and what should be known."""
    lines = []
    for each in checked.limits:
        if each.state == "unknown":
            continue  # said at the top
        worst = "".join(f"; {task.task} {count(task.units)}" for task in each.worst)
        lines.append(f"{each.budget}, {each.engine}, {each.what}: {each.note}{worst}")
    return [*lines, *(f"{line}: not checked" for line in checked.not_applied), *checked.cautions]
