"""Which price book and which plans a projection uses."""

from collections.abc import Sequence
from datetime import date

from durameter.errors import UsageError
from durameter.prices import NotPricedError, Plan, PriceBook, chosen_book
from durameter.projection.records import BookUsed

__all__ = ["choose_book", "choose_plans", "see_books", "see_plans"]


def see_books(asked: Sequence[str], engines: Sequence[str], books: Sequence[PriceBook]) -> None:
    """See that every book asked for exists, is of a measured engine, and is the only one of its engine.

    Raises:
        UsageError: says which books there are.
    """
    mine = {each.id: each.engine for each in books if each.engine in engines}
    for name in asked:
        if name not in mine:
            raise UsageError(
                f"There is no price book {name!r} for {' or '.join(engines)}. There are: {', '.join(mine)}."
            )
    chosen = [mine[name] for name in asked]
    if twice := next((engine for engine in chosen if chosen.count(engine) > 1), None):
        raise UsageError(f"Two price books for {twice} are asked for. Name one per engine.")


def choose_book(
    engine: str, measured: date, books: Sequence[PriceBook], *, asked: Sequence[str] = (), on: date | None = None
) -> tuple[PriceBook, BookUsed] | str:
    """The book for one engine and why it was taken; or why there is none.

    Args:
        engine: its name.
        measured: the day of the measurement: the book in force then is the default.
        books: those to choose from.
        asked: ids of books asked for, for any engine.
        on: another day.
    """
    try:
        found = chosen_book(engine, measured, books, asked=asked, on=on)
    except NotPricedError as error:
        return str(error)
    in_force = f"in force on {on}, as asked" if on else f"in force on the day of the measurement, {measured}"
    return found, _used(found, "asked for by its id" if found.id in asked else in_force)


def _used(found: PriceBook, why: str) -> BookUsed:
    return BookUsed(
        id=found.id,
        vendor=found.vendor,
        currency=found.currency,
        effective_from=found.effective_from,
        checked=found.checked,
        chosen=why,
        sources=found.sources,
    )


def see_plans(asked: Sequence[str], books: Sequence[PriceBook]) -> None:
    """See that every plan asked for is in one of the books that are used.

    Args:
        asked: `business` for any engine's plan of that id, or `temporal.business`.
        books: one per engine.

    Raises:
        UsageError: says which plans there are.
    """
    known = [f"{each.engine}.{plan.id}" for each in books for plan in each.plans]
    for name in asked:
        if not any(_means(name, full) for full in known):
            raise UsageError(
                f"There is no plan {name!r} in {', '.join(b.id for b in books)}. There are: {', '.join(known)}."
            )


def choose_plans(found: PriceBook, asked: Sequence[str]) -> tuple[Plan, ...]:
    """The plans asked for, or all plans of the book if none of its plans is among them."""
    chosen = tuple(plan for plan in found.plans if any(_means(name, f"{found.engine}.{plan.id}") for name in asked))
    return chosen or found.plans


def _means(asked: str, full: str) -> bool:
    return asked in (full, full.partition(".")[2])
