"""Budgets in the terminal and as Markdown."""

from decimal import Decimal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from durameter.formatting import count, dollars
from durameter.gates.check import Checked, Limit
from durameter.report.render_markdown import markdown

__all__ = ["check_markdown", "check_text", "show_check"]

_STYLES = {"kept": "green", "broken": "bold red", "unknown": "bold red", "untrusted": "bold red"}
_HEADS = ("budget", "engine", "limit of", "limit", "found", "")


def show_check(checked: Checked, console: Console) -> None:
    """Print what came of it."""
    console.print(Text(headline(checked), style=_STYLES[checked.verdict]), soft_wrap=True)
    for line in checked.untrusted:
        console.print(Text(f"  {line}", style=_STYLES["untrusted"]), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in _HEADS:
        table.add_column(name, justify="right" if name in ("limit", "found") else "left", overflow="fold")
    for each in checked.limits:
        *cells, said = row(each)
        table.add_row(*map(Text, cells), Text(said, style=_STYLES[each.state]))
    if checked.limits:
        console.print(table)
    for line in details(checked):
        console.print(Text(line, style="dim"), soft_wrap=True)


def check_markdown(checked: Checked) -> str:
    """What came of it, as GitHub-flavoured Markdown with a sticky marker."""
    return markdown(
        "check.md.j2", checked=checked, headline=headline(checked), heads=_HEADS, row=row, details=details(checked)
    )


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
    return f"broken by {amount(limit, limit.over)}"


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
