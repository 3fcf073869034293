"""The price books that a command's options ask for."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from durameter.config import Config
from durameter.prices import load_books
from durameter.report.month import Pricing

__all__ = ["pricing_of"]


def pricing_of(settings: Config, prices: Path | None, book: Sequence[str] | None, on: datetime | None) -> Pricing:
    """Books and choice from `--prices`, `--book` and `--on`.

    Raises:
        PriceFileError: a price file cannot be read or is wrong.
    """
    return Pricing(
        books=load_books(prices or settings.prices), asked=tuple(book or ()), on=None if on is None else on.date()
    )
