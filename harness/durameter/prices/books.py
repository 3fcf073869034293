"""The price books there are: those that come with Durameter, and the user's own."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

from durameter.errors import UsageError
from durameter.prices.files import BookKey, PriceFileError, read_books
from durameter.prices.schema import PriceBook

__all__ = ["NotPricedError", "PriceFileError", "book", "book_by_id", "chosen_book", "load_books"]


class NotPricedError(UsageError):
    """No price book is in force for that engine on that date, or none has that id."""


def load_books(extra: Path | None = None) -> tuple[PriceBook, ...]:
    """The price books that come with Durameter, and the user's own, by engine and date.

    Args:
        extra: A TOML file, or a folder of them. A book for the same engine and date replaces Durameter's; a file with
            `extends` changes or adds single plans of a book, whose id then says so (`temporal-2026-09-17+own`).

    Raises:
        PriceFileError: If a file cannot be read or is wrong; names the file, the place in it and what to do.
    """
    books = dict(_shipped())
    if extra is not None:
        books |= read_books(_own_files(extra), books)
    return tuple(books[key] for key in sorted(books))


def book(engine: str, on: date, books: Sequence[PriceBook] | None = None) -> PriceBook:
    """The book in force for an engine on a date: the latest that took effect on or before it.

    Args:
        engine: `temporal`, `inngest`, or one of the user's books.
        on: The day in UTC, since the vendors' billing months are in UTC.
        books: From `load_books`; by default those that come with Durameter.

    Raises:
        NotPricedError: If there is none; says which books there are.
    """
    every = load_books() if books is None else books
    mine = [b for b in every if b.engine == engine]
    if not mine:
        known = ", ".join(sorted({b.engine for b in every})) or "none"
        raise NotPricedError(
            f"Not priced: there is no price book for engine {engine!r}; there are books for: {known}. "
            "Add a price file of your own (docs/prices.md describes the format)."
        )
    in_force = [b for b in mine if b.effective_from <= on]
    if not in_force:
        known = ", ".join(sorted(b.id for b in mine))
        raise NotPricedError(
            f"Not priced: no price book for {engine} was in force on {on.isoformat()}; there are: {known}. "
            "Choose a later date, or add a price file of your own (docs/prices.md describes the format)."
        )
    return max(in_force, key=lambda b: b.effective_from)


def book_by_id(book_id: str, books: Sequence[PriceBook] | None = None) -> PriceBook:
    """The book with this id, such as `temporal-2025`: to price an old result again, or a new one at an old price.

    Args:
        book_id: As `PriceBook.id`.
        books: From `load_books`; by default those that come with Durameter.

    Raises:
        NotPricedError: If there is none; says which books there are.
    """
    every = load_books() if books is None else books
    for each in every:
        if each.id == book_id:
            return each
    known = ", ".join(b.id for b in every) or "none"
    raise NotPricedError(f"Not priced: there is no price book {book_id!r}; there are: {known}.")


def chosen_book(
    engine: str, measured: date, books: Sequence[PriceBook], *, asked: Sequence[str] = (), on: date | None = None
) -> PriceBook:
    """The book for one engine: the one that was asked for by its id, else the one in force.

    Args:
        engine: its name.
        measured: day of the measurement, in UTC; the book in force then is the default.
        books: those to choose from.
        asked: ids of books asked for, at most one per engine.
        on: another day.

    Raises:
        NotPricedError: none was in force then.
    """
    named = next((each for each in books if each.engine == engine and each.id in asked), None)
    return named or book(engine, on or measured, books)


@cache
def _shipped() -> dict[BookKey, PriceBook]:
    folder = files("durameter.prices").joinpath("data")
    return read_books([f for f in folder.iterdir() if f.name.endswith(".toml")], {})


def _own_files(extra: Path) -> list[Path]:
    if not extra.is_dir():
        return [extra]
    found = sorted(extra.glob("*.toml"))
    if not found:
        raise PriceFileError(
            f"{extra}: no price file (*.toml) in this folder. Name a price file, or a folder with one."
        )
    return found
