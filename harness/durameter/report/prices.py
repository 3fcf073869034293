"""Price books for people: in the terminal, and as Markdown."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from durameter.cost.prices import (
    QUANTITIES,
    Band,
    Limit,
    Plan,
    PriceBook,
    Tariff,
)
from durameter.cost.prices.check import Finding, last_day
from durameter.cost.prices.tariff import exact_money
from durameter.formatting import plain
from durameter.report.render_markdown import markdown

__all__ = ["books_markdown", "list_markdown", "show_books", "show_findings", "show_list"]

_MILLION, _THOUSAND = Decimal(10**6), Decimal(1000)


def show_list(books: Sequence[PriceBook], on: date, console: Console) -> None:
    """Print which books there are."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("book", "in force", "plans", "checked"):
        table.add_column(heading, no_wrap=heading != "plans")
    for book in books:
        style = "bold" if _holds(book, books, on) else ""
        table.add_row(book.id, in_force(book, books), Text(plan_names(book)), book.checked.isoformat(), style=style)
    console.print(table)
    console.print(
        Text(f"In force on {on.isoformat()}: {', '.join(b.id for b in books if _holds(b, books, on)) or 'none'}.")
    )
    console.print(Text("durameter prices ENGINE shows the prices; --check looks through all books."))


def show_books(books: Sequence[PriceBook], every: Sequence[PriceBook], console: Console) -> None:
    """Print books with all their prices; `every` says until when they hold."""
    for book in books:
        console.print(Text(f"{book.vendor}: {book.id}", style="bold"))
        console.print(Text(f"{in_force(book, every)}, checked {book.checked.isoformat()}; in {book.currency}"))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_lines=True)
        table.add_column("a month")
        for plan in book.plans:
            table.add_column(plan.name)
        for heading, cells in price_rows(book):
            table.add_row(heading, *(Text("\n".join(cell)) for cell in cells))
        console.print(table)
        console.print(Text("Limits", style="bold"))
        for limit, plans in limit_rows(book):
            console.print(Text(f"  {limit_words(limit)} ({plans})"))
        _show_words("Not in any sum", beside(book), console)
        _show_words("Sources", source_words(book), console)
        console.print()


def show_findings(findings: Sequence[Finding], checked: Sequence[PriceBook], console: Console) -> None:
    """Print what a check found."""
    for book in checked:
        own = [finding for finding in findings if finding.book == book.id]
        warnings = sum(finding.level == "warning" for finding in own)
        console.print(Text(f"{book.id}: {verdict(warnings)}", style="bold red" if warnings else "bold"))
        for finding in own:
            where = f"{finding.plan}: " if finding.plan else ""
            console.print(Text(f"  {finding.level}: {where}{finding.what}"))


def list_markdown(books: Sequence[PriceBook], on: date) -> str:
    """Which books there are, as GitHub-flavoured Markdown."""
    rows = [(book, in_force(book, books), plan_names(book), _holds(book, books, on)) for book in books]
    return markdown("prices_list.md.j2", rows=rows, on=on)


def books_markdown(
    books: Sequence[PriceBook], every: Sequence[PriceBook], findings: Sequence[Finding] | None = None
) -> str:
    """Books with all their prices, or what a check of them found, as GitHub-flavoured Markdown."""
    return markdown(
        "prices.md.j2",
        books=books,
        findings=findings,
        in_force=lambda book: in_force(book, every),
        price_rows=price_rows,
        limit_rows=limit_rows,
        limit_words=limit_words,
        beside=beside,
        source_words=source_words,
        verdict=verdict,
    )


def verdict(warnings: int) -> str:
    """How a book stands, in words."""
    if not warnings:
        return "holds together"
    return "1 thing to look at" if warnings == 1 else f"{warnings} things to look at"


def in_force(book: PriceBook, books: Sequence[PriceBook]) -> str:
    """The days on which a book holds, as exactly as its source says."""
    length = {"day": 10, "month": 7, "year": 4}[book.effective_precision]
    about = "" if book.effective_precision == "day" else "about "
    last = last_day(book, books)
    until = f" to {last.isoformat()}" if last is not None else ""
    return f"from {about}{book.effective_from.isoformat()[:length]}{until}"


def plan_names(book: PriceBook) -> str:
    """The plans, with those that have no price marked."""
    return ", ".join(plan.name + _mark(plan) for plan in book.plans)


def price_rows(book: PriceBook) -> list[tuple[str, list[list[str]]]]:
    """What is charged, one row each, with the lines for every plan; rows that no plan has are left out."""
    rows = [
        ("base fee", [_base_words(plan) for plan in book.plans]),
        ("plan fee", [_fee_words(plan) for plan in book.plans]),
    ]
    for name, words in QUANTITIES.items():
        heading = f"{book.unit}s" if name == "units" else words
        tariffs = [(plan, plan.tariffs.get(name)) for plan in book.plans]
        rows.append((heading, [tariff_words(tariff, plan.currency) if tariff else [] for plan, tariff in tariffs]))
    rows.append(("multipliers", [_multiplier_words(plan) for plan in book.plans]))
    return [
        (heading, [cell or [_missing(heading, plan)] for cell, plan in zip(cells, book.plans, strict=True)])
        for heading, cells in rows
        if any(cells)
    ]


def _missing(heading: str, plan: Plan) -> str:
    """What stands where a plan says nothing; a fee that a priced plan does not have is no gap."""
    none_of_it = heading in ("base fee", "plan fee", "multipliers") and not plan.not_priced
    return "–" if none_of_it else "not priced"


