"""Price books as documents."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from durameter.cost.prices import QUANTITIES, Band, Limit, Plan, PriceBook, Tariff, words_of
from durameter.cost.prices.check import Finding, last_day
from durameter.cost.prices.tariff import exact_money
from durameter.formatting import plain
from durameter.report.document import (
    BLANK,
    MARKDOWN,
    TERMINAL,
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Paragraph,
    Row,
    Section,
    Table,
    Verdict,
)

__all__ = ["books_document", "findings_document", "list_document"]

_MILLION, _THOUSAND = Decimal(10**6), Decimal(1000)


def list_document(books: Sequence[PriceBook], on: date) -> Document:
    """Which books there are."""
    holding = [book.id for book in books if _holds(book, books, on)]
    columns = (
        Column("book", code=True, fit="whole"),
        Column("in force", fit="whole"),
        Column("plans"),
        Column("checked", fit="whole"),
    )
    rows = tuple(
        (
            Cell(book.id, "strong" if book.id in holding else "plain"),
            in_force(book, books),
            plan_names(book),
            book.checked.isoformat(),
        )
        for book in books
    )
    emphasis = frozenset(number for number, book in enumerate(books) if book.id in holding)
    return Document(
        (
            Table(columns, rows, emphasis=emphasis),
            Paragraph(f"In force on {on.isoformat()}: {', '.join(holding) or 'none'}.", forms=TERMINAL),
            Paragraph("durameter prices ENGINE shows the prices; --check looks through all books.", forms=TERMINAL),
            Paragraph(f"Bold: in force on {on.isoformat()}.", forms=MARKDOWN),
        ),
        "Price books",
    )


def books_document(books: Sequence[PriceBook], every: Sequence[PriceBook]) -> Document:
    """Books with all their prices.

    Args:
        books: those to show.
        every: all that are known; they say until when each of them holds.
    """
    return Document(tuple(block for book in books for block in (_book(book, every), BLANK)))


def _book(book: PriceBook, every: Sequence[PriceBook]) -> Section:
    days, checked = in_force(book, every), book.checked.isoformat()
    limits = limit_rows(book)
    by_id = tuple(f"`{limit.id}`: {limit_words(limit)} ({plans})" for limit, plans in limits)
    in_words = tuple(f"{limit_words(limit)} ({plans})" for limit, plans in limits)
    blocks: list[Block] = [
        Paragraph(f"{days}, checked {checked}; in {book.currency}", forms=TERMINAL),
        Paragraph(f"In force {days}, checked {checked}. In {book.currency}, a month.", forms=MARKDOWN),
        *_prices(book),
        Section("Limits", (Bullets(in_words, forms=TERMINAL), Bullets(by_id, forms=MARKDOWN))),
    ]
    for heading, lines in (("Not in any sum", beside(book)), ("Sources", source_words(book))):
        if lines:
            blocks.append(Section(heading, (Bullets(tuple(lines)),)))
    return Section(f"{book.vendor}: {book.id}", tuple(blocks), level=1)


def _prices(book: PriceBook) -> tuple[Table, ...]:
    rows: list[Row] = [(heading, *(Cell(tuple(cell)) for cell in cells)) for heading, cells in price_rows(book)]
    plans = tuple(Column(plan.name) for plan in book.plans)
    return tuple(
        Table((Column(head), *plans), tuple(rows), ruled=True, forms=forms)
        for head, forms in (("a month", TERMINAL), ("", MARKDOWN))
    )


def findings_document(findings: Sequence[Finding], checked: Sequence[PriceBook]) -> Document:
    """What a check found, book by book."""
    return Document(tuple(block for book in checked for block in _found(book, findings)))


def _found(book: PriceBook, findings: Sequence[Finding]) -> tuple[Block, ...]:
    own = [finding for finding in findings if finding.book == book.id]
    warnings = sum(finding.level == "warning" for finding in own)
    said = verdict(warnings)
    words = [f"{each.level}: {f'{each.plan}: ' if each.plan else ''}{each.what}" for each in own]
    typed = [f"{each.level}: {f'`{each.plan}`: ' if each.plan else ''}{each.what}" for each in own]
    return (
        Verdict(f"{book.id}: {said}", "bad" if warnings else "strong", forms=TERMINAL),
        Bullets(tuple(words), bare=True, forms=TERMINAL),
        Section(f"{book.vendor}: {book.id}", (Paragraph(said), Bullets(tuple(typed))), level=1, forms=MARKDOWN),
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
    for name in dict.fromkeys((*QUANTITIES, *(name for plan in book.plans for name in plan.quantities))):
        heading = f"{book.unit}s" if name == "units" else words_of(name)
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
            if limit.id not in QUANTITIES and limit.id not in plan.quantities:
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
