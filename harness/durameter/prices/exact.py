"""Exact decimals: what a price file may hold, how sums are made, how money is shown."""

from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

__all__ = ["EXACT", "Amount", "cents", "exact_money", "figure", "money"]

EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""The context that prices are computed in: wide, and it raises `decimal.Inexact` instead of rounding."""

_CENT = Decimal("0.01")


def _exact_only(value: object) -> object:
    if isinstance(value, bool | float):
        raise PydanticCustomError("not_exact", "must be an exact decimal; a binary float would change the price")
    return value


Amount = Annotated[Decimal, BeforeValidator(_exact_only), Field(ge=0)]
"""A count, a price or a share: an exact decimal, finite and not negative; never a float."""


def cents(amount: Decimal) -> Decimal:
    """The amount to two places, half a cent rounded away from zero (`ROUND_HALF_UP`).

    For showing only: costs are kept, summed and compared unrounded.
    """
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP, context=Context(prec=EXACT.prec))


def money(amount: Decimal, currency: str = "USD") -> str:
    """The amount as a reader sees it: `$1,249.00`, or `EUR 1,249.00`; rounded as `cents` does."""
    shown = f"{cents(amount):,f}"
    return f"${shown}" if currency == "USD" else f"{currency} {shown}"


def exact_money(amount: Decimal, currency: str = "USD") -> str:
    """A price as it is, never rounded: `$25`, `$0.50`, `$0.00105`."""
    whole = amount == amount.to_integral_value()
    shown = f"{amount:,.0f}" if whole else f"{amount.normalize(EXACT):,f}"
    if not whole and len(shown.rpartition(".")[2]) == 1:
        shown += "0"
    return f"${shown}" if currency == "USD" else f"{currency} {shown}"


def figure(number: Decimal) -> str:
    """A quantity without needless zeros: `1,370,968`, `12.5`."""
    shown = f"{number:,f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
