"""The price books there are: those that come with the engines, and the user's own."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from durameter.cost.prices.schema import Plan, PriceBook, Source
from durameter.cost.prices.tariff import Record
from durameter.errors import UsageError
from durameter.registry import engines

__all__ = [
    "BookKey",
    "NotPricedError",
    "PriceFileError",
    "Pricing",
    "book",
    "book_by_id",
    "chosen_book",
    "load_books",
    "read_books",
]

# Price files: TOML, read into books. A file is a whole book, or changes single plans of another one.

BookKey = tuple[str, date]
"""Engine and the day from which a book is in force: there is one book for each."""


class PriceFileError(UsageError):
    """A price file cannot be read, or what it says does not hold together."""


class _Changes(Record):
    """A file that changes single plans of a book: `extends = "engine-2026-09-17"`."""

    format: Literal[1]
    extends: str
    variant: str = Field(default="own", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    checked: date
    sources: tuple[Source, ...]
    plans: tuple[Plan, ...]


@dataclass(frozen=True)
class _File:
    path: str
    raw: dict[str, Any]


def read_books(paths: Iterable[Traversable], known: Mapping[BookKey, PriceBook]) -> dict[BookKey, PriceBook]:
    """Read price files.

    Args:
        paths: TOML files.
        known: books that a file may change plans of; those in `paths` may be changed too.

    Returns:
        The books of the files, and those of `known` that a file changes, in their new form.

    Raises:
        PriceFileError: a file cannot be read or is wrong; names the file, the place in it and what to do.
    """
    files = [_load(path) for path in paths]
    books: dict[BookKey, PriceBook] = {}
    origin: dict[BookKey, str] = {}
    for file in (file for file in files if "extends" not in file.raw):
        found = _book(file)
        key = (found.engine, found.effective_from)
        if key in books:
            raise PriceFileError(
                f"{file.path}: effective_from: {origin[key]} has {found.engine} prices from the same day. "
                "Give one of them another date, or leave it out."
            )
        books[key], origin[key] = found, file.path
    for file in (file for file in files if "extends" in file.raw):
        changed = _changed(file, {**known, **books})
        books[changed.engine, changed.effective_from] = changed
    return books


def _load(path: Traversable) -> _File:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PriceFileError(f"{path}: not UTF-8 text. Save the price file as UTF-8.") from None
    except OSError as error:
        raise PriceFileError(f"{path}: {error.strerror}. Name a price file that can be read.") from error
    try:
        return _File(str(path), tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise PriceFileError(f"{path}: not TOML: {error}. Correct the file there.") from None


def _book(file: _File) -> PriceBook:
    raw = _spread(file.raw)
    try:
        return PriceBook.model_validate(raw)
    except ValidationError as error:
        raise _refused(file.path, raw, error) from None


def _changed(file: _File, known: Mapping[BookKey, PriceBook]) -> PriceBook:
    base = next((book for book in known.values() if file.raw["extends"] in (book.id, _vendors_id(book))), None)
    if base is None:
        ids = ", ".join(sorted(book.id for book in known.values()))
        raise PriceFileError(f"{file.path}: extends: there is no book {file.raw['extends']!r}; there are: {ids}.")
    raw = _spread(_filled(file, base))
    try:
        changes = _Changes.model_validate(raw)
        own = {
            plan.id: plan.model_copy(update={"sources": (*plan.sources, *changes.sources), "checked": changes.checked})
            for plan in changes.plans
        }
        kept = [own.pop(plan.id, plan) for plan in base.plans]
        merged = base.model_copy(update={"variant": changes.variant, "plans": (*kept, *own.values())})
        return PriceBook.model_validate(merged.model_dump())
    except ValidationError as error:
        raise _refused(file.path, raw, error) from None


def _vendors_id(book: PriceBook) -> str:
    return book.model_copy(update={"variant": ""}).id


def _filled(file: _File, base: PriceBook) -> dict[str, Any]:
    """The file with `like = "business"` replaced by what that plan says and this one does not."""
    raw = deepcopy(file.raw)
    by_id = {plan.id: plan for plan in base.plans}
    for plan in _plans(raw):
        plan.setdefault("currency", base.currency)
        if (like := plan.pop("like", None)) is None:
            continue
        if like not in by_id:
            raise PriceFileError(f"{file.path}: like: there is no plan {like!r}; there are: {', '.join(by_id)}.")
        for key, value in by_id[like].model_dump(exclude_defaults=True).items():
            plan.setdefault(key, value)
    return raw


def _spread(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The file with what `every_plan` says put into each plan that does not say it itself; limits one by one."""
    spread = deepcopy(dict(raw))
    common = spread.pop("every_plan", {})
    if not isinstance(common, dict):
        return dict(raw)  # left as it is, it is refused as an unknown word
    for plan in _plans(spread):
        if isinstance(currency := spread.get("currency"), str):
            plan.setdefault("currency", currency)
        for key, value in common.items():
            if key == "fixed_limits" and isinstance(value, list):
                own = plan.get(key, [])
                ids = {limit["id"] for limit in own if isinstance(limit, dict) and "id" in limit}
                plan[key] = [*own, *(limit for limit in deepcopy(value) if _id(limit) not in ids)]
            else:
                plan.setdefault(key, deepcopy(value))
    return spread


def _id(limit: object) -> object:
    return limit.get("id") if isinstance(limit, dict) else None


def _plans(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    plans = raw.get("plans", [])
    return [plan for plan in plans if isinstance(plan, dict)] if isinstance(plans, list) else []


def _refused(path: str, raw: Mapping[str, Any], error: ValidationError) -> PriceFileError:
    faults = [f"  {_place(raw, e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
    return PriceFileError(
        f"{path}: not a price book:\n" + "\n".join(faults) + "\nCorrect these places (docs/prices.md describes "
        "the format), or leave the file out."
    )


def _place(raw: Mapping[str, Any], loc: tuple[int | str, ...]) -> str:
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


class NotPricedError(UsageError):
    """No price book is in force for that engine on that date, or none has that id."""


def load_books(extra: Path | None = None) -> tuple[PriceBook, ...]:
    """The price books that come with Durameter, and the user's own, by engine and date.

    Args:
        extra: A TOML file, or a folder of them. A book for the same engine and date replaces Durameter's; a file with
            `extends` changes or adds single plans of a book, whose id then says so (`engine-2026-09-17+own`).

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
        engine: An installed one, or another of the user's books.
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
    """The book with this id, such as `engine-2025`: to price an old result again, or a new one at an old price.

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


class Pricing(BaseModel):
    """Which price books a report uses."""

    model_config = ConfigDict(frozen=True)

    books: tuple[PriceBook, ...]
    asked: tuple[str, ...] = ()
    """Ids of books that were asked for, at most one per engine."""
    on: date | None = None
    """Otherwise those in force on this day; by default on the day of the measurement."""

    def of(self, engine: str, measured: date) -> PriceBook:
        """The book for one engine; see `chosen_book`."""
        return chosen_book(engine, measured, self.books, asked=self.asked, on=self.on)


@cache
def _shipped() -> dict[BookKey, PriceBook]:
    return read_books([file for engine in engines() for file in engine.price_files()], {})


def _own_files(extra: Path) -> list[Path]:
    if not extra.is_dir():
        return [extra]
    found = sorted(extra.glob("*.toml"))
    if not found:
        raise PriceFileError(
            f"{extra}: no price file (*.toml) in this folder. Name a price file, or a folder with one."
        )
    return found
