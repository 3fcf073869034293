"""Rows of the page's tables, as text."""

from collections.abc import Sequence
from decimal import Decimal

from durameter.prices import PriceBook, Source, money
from durameter.profile import Profile
from durameter.projection import EngineProjection, Projection, Quantiles, ReadingProjection
from durameter.report.numbers import count, percent, span
from durameter.report.page.words import currency_of, share, signed, units_between
from durameter.report.spread import TypeShare
from durameter.report.sureness import mean_interval_words, needed_words, next_task_words
from durameter.report.view import Report, Share

__all__ = [
    "assumed",
    "breakdown",
    "capacity",
    "checks",
    "limits",
    "marginals",
    "months",
    "not_covered",
    "plan_table",
    "price_books",
    "scenarios",
    "sensitivities",
    "sureness",
    "types",
    "worst",
]

Rows = list[tuple[str, ...]]


def breakdown(lines: Sequence[Share]) -> Rows:
    """Units per task by kind or cause."""
    return [
        (
            line.name,
            count(line.documented.mean),
            span(line.documented.low, line.documented.high),
            percent(line.share),
            f"+ {count(line.upper)}" if line.upper else "",
        )
        for line in lines
    ]


def types(lines: Sequence[TypeShare]) -> Rows:
    """Tasks and units per task by type."""
    return [
        (
            line.name,
            f"{line.tasks:,}",
            count(line.per_task.mean),
            span(line.per_task.low, line.per_task.high),
            percent(line.share),
            f"+ {count(line.upper)}" if line.upper else "",
        )
        for line in lines
    ]


def _figure(value: float) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def marginals(profile: Profile) -> Rows:
    """What one more of each covariate costs, and which kinds that is."""
    lines = profile.lines()
    rows: Rows = []
    for each in lines.total:
        parts = [(line.kind, line.marginal(each.covariate)) for line in lines.kinds]
        kinds = ", ".join(f"{_figure(value)} {kind}" for kind, value in parts if value)
        name = "task (fixed)" if each.covariate == "fixed" else each.covariate.replace("_", " ")
        rows.append((name, _figure(each.value), _figure(each.error) if each.error else "exact", kinds))
    return rows


def worst(profile: Profile) -> Rows:
    """The tasks that their line fits worst."""
    return [
        (each.task, each.reading, _figure(each.units), _figure(each.fitted), f"{each.residual:+.3g}", str(each.retries))
        for each in profile.worst
    ]


def _three(quantiles: Quantiles | None, currency: str) -> tuple[str, str, str]:
    if quantiles is None:
        return ("", "not priced", "")
    return money(quantiles.p5, currency), money(quantiles.p50, currency), money(quantiles.p95, currency)


def plan_table(engine: EngineProjection, reading: ReadingProjection) -> Rows:
    """Every plan at the user's volume: dollars, or why there are none."""
    rows: Rows = []
    for plan in reading.plans:
        name = f"{plan.name} (the vendor's estimate)" if plan.estimate else plan.name
        words = [plan.why_not] if plan.why_not else []
        if plan.dollars is not None and plan.without_price:
            words.append(f"no price in {share(plan.without_price)} of the draws")
        if reading.reading == "documented" and plan.dollars is not None:
            words += [f"not in it: {each}" for each in plan.omitted]
        mark = " (chosen)" if plan.plan == reading.plan else ""
        dollars = _three(plan.dollars, currency_of(engine))
        rows.append((name + mark, *dollars, share(plan.cheapest) if plan.dollars else "", "; ".join(words)))
    return rows


def sensitivities(projection: Projection) -> Rows:
    """What one thing more or less would change."""
    currencies = {each.engine: currency_of(each) for each in projection.engines}
    return [
        (
            each.engine,
            each.what,
            signed(each.units_per_task.p50),
            "not priced" if each.dollars is None else signed(each.dollars.p50, currencies.get(each.engine, "USD")),
            each.note,
        )
        for each in projection.sensitivities
    ]


