"""Dollars of a month on every plan: exact at one volume, and for draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from durameter.cost.billing.month import price_month
from durameter.cost.capacity import Demand, capacity_rows, demand, limit_lines
from durameter.cost.prices import Cost, NotPricedError, Plan, PriceBook
from durameter.cost.prices.books import Pricing
from durameter.cost.prices.draws import UsageDraws, price_draws
from durameter.cost.projection.ask import Ask
from durameter.cost.projection.records import BookUsed, CapacityRow, PlanMonth, Quantiles
from durameter.errors import UsageError
from durameter.results.model import EngineResult

__all__ = [
    "MOST_UNPRICED",
    "Dollars",
    "Pricer",
    "check_books",
    "check_plans",
    "choose_book",
    "choose_plans",
    "demand_of",
    "near",
    "plain",
    "plan_months",
    "quantiles",
    "quantities",
    "rows",
    "whole",
    "why_none",
]

# What a month meets beside units: storage, events, rates, from what was measured.

_SHOWN = ("active_gbh", "retained_gbh", "events", "concurrent_steps", "connect_workers", "seats", "peak_aps")


def demand_of(engine: EngineResult, ask: Ask) -> Demand:
    """The month's demand at the volume asked for.

    Raises:
        UsageError: retention, open hours or step seconds are out of their range.
    """
    return demand(
        engine,
        ask.volume,
        ask.day_shape,
        retention_days=ask.retention_days,
        open_hours=ask.open_hours,
        step_seconds=ask.step_seconds,
    )


def quantities(found: Demand, units: Decimal) -> Mapping[str, Decimal | None]:
    """What the month meets beside units, by name; None is not known."""
    usage = found.usage(units)
    return {**{name: getattr(usage, name) for name in _SHOWN}, **usage.others}


def rows(found: Demand) -> tuple[CapacityRow, ...]:
    """Storage and capacity in words."""
    return tuple(CapacityRow(what=row.what, value=row.value, why=row.why) for row in capacity_rows(found))


def near(found: Demand, plan: Plan, units: Decimal) -> tuple[str, ...]:
    """Limits of the plan that the month meets or comes near to, one sentence each."""
    return limit_lines(found.limits(plan, units))


# Which price book and which plans a projection uses.


def check_books(asked: Sequence[str], engines: Sequence[str], books: Sequence[PriceBook]) -> None:
    """Check that every book asked for exists, is of a measured engine, and is the only one of its engine.

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


def choose_book(engine: str, measured: date, pricing: Pricing) -> tuple[PriceBook, BookUsed] | str:
    """The book for one engine and why it was taken; or why there is none.

    Args:
        engine: its name.
        measured: the day of the measurement: the book in force then is the default.
        pricing: which books.
    """
    try:
        found = pricing.of(engine, measured)
    except NotPricedError as error:
        return str(error)
    on = pricing.on
    in_force = f"in force on {on}, as asked" if on else f"in force on the day of the measurement, {measured}"
    return found, _used(found, "asked for by its id" if found.id in pricing.asked else in_force)


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


