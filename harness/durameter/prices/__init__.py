"""Dated price books, and what a month of units costs on each of their plans. See docs/prices.md."""

from durameter.prices.books import NotPricedError, PriceFileError, book, load_books
from durameter.prices.choose import Choice, cheapest
from durameter.prices.cost import Cost, Line, monthly_cost
from durameter.prices.exact import cents, money
from durameter.prices.schema import Band, BaseFee, Plan, PlanFee, PriceBook, Range, Source, Tariff

__all__ = [
    "Band",
    "BaseFee",
    "Choice",
    "Cost",
    "Line",
    "NotPricedError",
    "Plan",
    "PlanFee",
    "PriceBook",
    "PriceFileError",
    "Range",
    "Source",
    "Tariff",
    "book",
    "cents",
    "cheapest",
    "load_books",
    "money",
    "monthly_cost",
]
