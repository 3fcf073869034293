"""What to look at in price books: their age, dates, sources, and what has no price.

That a book holds together (no gap, no overlap between bands, every fee stated) is checked when its file is read.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict

from durameter.cost.prices.schema import Plan, PriceBook, Source
from durameter.cost.prices.usage import words_of

__all__ = ["MAX_AGE", "Finding", "check_books", "last_day"]

MAX_AGE = timedelta(days=90)
"""After so long a book that is in force should be compared with its sources again."""


class Finding(BaseModel):
    """One thing to look at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["warning", "note"]
    """A warning asks for something to be done; a note says what the book cannot answer."""
    book: str
    plan: str = ""
    """The plan's id; empty for the book as a whole."""
    what: str


def check_books(selected: Sequence[PriceBook], books: Sequence[PriceBook], on: date) -> tuple[Finding, ...]:
    """Look through books.

    Args:
        selected: those to look through.
        books: all there are, which says which ones are in force.
        on: today.
    """
    return tuple(finding for book in selected for finding in _check(book, books, on))


def last_day(book: PriceBook, books: Sequence[PriceBook]) -> date | None:
    """The last day on which a book is in force; None if no later book of its engine is known."""
    later = [each.effective_from for each in books if each.engine == book.engine]
    after = [day for day in later if day > book.effective_from]
    return min(after) - timedelta(days=1) if after else None


def _check(book: PriceBook, books: Sequence[PriceBook], on: date) -> Iterator[Finding]:
    for level, what in (*_dates(book, books, on), *_sources(book)):
        yield Finding(level=level, book=book.id, what=what)
    for plan in book.plans:
        for level, what in (*_plan_dates(plan, book, books, on), *_prices(plan)):
            yield Finding(level=level, book=book.id, plan=plan.id, what=what)


_Found = Iterator[tuple[Literal["warning", "note"], str]]


def _dates(book: PriceBook, books: Sequence[PriceBook], on: date) -> _Found:
    yield from _age(book.checked, book, books, on)
    if book.effective_from > on:
        yield "note", f"not in force before {book.effective_from.isoformat()}"
    if book.effective_precision != "day":
        yield "note", f"the source gives the {book.effective_precision} from which it holds, and no day"


def _plan_dates(plan: Plan, book: PriceBook, books: Sequence[PriceBook], on: date) -> _Found:
    if plan.checked is not None:
        yield from _age(plan.checked, book, books, on)


def _age(checked: date, book: PriceBook, books: Sequence[PriceBook], on: date) -> _Found:
    if checked > on:
        yield "warning", f"checked on {checked.isoformat()}, which is not yet: correct the date"
    if checked < book.effective_from:
        yield (
            "warning",
            f"checked on {checked.isoformat()}, before it took effect: compare it again with its sources",
        )
    last = last_day(book, books)
    in_force = book.effective_from <= on and (last is None or on <= last)
    # What held in the past does not change any more, however long ago it was checked.
    if in_force and on - checked > MAX_AGE:
        age = (on - checked).days
        yield "warning", f"checked {age} days ago: compare it again with its sources; set checked, or add a dated file"


def _sources(book: PriceBook) -> _Found:
    every: list[Source] = [*book.sources, *(source for plan in book.plans for source in plan.sources)]
    for source in dict.fromkeys(every):
        if not source.repository or not source.commit:
            missing = " and ".join(
                word for word, there in (("repository", source.repository), ("commit", source.commit)) if not there
            )
            yield "note", f"the source {source.document!r} names no {missing}: nobody else can look it up"


def _prices(plan: Plan) -> _Found:
    if plan.not_priced:
        yield "note", f"not priced: {plan.not_priced}"
        return
    if plan.estimate:
        yield "note", "the vendor's estimate, no offer: never chosen"
    for charge in plan.also_charged:
        yield "note", f"not priced: {charge}"
    for name, tariff in plan.tariffs.items():
        words = words_of(name)
        if tariff.beyond_bands:
            yield "note", f"not priced above {tariff.ceiling:,f} {words}: {tariff.beyond_bands}"
        for lower, upper in pairwise(tariff.bands):
            if upper.unit_price > lower.unit_price:
                yield "warning", f"{words} become dearer above {upper.above:,f}: is that what the source says?"
