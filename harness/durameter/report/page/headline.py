"""What the page says first: what a month costs, and a card per engine; and how the page writes figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from durameter.cost.prices import money
from durameter.cost.projection import EngineProjection, Projection, Quantiles, ReadingProjection
from durameter.formatting import count, percent, plain, span
from durameter.report.intervals import mean_interval_words
from durameter.report.measurement import EngineReport, Month, Report
from durameter.report.page.svg import MINUS

__all__ = [
    "Card",
    "answer",
    "card",
    "currency_of",
    "dollars_between",
    "share",
    "signed",
    "units_between",
    "whole",
]

_CERTAIN = 0.9995


@dataclass(frozen=True)
class Card:
    """The figures of one engine at a glance."""

    figure: str
    """Dollars a month, or why there are none."""
    small: str
    """What stands beside the figure."""
    lines: tuple[str, ...]


def whole(value: Decimal) -> str:
    """Units or tasks of a month, without a fraction."""
    return plain(value.quantize(Decimal(1), ROUND_HALF_UP))


def share(value: float) -> str:
    """A share of draws; almost all is not all."""
    if 0 < value < 1 - _CERTAIN:
        return "< 0.1 %"
    return "> 99.9 %" if _CERTAIN < value < 1 else percent(Decimal(str(value))).replace(".0 %", " %")


def dollars_between(quantiles: Quantiles | None, currency: str) -> str:
    """`$1,690.00 to $1,960.00`; one amount where nothing varies."""
    if quantiles is None:
        return "not priced"
    low, high = money(quantiles.p5, currency), money(quantiles.p95, currency)
    return low if low == high else f"{low} to {high}"


def units_between(quantiles: Quantiles) -> str:
    """`35,100,000 to 35,600,000`."""
    low, high = whole(quantiles.p5), whole(quantiles.p95)
    return low if low == high else f"{low} to {high}"


def signed(value: Decimal, currency: str = "") -> str:
    """A change, with its sign; in dollars where a currency is given."""
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    return f"{sign} {money(abs(value), currency) if currency else count(abs(value))}"


def currency_of(engine: EngineProjection) -> str:
    """Of its price book."""
    return engine.book.currency if engine.book else "USD"


def answer(report: Report, projection: Projection | None) -> list[str]:
    """What a month costs and which engine is cheaper, first of all; empty if no dollars can be said."""
    if projection is not None:
        return _projected(projection)
    priced = [(engine, _months(engine)) for engine in report.engines if _months(engine)]
    if not priced:
        return []
    said = " and ".join(f"{engine.engine} {_month(months)}" for engine, months in priced)
    return [f"At {whole(report.volume)} tasks a month: {said}."]


def _months(engine: EngineReport) -> list[Month]:
    """The priced readings, the cheapest first; none where the count is not believed or a reading has no price."""
    if any(found.state == "differs" for found in engine.reconciliations):
        return []
    months = [month for month in (engine.month_lower, engine.month, engine.month_upper) if month is not None]
    return [] if any(month.dollars is None for month in months) else months


def _month(months: Sequence[Month]) -> str:
    amounts = sorted({month.dollars for month in months if month.dollars is not None})
    plans = " or ".join(dict.fromkeys(month.plan for month in months))
    return f"{span_of([money(amount) for amount in amounts])} on {plans}"


def span_of(words: Sequence[str]) -> str:
    """First to last, or the only one."""
    return words[0] if words[0] == words[-1] else f"{words[0]} to {words[-1]}"


def _projected(projection: Projection) -> list[str]:
    priced = [
        (engine, found)
        for engine in projection.engines
        if (found := engine.reading("documented")) is not None and found.dollars is not None
    ]
    if not priced:
        return []
    priced.sort(key=lambda each: each[1].dollars.p50 if each[1].dollars else Decimal(0))
    parts = [_on_plan(engine, found) for engine, found in priced]
    lines = [f"At {whole(projection.volume)} tasks a month: {', '.join(parts)}."]
    if len(priced) > 1:
        lines.append(_cheaper(projection, [engine.engine for engine, _ in priced]))
    return lines


def _on_plan(engine: EngineProjection, found: ReadingProjection) -> str:
    name = found.chosen.name if found.chosen else found.plan
    middle = money(found.dollars.p50 if found.dollars else Decimal(0), currency_of(engine))
    return f"{engine.engine} {middle} on {name}"


def _cheaper(projection: Projection, order: Sequence[str]) -> str:
    first = order[0]
    part = projection.cheaper.get(first, 0.0)
    often = "every draw" if part == 1 else f"{share(part)} of the draws"
    others = [
        name
        for name in ("lower", "upper")
        if _cheapest_by(projection, name) not in ("", first)
    ]  # fmt: skip
    sentence = f"{first} is the cheaper one in {often}"
    if others:
        ways = " or ".join("for you" if name == "lower" else "against you" for name in others)
        return f"{sentence}, and would not be if the open questions are answered {ways}."
    return f"{sentence}."


def _cheapest_by(projection: Projection, reading: str) -> str:
    """The cheapest engine by another reading; empty if there is none or a price is missing."""
    found = {
        engine.engine: one.dollars.p50
        for engine in projection.engines
        for one in [next((each for each in engine.readings if each.reading == reading), engine.reading("documented"))]
        if one is not None and one.dollars is not None
    }
    return min(found, key=lambda name: found[name]) if found else ""


def card(engine: EngineReport, projected: EngineProjection | None) -> Card:
    """The figures of one engine at a glance: projected where there is a projection, else of the report."""
    lines = [f"{count(engine.per_task.mean)} {engine.unit}s per task"] if engine.per_task else []
    if engine.per_task and engine.per_task.low != engine.per_task.high:
        lines[0] += f", {span(engine.per_task.low, engine.per_task.high)} in the measured tasks"
    if engine.certainty is not None and engine.certainty.mean.low is not None:
        level = percent(Decimal(str(engine.certainty.mean.level))).removesuffix(".0 %").removesuffix(" %")
        lines.append(f"mean {mean_interval_words(engine.certainty)}, {level} % interval")
    if projected is not None:
        return _projected_card(engine, projected, lines)
    months = _months(engine)
    if not months:
        return Card("no dollars", "", (_why_no_dollars(engine), *lines))
    amounts = sorted(month.dollars for month in months if month.dollars is not None)
    if amounts[0] != amounts[-1]:
        lines.append("a range, because an open question of the rulebook is billed or not")
    on = " or ".join(dict.fromkeys(f"{month.plan} ({month.price_book})" for month in months))
    return Card(span_of([money(amount) for amount in amounts]), "a month", (f"on {on}", *lines))


def _why_no_dollars(engine: EngineReport) -> str:
    if engine.month is None:
        return engine.problem or "nothing was counted"
    if any(found.state == "differs" for found in engine.reconciliations):
        return "the count is not proved"
    months = (engine.month, engine.month_lower, engine.month_upper)
    return next((month.why_not_priced for month in months if month is not None and month.dollars is None), "")


def _projected_card(engine: EngineReport, projected: EngineProjection, lines: list[str]) -> Card:
    found = projected.reading("documented")
    if found is None or found.dollars is None:
        why = projected.refused or projected.why_no_book or (found.why_none if found else engine.problem)
        return Card("no dollars", "", (why or "nothing was counted", *lines))
    currency = currency_of(projected)
    on = f"on {found.chosen.name if found.chosen else found.plan}"
    if found.dollars.sure:
        on += ", exactly" if projected.exact else ""
    else:
        on += f"; {dollars_between(found.dollars, currency)} in 18 of 20 draws"
    others = [each for each in projected.readings if each.reading != "documented" and each.dollars is not None]
    for each in others:
        if each.dollars is not None and each.dollars.p50 != found.dollars.p50:
            way = "against you" if each.reading == "upper" else "for you"
            lines.append(f"{money(each.dollars.p50, currency)} if the open questions are answered {way}")
    return Card(money(found.dollars.p50, currency), "a month", (on, *lines))
