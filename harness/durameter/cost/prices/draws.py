"""Prices of many months at once: the same rules as `monthly_cost`, in scaled integers.

Nothing here is a float: quantities and money are int64 arrays with a power of ten, so that a draw costs exactly what
`monthly_cost` says of it. The greatest number that a product or a sum can reach is followed in Python's own integers
beside each array; what would not fit in 64 bits is refused, never wrapped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from durameter.cost.prices.cost import beyond_reason, billed_factor, hard_limit_reasons, held_fee, held_tariff, omitted
from durameter.cost.prices.schema import Plan
from durameter.cost.prices.tariff import BaseFee, PlanFee, Tariff
from durameter.cost.prices.usage import QUANTITIES, ProvisionedHours, Usage, words_of
from durameter.errors import UsageError

__all__ = ["NO_PRICE", "PricedDraws", "UsageDraws", "price_draws"]

NO_PRICE = -1
"""Stands in `PricedDraws.scaled` where there is no price; it is never a sum of money."""

_FLOAT_DIGITS = 3
_INT64_MAX = 2**63 - 1

Draws = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True)
class UsageDraws:
    """Many months of one account. Fields are those of `Usage`; arrays broadcast against each other.

    Integers are taken as they are, floats to three decimals (a thousandth of a unit or of a GBh), half to even.
    """

    units: Draws | Decimal
    active_gbh: Draws | Decimal | None = None
    retained_gbh: Draws | Decimal | None = None
    events: Draws | Decimal | None = None
    concurrent_steps: Draws | Decimal | None = None
    connect_workers: Draws | Decimal | None = None
    seats: Draws | Decimal | None = None
    others: Mapping[str, Draws | Decimal | None] = field(default_factory=dict)
    peak_aps: Decimal | None = None
    needs: Mapping[str, Decimal] = field(default_factory=dict)
    replicated: bool = False
    fairness_share: Decimal = Decimal(0)
    exported_workflows: Decimal = Decimal(0)
    provisioned: tuple[ProvisionedHours, ...] = ()
    days: int | None = None
    days_in_month: int = 30

    @classmethod
    def of(cls, usage: Usage, **drawn: Draws) -> "UsageDraws":
        """A month as it is, but for the quantities that are drawn: `UsageDraws.of(usage, units=array)`."""
        rest: dict[str, Any] = {name: getattr(usage, name) for name in type(usage).model_fields}
        own = {name: drawn.pop(name) for name in usage.others if name in drawn}
        return cls(**{**rest, **drawn, "others": {**usage.others, **own}})

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all draws, after broadcasting."""
        return np.broadcast_shapes(*(number.values.shape for number in self.numbers.values()))

    @cached_property
    def numbers(self) -> "Mapping[str, _Number]":
        """The quantities that are known, as scaled integers; computed once for all plans."""
        drawn = {name: getattr(self, name) for name in QUANTITIES} | dict(self.others)
        return {name: _number(values, name) for name, values in drawn.items() if values is not None}

    def at(self, index: int) -> Usage:
        """One draw as `monthly_cost` takes it, exact; `index` counts through all draws in C order."""
        shape = self.shape
        drawn = {
            name: Decimal(int(np.broadcast_to(number.values, shape).flat[index])).scaleb(-number.digits)
            for name, number in self.numbers.items()
        }
        own = {name: drawn.pop(name, None) for name in self.others}
        scalars = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in (*QUANTITIES, "others")}
        return Usage(**drawn, **scalars, others=own)


@dataclass(frozen=True)
class PricedDraws:
    """What each draw costs on one plan."""

    plan: str
    """The plan's id."""
    scaled: NDArray[np.int64]
    """Cost x `scale` in the book's currency, in the shape of the draws; `NO_PRICE` where there is none."""
    scale: int
    """A power of ten."""
    no_price: NDArray[np.bool_]
    """Draws that have no price on this plan or do not fit it."""
    why_not: Mapping[str, int]
    """Why, and in how many draws; a draw can have several reasons."""
    omitted: tuple[str, ...]
    """As `Cost.omitted`, of all draws together."""
    estimate: bool
    """The vendor's estimate, not an offer."""

    def dollars(self) -> NDArray[np.float64]:
        """The costs as floats, for quantiles and plots; NaN where there is no price."""
        return np.where(self.no_price, np.nan, self.scaled / self.scale)

    def amount(self, index: int) -> Decimal | None:
        """One cost, exact; `index` counts through all draws in C order. None where there is no price."""
        if self.no_price.flat[index]:
            return None
        return Decimal(int(self.scaled.flat[index])) / self.scale


