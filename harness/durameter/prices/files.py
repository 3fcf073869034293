"""Price files: TOML, read into books. A file is a whole book, or changes single plans of another one."""

import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources.abc import Traversable
from typing import Any, Literal

from pydantic import Field, ValidationError

from durameter.errors import UsageError
from durameter.prices.schema import Plan, PriceBook, Source
from durameter.prices.tariff import Record

__all__ = ["BookKey", "PriceFileError", "read_books"]

BookKey = tuple[str, date]
"""Engine and the day from which a book is in force: there is one book for each."""


class PriceFileError(UsageError):
    """A price file cannot be read, or what it says does not hold together."""


class _Changes(Record):
    """A file that changes single plans of a book: `extends = "temporal-2026-09-17"`."""

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
