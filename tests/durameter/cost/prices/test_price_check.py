"""Looking through books: what asks for something to be done, and what is only noted."""

from datetime import date, timedelta

import pytest

from durameter.cost.prices import (
    Band,
    PriceBook,
    Source,
    book_by_id,
    load_books,
)
from durameter.cost.prices.check import Finding, check_books, last_day

CHECKED = date(2026, 11, 23)
NOW = book_by_id("temporal-2026-09-17")


def warnings(books: tuple[PriceBook, ...], on: date = CHECKED) -> list[tuple[str, str]]:
    return [(f.book, f.what) for f in check_books(books, books, on) if f.level == "warning"]


def test_the_shipped_books_ask_for_nothing_on_the_day_they_were_checked() -> None:
    assert warnings(load_books()) == []


def test_a_book_in_force_is_to_be_compared_again_after_90_days() -> None:
    assert warnings(load_books(), CHECKED + timedelta(days=90)) == []
    what = "checked 91 days ago: compare it again with its sources; set checked, or add a dated file"
    # Not the books that are past: what held then does not change.
    assert warnings(load_books(), CHECKED + timedelta(days=91)) == [
        ("inngest-2026-09", what),
        ("temporal-2026-09-17", what),
    ]


@pytest.mark.parametrize(
    ("checked", "what"),
    [
        (date(2026, 11, 24), "checked on 2026-11-24, which is not yet: correct the date"),
        (
            date(2026, 9, 16),
            "checked on 2026-09-16, before it took effect: compare it again with its sources",
        ),
    ],
)
def test_a_date_that_cannot_be(checked: date, what: str) -> None:
    assert warnings((NOW.model_copy(update={"checked": checked}),)) == [(NOW.id, what)]


def test_a_plan_has_a_date_of_its_own() -> None:
    old = NOW.plans[0].model_copy(update={"checked": date(2026, 9, 20)})
    changed = NOW.model_copy(update={"plans": (old, *NOW.plans[1:])})
    found = check_books((changed,), (changed,), date(2027, 1, 1))
    assert [(f.plan, f.what.split(":")[0]) for f in found if f.level == "warning"] == [
        ("developer", "checked 103 days ago")
    ]


def test_a_price_that_rises_with_volume_is_asked_about() -> None:
    business = NOW.plans[1]
    assert business.units is not None
    first, *rest = business.units.bands
    cheap = Band(above=first.above, up_to=first.up_to, price=5, per=first.per)  # a slip of the pen: $5 for $50
    units = business.units.model_copy(update={"bands": (cheap, *rest)})
    changed = NOW.model_copy(update={"plans": (business.model_copy(update={"units": units}),)})
    assert warnings((changed,)) == [(NOW.id, "units become dearer above 5,000,000: is that what the source says?")]


def test_what_has_no_price_and_what_cannot_be_looked_up_is_noted() -> None:
    own = NOW.model_copy(update={"sources": (Source(document="our contract"),)})
    notes = [f for f in check_books((own,), (own,), CHECKED) if f.level == "note"]
    what = "the source 'our contract' names no repository and commit: nobody else can look it up"
    assert Finding(level="note", book=NOW.id, what=what) in notes
    assert (
        Finding(level="note", book=NOW.id, plan="enterprise", what="not priced: annual fee, ask Temporal's sales")
        in notes
    )
    assert (
        Finding(
            level="note", book=NOW.id, plan="business", what="not priced above 202,500,000 units: ask Temporal's sales"
        )
        in notes
    )


def test_until_when_a_book_holds() -> None:
    books = load_books()
    assert [last_day(book, books) for book in books] == [None, date(2024, 12, 31), date(2026, 9, 16), None]