@dataclass(frozen=True)
class _Number:
    """`values` x 10^-`digits`; no value is greater than `bound`."""

    values: NDArray[np.int64]
    digits: int
    bound: int

    def to(self, digits: int) -> "_Number":
        return self.times(10 ** (digits - self.digits), digits - self.digits)

    def times(self, factor: int, digits: int = 0) -> "_Number":
        bound = _fits(max(self.bound, 1) * factor)  # also the factor itself, where all values are zero
        return _Number(self.values * factor, self.digits + digits, bound)

    def plus(self, other: "_Number") -> "_Number":
        digits = max(self.digits, other.digits)
        left, right = self.to(digits), other.to(digits)
        return _Number(left.values + right.values, digits, _fits(left.bound + right.bound))

    def at_most(self, ceiling: int) -> "_Number":
        if ceiling >= self.bound:
            return self
        return _Number(np.minimum(self.values, ceiling), self.digits, ceiling)


def price_draws(plan: Plan, usage: UsageDraws) -> PricedDraws:
    """Price many months on one plan; each exactly as `monthly_cost` does.

    Args:
        plan: Of a price book.
        usage: Draws of any shape.

    Raises:
        UsageError: If a draw is negative or not a number, or a month is so large that its cost in scaled integers would
            not fit in 64 bits.
    """
    numbers = usage.numbers
    shape = usage.shape
    scalars = _scalars(usage)
    no_price = np.zeros(shape, dtype=np.bool_)
    if plan.not_priced:
        no_price[...] = True
        reasons = {f"not priced: {plan.not_priced}": no_price.size}
        return PricedDraws(plan.id, np.full(shape, NO_PRICE), 1, no_price, reasons, (), plan.estimate)
    reasons = {}
    for reason in hard_limit_reasons(plan, scalars):
        no_price[...] = True
        reasons[reason] = no_price.size
    charges = _constant(Decimal(0))
    units = _constant(Decimal(0))
    for name, tariff in plan.tariffs.items():
        if (used := numbers.get(name)) is None:
            continue
        held = held_tariff(plan, tariff, scalars)
        billed = _billed(plan, scalars, name, used)
        billed, beyond = _charged(held, billed)
        if beyond.any():
            no_price |= beyond
            reasons[beyond_reason(held, name)] = int(np.broadcast_to(beyond, shape).sum())
        if name == "units":
            units = billed
        charges = charges.plus(_charges(held, billed))
    total = charges.plus(_base_fees(plan.base_fees, units))
    if plan.fee is not None:
        total = total.plus(_fee(held_fee(plan, plan.fee, scalars), charges))
    scaled = np.where(no_price, NO_PRICE, np.broadcast_to(total.values, shape))
    left_out = omitted(plan, _sample(scalars, numbers))
    return PricedDraws(plan.id, scaled, 10**total.digits, no_price, reasons, left_out, plan.estimate)


def _scalars(usage: UsageDraws) -> Usage:
    """What is the same in all draws; of the quantities nothing."""
    rest = {f.name: getattr(usage, f.name) for f in fields(usage) if f.name not in (*QUANTITIES, "others")}
    return Usage(units=Decimal(0), others=dict.fromkeys(usage.others), **rest)


def _sample(scalars: Usage, numbers: Mapping[str, _Number]) -> Usage:
    """Which quantities are known, and whether any draw has some."""
    known: dict[str, Decimal] = {name: Decimal(int(number.values.max(initial=0))) for name, number in numbers.items()}
    own = {name: known.pop(name, None) for name in scalars.others}
    return scalars.model_copy(update={**known, "others": own})


def _number(values: Draws | Decimal, name: str) -> _Number:
    if isinstance(values, Decimal):
        if not values.is_finite() or values < 0:
            raise UsageError(f"Cannot price {values} {words_of(name)} a month: give a number of zero or more.")
        return _constant(values)
    if np.issubdtype(values.dtype, np.integer):
        _fits(int(values.max(initial=0)))
        whole, digits = values.astype(np.int64), 0
    else:
        if not np.isfinite(values).all():
            raise UsageError(f"Cannot price draws of {words_of(name)} that are not numbers.")
        _fits(int(values.max(initial=0.0)) * 10**_FLOAT_DIGITS)
        whole, digits = np.rint(values * 10**_FLOAT_DIGITS).astype(np.int64), _FLOAT_DIGITS
    if whole.min(initial=0) < 0:
        raise UsageError(f"Cannot price draws of {words_of(name)} below zero.")
    return _Number(whole, digits, int(whole.max(initial=0)))


def _constant(value: Decimal) -> _Number:
    whole, digits = _scaled(value)
    return _Number(np.asarray(_fits(whole), dtype=np.int64), digits, whole)


