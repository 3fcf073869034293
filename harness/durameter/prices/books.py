"""Price books from files: those that come with Durameter, and the user's own."""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from durameter.errors import UsageError
from durameter.prices.schema import PriceBook

__all__ = ["NotPricedError", "PriceFileError", "book", "load_books"]


class PriceFileError(UsageError):
    """A price file cannot be read, or what it says does not hold together."""


class NotPricedError(UsageError):
    """No price book is in force for that engine on that date."""


def load_books(extra: Path | None = None) -> tuple[PriceBook, ...]:
    """The price books that come with Durameter, and the user's own, by engine and date.

    Args:
        extra: A TOML file, or a folder of them. A book for the same engine and date replaces Durameter's.

    Raises:
        PriceFileError: If a file cannot be read or is wrong; names the file, the place in it and what to do.
    """
    books = dict(_shipped())
    if extra is not None:
        books |= _read_all(_own_files(extra))
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


_Key = tuple[str, date]


@cache
def _shipped() -> dict[_Key, PriceBook]:
    return _read_all(f for f in files("durameter.prices").joinpath("data").iterdir() if f.name.endswith(".toml"))


def _own_files(extra: Path) -> list[Path]:
    if not extra.is_dir():
        return [extra]
    found = sorted(extra.glob("*.toml"))
    if not found:
        raise PriceFileError(
            f"{extra}: no price file (*.toml) in this folder. Name a price file, or a folder with one."
        )
    return found


def _read_all(paths: Iterable[Traversable]) -> dict[_Key, PriceBook]:
    books: dict[_Key, PriceBook] = {}
    origin: dict[_Key, str] = {}
    for path in paths:
        found = _read(path)
        key = (found.engine, found.effective_from)
        if key in books:
            raise PriceFileError(
                f"{path}: effective_from: {origin[key]} has {found.engine} prices from the same day. "
                "Give one of them another date, or leave it out."
            )
        books[key], origin[key] = found, str(path)
    return books


def _read(path: Traversable) -> PriceBook:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PriceFileError(f"{path}: not UTF-8 text. Save the price file as UTF-8.") from None
    except OSError as error:
        raise PriceFileError(f"{path}: {error.strerror}. Name a price file that can be read.") from error
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise PriceFileError(f"{path}: not TOML: {error}. Correct the file there.") from None
    try:
        return PriceBook.model_validate(raw)
    except ValidationError as error:
        faults = [f"  {_place(raw, e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise PriceFileError(
            f"{path}: not a price book:\n" + "\n".join(faults) + "\nCorrect these places (docs/prices.md describes "
            "the format), or leave the file out."
        ) from None


def _place(raw: dict[str, Any], loc: tuple[int | str, ...]) -> str:
    """Such as `plans.business.units.bands[2].price`: a plan by its id, other entries counted from 1."""
    words = ""
    for depth, part in enumerate(loc):
        if isinstance(part, str):
            words += f".{part}" if words else part
        elif depth == 1 and loc[0] == "plans" and isinstance(plan := raw["plans"][part], dict) and "id" in plan:
            words += f".{plan['id']}"
        else:
            words += f"[{part + 1}]"
    return words or "the whole file"