def check_plans(asked: Sequence[str], books: Sequence[PriceBook]) -> None:
    """Check that every plan asked for is in one of the books that are used.

    Args:
        asked: `business` for any engine's plan of that id, or `engine.business`.
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


Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_UNPRICED: Final = 0.05
"""A plan may have no price in at most this share of the draws; above it the 95th percentile has none, and it does not
fit."""

_DRAWN: Final = ("active_gbh", "retained_gbh", "events")
"""What varies along with the units. Rates and limits are those of the middle draw."""


@dataclass(frozen=True)
class Dollars:
    """A month on every plan of one engine, draw by draw."""

    plans: tuple[Plan, ...]
    amounts: Floats
    """Shape (plans, draws); infinite where a plan has no price."""

    @property
    def chosen(self) -> int | None:
        """The plan with the lowest median among the offers with a price in 19 of 20 draws; the first where equal."""
        medians = [
            np.inf if plan.estimate or not np.isfinite(_at(amounts, 0.95)) else _at(amounts, 0.5)
            for plan, amounts in zip(self.plans, self.amounts, strict=True)
        ]
        if not medians or not np.isfinite(min(medians)):
            return None
        return int(np.argmin(medians))

    @property
    def best(self) -> Floats | None:
        """Of the chosen plan, shape (draws,)."""
        return None if self.chosen is None else self.amounts[self.chosen]

    @property
    def cheapest(self) -> list[float]:
        """Share of the draws in which each plan is the cheapest offer with a price."""
        offers = np.where([[plan.estimate] for plan in self.plans], np.inf, self.amounts)
        least = np.argmin(offers, axis=0)
        priced = np.isfinite(np.min(offers, axis=0))
        return [float(np.mean(priced & (least == number))) for number in range(len(self.plans))]


@dataclass(frozen=True)
class Pricer:
    """The plans of one engine, and what its months meet beside units."""

    book: PriceBook
    used: BookUsed
    plans: tuple[Plan, ...]
    demand: Demand
    """At any volume."""

    def cost(self, plan: Plan, units: Fraction, measured: Fraction) -> Cost:
        """One month on one plan, exact, at units rounded to a millionth.

        Args:
            plan: one of `plans`.
            units: of the month.
            measured: mean units of a measured task. Storage, events and rates are those of so many measured tasks as
                have these units together: a month of tasks twice as large has twice the storage.
        """
        return price_month(self._month(units, measured), plan, whole(units))

    def _month(self, units: Fraction, measured: Fraction) -> Demand:
        """What as many measured tasks ask for as have these units together."""
        return self.demand.at(whole(units / measured if measured else Fraction()))

    def costs(self, units: Fraction, measured: Fraction) -> Mapping[str, Decimal | None]:
        """Every offer with its dollars; None where it has no price."""
        return {plan.id: self.cost(plan, units, measured).amount for plan in self.plans if not plan.estimate}

    def draws(self, units: Ints, measured: Fraction) -> Dollars:
        """A month on every plan, for draws of its units, shape (draws,)."""
        middle = Fraction(int(_at(units, 0.5)))
        ratio = units / max(float(middle), 1.0)
        rows = [self._amounts(plan, units, middle, measured, ratio) for plan in self.plans]
        return Dollars(self.plans, np.array(rows).reshape(len(self.plans), len(units)))

    def _amounts(self, plan: Plan, units: Ints, middle: Fraction, measured: Fraction, ratio: Floats) -> Floats:
        usage = self._month(middle, measured).usage_on(plan, whole(middle))
        known = {name: usage.of(name) for name in (*_DRAWN, *usage.others)}
        drawn = {name: float(value) * ratio for name, value in known.items() if value}
        priced = price_draws(plan, UsageDraws.of(usage, units=units, **drawn))
        return np.where(priced.no_price, np.inf, priced.scaled / priced.scale)


def whole(units: Fraction) -> Decimal:
    """Units to a millionth, so that prices of them are exact decimals."""
    return plain(Decimal(round(units * 10**6)).scaleb(-6))


def plain(value: Decimal) -> Decimal:
    """Without needless zeros behind the point."""
    return value.normalize() + 0


def quantiles(values: NDArray[np.float64] | Ints) -> Quantiles:
    """Draws that 5, 50 and 95 % of the draws do not exceed: real draws, nothing between two of them."""
    p5, p50, p95 = (_at(values, level) for level in (0.05, 0.5, 0.95))
    return Quantiles(p5=_decimal(p5), p50=_decimal(p50), p95=_decimal(p95))


def plan_months(
    pricer: Pricer, dollars: Dollars, middle: Fraction, high: Fraction, measured: Fraction
) -> tuple[PlanMonth, ...]:
    """Each plan's month as it is shown.

    Args:
        pricer: the plans.
        dollars: their draws.
        middle: units of the middle draw, at which limits and what is left out are named.
        high: units of the draw at the 95th percentile: why a plan does not fit shows there first.
        measured: mean units of a measured task.
    """
    found = []
    for plan, amounts, share in zip(pricer.plans, dollars.amounts, dollars.cheapest, strict=True):
        without = float(np.mean(~np.isfinite(amounts)))
        cost = pricer.cost(plan, middle, measured)
        fits = without <= MOST_UNPRICED
        why = "" if fits else (cost.why_not or pricer.cost(plan, high, measured).why_not)
        if not fits and cost.priced:
            why = f"in {without:.0%} of the draws: {why}"
        found.append(
            PlanMonth(
                plan=plan.id,
                name=plan.name,
                estimate=plan.estimate,
                dollars=quantiles(amounts) if fits else None,
                why_not=why,
                without_price=without,
                cheapest=share,
                omitted=cost.omitted,
                limits=cost.limits,
            )
        )
    return tuple(found)


def why_none(months: Sequence[PlanMonth]) -> str:
    """Why no plan is chosen, in words."""
    reasons = [f"{each.name}: {each.why_not or 'only an estimate by the vendor'}" for each in months]
    return "; ".join(reasons) or "there are no plans"


def _at(values: NDArray[np.float64] | Ints, level: float) -> float:
    """The smallest draw that at least this share of the draws do not exceed."""
    place = max(int(np.ceil(level * values.size - 1e-9)) - 1, 0)
    return float(np.partition(values, place)[place])


def _decimal(value: float) -> Decimal:
    return plain(Decimal(repr(round(value, 6))))