def tariff_words(tariff: Tariff, currency: str) -> list[str]:
    """What a quantity costs, line by line."""
    lines = [f"{short(tariff.included)} included"] if tariff.included else []
    if tariff.pauses_at_quota:
        return [*lines, "then paused"]
    if tariff.no_more:
        return [*lines, "no more"]
    if tariff.block is not None:
        return [*lines, *(f"+ {_price(band, currency)}, in whole blocks" for band in tariff.bands)]
    if tariff.included and tariff.bands_over == "beyond_included":
        lines.append("beyond these:")
    for band in tariff.bands:
        if band.up_to is not None:
            # Of bands over the month's total, those below what is included never charge.
            if tariff.bands_over == "beyond_included" or band.up_to > tariff.included:
                lines.append(f"to {short(band.up_to)}: {_price(band, currency)}")
        elif band.above:
            lines.append(f"above {short(band.above)}: {_price(band, currency)}")
        else:
            lines.append(_price(band, currency))
    return [*lines, f"above: {tariff.beyond_bands}"] if tariff.beyond_bands else lines


def limit_rows(book: PriceBook) -> list[tuple[Limit, str]]:
    """Every different limit, with the plans that have it: fixed ones and rates, not the ends of tariffs."""
    found: dict[Limit, list[str]] = {}
    for plan in book.plans:
        for limit in plan.limits:
            if limit.id not in QUANTITIES:
                found.setdefault(limit, []).append(plan.name)
    rows = sorted(found.items(), key=lambda row: (row[0].id, row[0].value))
    return [(limit, "all plans" if len(names) == len(book.plans) else ", ".join(names)) for limit, names in rows]


def limit_words(limit: Limit) -> str:
    """A limit in one sentence."""
    lifted = f"what lifts it: {limit.lifted_by} ({limit.price})" if limit.lifted_by else "nothing lifts it"
    return f"{limit.of}: {plain(limit.value)}. Above, {limit.beyond}; {lifted}"


def beside(book: PriceBook) -> list[str]:
    """What plans charge or offer that is in no sum."""
    lines = [f"{plan.name}: {plan.not_priced}" for plan in book.plans if plan.not_priced]
    lines += [f"{plan.name}: the vendor's estimate, no offer; never chosen" for plan in book.plans if plan.estimate]
    for plan in book.plans:
        lines += [f"{plan.name}: {charge}" for charge in (*plan.also_charged, *plan.add_ons)]
    return lines


def source_words(book: PriceBook) -> list[str]:
    """Where the figures were read."""
    every = [*book.sources, *(source for plan in book.plans for source in plan.sources)]
    lines = []
    for source in dict.fromkeys(every):
        where = f"{source.repository}, " if source.repository else ""
        commit = f" @ {source.commit[:8]}" if source.commit else ""
        note = f": {' '.join(source.note.split())}" if source.note else ""
        lines.append(f"{where}{source.document}{commit}{note}")
    return lines


def short(number: Decimal) -> str:
    """A round number as people say it: `2.5 M`, `50 k`, `744`; exact."""
    if number >= _MILLION and (number * 100) % _MILLION == 0:
        return f"{plain(number / _MILLION)} M"
    if 10 * _THOUSAND <= number < _MILLION and number % _THOUSAND == 0:
        return f"{plain(number / _THOUSAND)} k"
    return plain(number)


def _price(band: Band, currency: str) -> str:
    """As the vendor quotes it, but prices far below a cent by the million."""
    price, per = band.price, band.per
    if per == 1 and price and price < Decimal("0.0001"):
        price, per = price * _MILLION, _MILLION
    words = {Decimal(1): " each", _MILLION: "/M"}.get(per, f" per {short(per)}")
    return f"{exact_money(price, currency)}{words}"


def _base_words(plan: Plan) -> list[str]:
    if len(plan.base_fees) == 1:
        return [exact_money(plan.base_fees[0].amount, plan.currency)]
    return [
        f"{exact_money(fee.amount, plan.currency)} "
        + (f"to {short(fee.up_to)}" if fee.up_to is not None else f"above {short(fee.above)}")
        for fee in plan.base_fees
    ]


def _fee_words(plan: Plan) -> list[str]:
    if plan.fee is None:
        return []
    share = f"{plain(plan.fee.share_of_usage * 100)} % of usage"
    return [share, f"at least {exact_money(plan.fee.minimum, plan.currency)}"] if plan.fee.minimum else [share]


def _multiplier_words(plan: Plan) -> list[str]:
    named = plan.multipliers
    lines = [f"replicated: x {plain(named.replicated)}"] if named.replicated is not None else []
    if named.fairness is not None:
        lines.append(f"fairness: + {plain(named.fairness * 100)} %")
    if named.exported_workflow is not None:
        lines.append(f"export: {plain(named.exported_workflow)} a workflow")
    return lines


def _mark(plan: Plan) -> str:
    if plan.not_priced:
        return " (not priced)"
    return " (estimate)" if plan.estimate else ""


def _holds(book: PriceBook, books: Sequence[PriceBook], on: date) -> bool:
    last = last_day(book, books)
    return book.effective_from <= on and (last is None or on <= last)


def _show_words(heading: str, lines: Iterable[str], console: Console) -> None:
    if found := list(lines):
        console.print(Text(heading, style="bold"))
        for line in found:
            console.print(Text(f"  {line}"))