def scenarios(projection: Projection) -> Rows:
    """Scenarios that are in the figures."""
    return [
        (
            engine.engine,
            f"{each.name} (extrapolated)" if each.extrapolated else each.name,
            percent(Decimal(str(each.share))),
            f"{signed(each.extra_units)}{f' ± {count(each.extra_error)}' if each.extra_error else ''}",
            str(each.tasks),
            f"{each.description} {each.why}".strip(),
        )
        for engine in projection.engines
        for each in engine.scenarios
    ]


def months(engine: EngineProjection) -> Rows:
    """The months of a growing volume."""
    names = {plan.plan: plan.name for reading in engine.readings for plan in reading.plans}
    return [
        (
            str(each.month),
            units_between(each.volume),
            units_between(each.units),
            *_three(each.dollars, currency_of(engine)),
            names.get(each.plan, each.plan) or each.why_none,
        )
        for each in engine.months
    ]


def limits(projection: Projection) -> Rows:
    """Limits of plans that the month meets, by the documented reading."""
    return [
        (engine.engine, plan.name, limit.what, limit.lifted_by or "nothing", limit.price, "yes" if limit.fits else "NO")
        for engine in projection.engines
        if (found := engine.reading("documented")) is not None
        for plan in found.plans
        for limit in plan.limits
    ]


def capacity(engine: EngineProjection) -> Rows:
    """Storage, rates and events of the month."""
    return [(each.what, each.value, each.why) for each in engine.capacity]


def assumed(projection: Projection) -> list[str]:
    """What the projection rests on."""
    own = [f"{engine.engine}: {line}" for engine in projection.engines for line in engine.assumptions]
    return list(dict.fromkeys([*projection.assumptions, *own]))


def not_covered(projection: Projection) -> list[str]:
    """What no dollar of the projection covers."""
    own = [f"{engine.engine}: {line}" for engine in projection.engines for line in engine.not_covered]
    return list(dict.fromkeys([*projection.not_covered, *own]))


def sureness(report: Report) -> Rows:
    """How sure the mean of each engine is, and what one further task may need."""
    return [
        (
            engine.engine,
            reading,
            str(found.mean.n),
            str(found.mean.clusters),
            mean_interval_words(found),
            next_task_words(found),
            needed_words(found),
        )
        for engine in report.engines
        for reading, found in (("documented", engine.certainty), ("open questions billed", engine.certainty_upper))
        if found is not None
    ]


def checks(report: Report) -> Rows:
    """Every comparison of two sources."""
    return [
        (
            engine.engine,
            found.source,
            found.other,
            "independent" if found.independent else "not independent",
            found.state,
            str(len(found.lines)),
            "; ".join(found.notes),
        )
        for engine in report.engines
        for found in engine.reconciliations
    ]


def price_books(report: Report, projection: Projection | None, books: Sequence[PriceBook]) -> Rows:
    """The price books behind the dollars, each with its date and sources."""
    known = {book.id: book for book in books}
    rows: dict[str, tuple[str, ...]] = {}
    for engine in projection.engines if projection else ():
        if (used := engine.book) is not None:
            why = f"{used.id} ({used.chosen})" if used.chosen else used.id
            rows[used.id] = (why, used.vendor, str(used.effective_from), str(used.checked), _sources(used.sources))
    for month in (month for engine in report.engines if (month := engine.month) is not None and month.price_book):
        book = known.get(month.price_book)
        start = f"{book.effective_from}" if book else ""
        words = _sources(book.sources) if book else "see durameter prices"
        row = (month.price_book, book.vendor if book else "", start, str(month.prices_checked), words)
        rows.setdefault(month.price_book, row)
    return list(rows.values())


def _sources(sources: Sequence[Source]) -> str:
    parts = []
    for source in sources:
        where = " @".join(part for part in (source.repository, source.commit[:8]) if part)
        parts.append(f"{source.document} ({where})" if where else source.document)
    return "; ".join(parts)
