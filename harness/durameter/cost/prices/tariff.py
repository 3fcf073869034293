"""How a price follows a quantity: graduated bands, blocks, fixed fees, fees that follow usage."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

__all__ = [
    "EXACT",
    "Amount",
    "Band",
    "BaseFee",
    "PlanFee",
    "Range",
    "Record",
    "Tariff",
    "cents",
    "contiguous",
    "exact_money",
    "figure",
    "money",
]

# Exact decimals: what a price file may hold, how sums are made, how money is shown.

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


class Record(BaseModel):
    """A part of a price book: frozen, and an unknown word is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(Record):
    """The quantities above `above` up to and including `up_to`; without `up_to` it has no end."""

    above: Amount
    up_to: Amount | None = None

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.up_to is not None and self.up_to <= self.above:
            raise ValueError(f"up_to ({self.up_to:,f}) must be greater than above ({self.above:,f})")
        return self

    def part_of(self, start: Decimal, end: Decimal) -> Decimal:
        """How much of the quantity from `start` to `end` lies in this range."""
        top = end if self.up_to is None else min(end, self.up_to)
        return max(top - max(start, self.above), Decimal(0))


class Band(Range):
    """One band of graduated prices: `price` for every `per` units inside it."""

    price: Amount
    """In the book's currency."""
    per: Amount = Field(gt=0)
    """As the vendor quotes it: 1, or 1 000 000."""

    @model_validator(mode="after")
    def _exact_price(self) -> Self:
        try:
            _exact_quotient(self.price, self.per)
        except Inexact:
            raise ValueError(f"{self.price:f} per {self.per:,f} has no exact decimal") from None
        return self

    @property
    def unit_price(self) -> Decimal:
        """Price of one unit, exact."""
        return _exact_quotient(self.price, self.per)


class BaseFee(Range):
    """A fixed monthly amount for months whose whole number of units lies in this range: a declared step in the cost."""

    amount: Amount


class PlanFee(Record):
    """A fee that follows usage: the greater of a minimum and a share of the month's usage charges."""

    minimum: Amount
    share_of_usage: Amount = Field(le=1)

    def on(self, usage: Decimal) -> Decimal:
        """The month's fee on these usage charges (metered charges beyond what the plan includes)."""
        with localcontext(EXACT):
            return max(self.minimum, self.share_of_usage * usage)


class Tariff(Record):
    """What one metered quantity costs in a month on one plan."""

    included: Amount
    """Quantity per month that costs nothing more."""
    bands_over: Literal["beyond_included", "total"] | None = None
    """What the bands count: `beyond_included`, only what exceeds `included`; `total`, the whole month's
    quantity, of which `included` is free wherever it falls."""
    bands: tuple[Band, ...] = ()
    block: Amount | None = Field(default=None, gt=0)
    """What exceeds `included` is sold in whole blocks of so many: a declared step in the cost at each block."""
    beyond_bands: str = ""
    """What the vendor says above the last band, where that has an end, or above `included`, where there are no bands.
    There the plan is not priced."""
    pauses_at_quota: bool = False
    """The vendor stops the work when `included` is used up: a larger quantity does not fit."""
    no_more: bool = False
    """The vendor sells no more than `included` on this plan: a larger quantity does not fit."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.pauses_at_quota or self.no_more:
            if self.bands or self.beyond_bands or self.block:
                raise ValueError("what pauses at its quota, or sells no more, has no bands and nothing beyond them")
            return self
        if not self.bands:
            if self.beyond_bands:
                return self
            raise ValueError(
                "give the bands, or pauses_at_quota = true, or no_more = true, or say in beyond_bands what holds: "
                "no price is not a price of zero"
            )
        if self.bands_over is None:
            raise ValueError('say what the bands count: bands_over = "beyond_included" or "total"')
        contiguous(self.bands)
        first, last = self.bands[0].above, self.bands[-1].up_to
        lowest = Decimal(0) if self.bands_over == "beyond_included" else self.included
        if first > lowest:
            raise ValueError(f"gap: nothing is said from {lowest:,f} to {first:,f}")
        if (last is None) != (not self.beyond_bands):
            raise ValueError("beyond_bands says what holds above the last band: give it if and only if that ends")
        if self.bands_over == "total" and last is not None and last <= self.included:
            raise ValueError(f"the bands end at {last:,f}, below the {self.included:,f} included")
        return self

    @property
    def ceiling(self) -> Decimal | None:
        """The greatest monthly quantity with a price; None if there is no limit."""
        if not self.bands:
            return self.included
        end = self.bands[-1].up_to
        if end is None or self.bands_over == "total":
            return end
        with localcontext(EXACT):
            return self.included + end

    @property
    def flat(self) -> bool:
        """Whether one price holds for every unit from the first on: then a sum of months costs the sum of them."""
        one_price = len({band.unit_price for band in self.bands}) == 1
        return self.included == 0 and self.ceiling is None and one_price and self.block is None

    def parts(self, quantity: Decimal) -> tuple[tuple[Band, Decimal], ...]:
        """How much of a month's quantity falls into each band: only bands with some, and nothing of what is free."""
        with localcontext(EXACT):
            total = self.charged(quantity)
            if self.bands_over == "beyond_included":
                start, end = Decimal(0), max(total - self.included, Decimal(0))
            else:
                start, end = self.included, total
            found = ((band, band.part_of(start, end)) for band in self.bands)
            return tuple((band, part) for band, part in found if part)

    def charged(self, quantity: Decimal) -> Decimal:
        """The quantity that is paid for: as it is, or `included` and the whole blocks beyond it."""
        if self.block is None or quantity <= self.included:
            return quantity
        with localcontext(EXACT):
            whole, rest = divmod(quantity - self.included, self.block)
            return self.included + (whole + (1 if rest else 0)) * self.block


def _exact_quotient(price: Decimal, per: Decimal) -> Decimal:
    with localcontext(EXACT):
        return price / per


def contiguous(ranges: Sequence[Range]) -> None:
    """Check that ranges follow each other without a gap and without an overlap.

    Raises:
        ValueError: they do not.
    """
    for lower, upper in pairwise(ranges):
        if lower.up_to is None:
            raise ValueError(f"what is above {lower.above:,f} has no end, so nothing can follow it")
        if upper.above > lower.up_to:
            raise ValueError(f"gap: nothing is said from {lower.up_to:,f} to {upper.above:,f}")
        if upper.above < lower.up_to:
            raise ValueError(f"overlap: above {upper.above:,f} follows what goes up to {lower.up_to:,f}")
