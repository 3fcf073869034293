"""Dated price books, and what a month of usage costs on each of their plans. See docs/prices.md."""

from durameter.cost.prices.books import NotPricedError, PriceFileError, book, book_by_id, chosen_book, load_books
from durameter.cost.prices.choose import Choice, cheapest, choose
from durameter.cost.prices.cost import Cost, Line, limit_hits, monthly_cost
from durameter.cost.prices.draws import NO_PRICE, PricedDraws, UsageDraws, price_draws
from durameter.cost.prices.limits import Capacity, Limit, LimitHit, Multipliers
from durameter.cost.prices.schema import Plan, PriceBook, Source
from durameter.cost.prices.tariff import Band, BaseFee, PlanFee, Range, Tariff, cents, money
from durameter.cost.prices.usage import QUANTITIES, ProvisionedHours, Usage, words_of

__all__ = [
    "NO_PRICE",
    "QUANTITIES",
    "Band",
    "BaseFee",
    "Capacity",
    "Choice",
    "Cost",
    "Limit",
    "LimitHit",
    "Line",
    "Multipliers",
    "NotPricedError",
    "Plan",
    "PlanFee",
    "PriceBook",
    "PriceFileError",
    "PricedDraws",
    "ProvisionedHours",
    "Range",
    "Source",
    "Tariff",
    "Usage",
    "UsageDraws",
    "book",
    "book_by_id",
    "cents",
    "cheapest",
    "choose",
    "chosen_book",
    "limit_hits",
    "load_books",
    "money",
    "monthly_cost",
    "price_draws",
    "words_of",
]
