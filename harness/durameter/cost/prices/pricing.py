"""Prices as they were asked for: a book of one's own, a day."""

from datetime import date

from pydantic import BaseModel, ConfigDict

from durameter.cost.prices import PriceBook, chosen_book

__all__ = ["Pricing"]


class Pricing(BaseModel):
    """Which price books a report uses."""

    model_config = ConfigDict(frozen=True)

    books: tuple[PriceBook, ...]
    asked: tuple[str, ...] = ()
    """Ids of books that were asked for, at most one per engine."""
    on: date | None = None
    """Otherwise those in force on this day; by default on the day of the measurement."""

    def of(self, engine: str, measured: date) -> PriceBook:
        """The book for one engine.

        Raises:
            NotPricedError: none was in force then.
        """
        return chosen_book(engine, measured, self.books, asked=self.asked, on=self.on)