def _scaled(value: Decimal, digits: int | None = None) -> tuple[int, int]:
    """The value as an integer and its number of decimals; no more than it needs, unless more are asked for."""
    _, numerals, exponent = value.as_tuple()
    whole = int("".join(map(str, numerals)))
    places = -int(exponent)
    while places > 0 and whole % 10 == 0:
        whole, places = whole // 10, places - 1
    least = max(places, 0) if digits is None else digits
    return whole * 10 ** (least - places), least


def _edge(value: Decimal, digits: int) -> int:
    """An edge that values are compared with; one beyond 64 bits lies above every value all the same."""
    return min(_scaled(value, digits)[0], _INT64_MAX)


def _fits(number: int) -> int:
    if number > _INT64_MAX:
        raise UsageError(
            "Cannot price these draws: a month is too large for exact 64-bit sums. "
            "Give a smaller volume, or numbers of fewer digits."
        )
    return number


def _billed(plan: Plan, usage: Usage, name: str, used: _Number) -> _Number:
    factor = billed_factor(plan, usage, name)
    whole, digits = _scaled(factor.times)
    return used.times(whole, digits).plus(_constant(factor.plus)) if factor.why else used


def _charged(tariff: Tariff, billed: _Number) -> tuple[_Number, NDArray[np.bool_]]:
    """What is paid for, by whole blocks where they are sold so, cut off where there is no price; and where that is."""
    edges = [tariff.included, *(edge for edge in (tariff.block, tariff.ceiling) if edge is not None)]
    number = billed.to(max(billed.digits, *(_scaled(edge)[1] for edge in edges)))
    if tariff.block is not None:
        included, block = (_scaled(edge, number.digits)[0] for edge in (tariff.included, tariff.block))
        bound = _fits(max(number.bound, included) + block)
        blocks = -(-np.maximum(number.values - included, 0) // block)
        paid = np.where(blocks > 0, included + blocks * block, number.values)
        number = _Number(paid, number.digits, bound)
    if tariff.ceiling is None:
        return number, np.zeros((), dtype=np.bool_)
    ceiling = _edge(tariff.ceiling, number.digits)
    return number.at_most(ceiling), number.values > ceiling


def _charges(tariff: Tariff, paid: _Number) -> _Number:
    """What the bands come to."""
    edges = [tariff.included, *(e for b in tariff.bands for e in (b.above, b.up_to) if e is not None)]
    number = paid.to(max(paid.digits, *(_scaled(edge)[1] for edge in edges)))
    included = _edge(tariff.included, number.digits)
    beyond = tariff.bands_over == "beyond_included"
    start = 0 if beyond else included
    end = np.maximum(number.values - included, 0) if beyond else number.values
    price_digits = max((_scaled(band.unit_price)[1] for band in tariff.bands), default=0)
    prices = [_scaled(band.unit_price, price_digits)[0] for band in tariff.bands]
    bound = _fits(number.bound * max(prices, default=0))
    total = np.zeros((), dtype=np.int64)
    for band, price in zip(tariff.bands, prices, strict=True):
        lower = max(start, _edge(band.above, number.digits))
        if lower >= number.bound:
            continue
        upper = number.bound if band.up_to is None else min(number.bound, _scaled(band.up_to, number.digits)[0])
        total = total + np.maximum(np.minimum(end, upper) - lower, 0) * price
    return _Number(np.asarray(total, dtype=np.int64), number.digits + price_digits, bound)


def _base_fees(fees: tuple[BaseFee, ...], units: _Number) -> _Number:
    if not fees:
        return _constant(Decimal(0))
    digits = max(_scaled(fee.amount)[1] for fee in fees)
    amounts = np.array([_fits(_scaled(fee.amount, digits)[0]) for fee in fees], dtype=np.int64)
    ends = [fee.up_to for fee in fees if fee.up_to is not None]
    number = units.to(max(units.digits, *(_scaled(end)[1] for end in ends))) if ends else units
    edges = np.array([_edge(end, number.digits) for end in ends], dtype=np.int64)
    # A quantity equal to an edge still belongs to the range that ends there.
    chosen = amounts[np.searchsorted(edges, number.values, side="left")]
    return _Number(np.asarray(chosen), digits, int(amounts.max()))


def _fee(fee: PlanFee, charges: _Number) -> _Number:
    share = charges.times(*_scaled(fee.share_of_usage))
    digits = max(share.digits, _scaled(fee.minimum)[1])
    minimum = _fits(_scaled(fee.minimum, digits)[0])
    share = share.to(digits)
    return _Number(np.maximum(share.values, minimum), digits, max(share.bound, minimum))
