"""Tables of the page that no other form has, as blocks of a document."""

from collections.abc import Sequence
from decimal import Decimal

from durameter.cost.prices import PriceBook, Source, money
from durameter.cost.profile import Profile
from durameter.cost.projection import EngineProjection, Projection, Quantiles, ReadingProjection
from durameter.formatting import count, percent
from durameter.report.document import Column, Row, Table
from durameter.report.intervals import mean_interval_words, needed_words, next_task_words
from durameter.report.measurement import Report
from durameter.report.page.headline import currency_of, share, signed, units_between

__all__ = [
    "checks",
    "limits",
    "marginals",
    "months",
    "plan_table",
    "price_books",
    "scenarios",
    "sensitivities",
    "sureness",
    "worst",
]


def _figures(*heads: str) -> tuple[Column, ...]:
    return tuple(Column(head, figures=True) for head in heads)


def _long(*heads: str) -> tuple[Column, ...]:
    return tuple(Column(head, fit="long") for head in heads)


_PLANS = (
    Column("plan"),
    *_figures("p5", "p50", "p95", "cheapest in"),
    *_long("why not, and what is not in it"),
)
_CHANGES = (
    Column("engine"),
    *_long("if there were"),
    *_figures("units per task", "dollars a month"),
    *_long("note"),
)
_SCENARIOS = (
    Column("engine"),
    Column("scenario"),
    *_figures("share of tasks", "extra units per task hit", "tasks"),
    *_long("what it is, and why this share"),
)
_MONTHS = (*_figures("month", "tasks", "units", "p5", "p50", "p95"), Column("plan"))
_LIMITS = (
    Column("engine"),
    Column("plan"),
    *_long("limit", "what lifts it", "what that costs"),
    Column("fits"),
)
_SURENESS = (
    Column("engine"),
    Column("reading"),
    *_figures("tasks", "groups", "mean, 95 %", "one further task, 95 %", "further tasks for ±10 % / ±5 %"),
)
_CHECKS = (
    Column("engine"),
    Column("source"),
    Column("against"),
    Column("", fit="whole"),
    Column("state"),
    *_figures("kinds"),
    *_long("what to know"),
)
_BOOKS = (
    Column("price book"),
    Column("vendor"),
    Column("in force from", fit="whole"),
    Column("checked", fit="whole"),
    *_long("source"),
)


def _figure(value: float) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def marginals(profile: Profile) -> Table:
    """What one more of each covariate costs, and which kinds that is."""
    lines = profile.lines()
    rows: list[Row] = []
    for each in lines.total:
        parts = [(line.kind, line.marginal(each.covariate)) for line in lines.kinds]
        kinds = ", ".join(f"{_figure(value)} {kind}" for kind, value in parts if value)
        name = "task (fixed)" if each.covariate == "fixed" else each.covariate.replace("_", " ")
        rows.append((name, _figure(each.value), _figure(each.error) if each.error else "exact", kinds))
    return Table(
        (Column("per"), *_figures(f"{profile.unit}s", "± standard error"), Column("of which", fit="long")),
        tuple(rows),
        caption=f"{profile.engine} profile",
    )


def worst(profile: Profile) -> Table:
    """The tasks that their line fits worst."""
    rows: list[Row] = [
        (each.task, each.reading, _figure(each.units), _figure(each.fitted), f"{each.residual:+.3g}", str(each.retries))
        for each in profile.worst
    ]
    return Table(
        (Column("task"), Column("reading"), *_figures(f"{profile.unit}s", "by the profile", "off by", "retries")),
        tuple(rows),
        caption=f"{profile.engine} worst tasks",
    )


def _three(quantiles: Quantiles | None, currency: str) -> tuple[str, str, str]:
    if quantiles is None:
        return ("", "not priced", "")
    return money(quantiles.p5, currency), money(quantiles.p50, currency), money(quantiles.p95, currency)


def plan_table(engine: EngineProjection, reading: ReadingProjection) -> Table:
    """Every plan at the user's volume: dollars, or why there are none."""
    rows: list[Row] = []
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
    return Table(_PLANS, tuple(rows), caption=f"{engine.engine} plans, {reading.reading}")


def sensitivities(projection: Projection) -> Table:
    """What one thing more or less would change."""
    currencies = {each.engine: currency_of(each) for each in projection.engines}
    rows: list[Row] = [
        (
            each.engine,
            each.what,
            signed(each.units_per_task.p50),
            "not priced" if each.dollars is None else signed(each.dollars.p50, currencies.get(each.engine, "USD")),
            each.note,
        )
        for each in projection.sensitivities
    ]
    return Table(_CHANGES, tuple(rows), caption="Sensitivities")


def scenarios(projection: Projection) -> Table:
    """Scenarios that are in the figures."""
    rows: list[Row] = [
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
    return Table(_SCENARIOS, tuple(rows), caption="Scenarios")


def months(engine: EngineProjection) -> Table:
    """The months of a growing volume."""
    names = {plan.plan: plan.name for reading in engine.readings for plan in reading.plans}
    rows: list[Row] = [
        (
            str(each.month),
            units_between(each.volume),
            units_between(each.units),
            *_three(each.dollars, currency_of(engine)),
            names.get(each.plan, each.plan) or each.why_none,
        )
        for each in engine.months
    ]
    return Table(_MONTHS, tuple(rows), caption=f"{engine.engine} months")


def limits(projection: Projection) -> Table:
    """Limits of plans that the month meets, by the documented reading."""
    rows: list[Row] = [
        (engine.engine, plan.name, limit.what, limit.lifted_by or "nothing", limit.price, "yes" if limit.fits else "NO")
        for engine in projection.engines
        if (found := engine.reading("documented")) is not None
        for plan in found.plans
        for limit in plan.limits
    ]
    return Table(_LIMITS, tuple(rows), caption="Limits")


def sureness(report: Report) -> Table:
    """How sure the mean of each engine is, and what one further task may need."""
    rows: list[Row] = [
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
    return Table(_SURENESS, tuple(rows), caption="How sure the means are")


def checks(report: Report) -> Table:
    """Every comparison of two sources."""
    rows: list[Row] = [
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
    return Table(_CHECKS, tuple(rows), caption="Sources against each other")


def price_books(report: Report, projection: Projection | None, books: Sequence[PriceBook]) -> Table:
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
    return Table(_BOOKS, tuple(rows.values()), caption="Price books")


def _sources(sources: Sequence[Source]) -> str:
    parts = []
    for source in sources:
        where = " @".join(part for part in (source.repository, source.commit[:8]) if part)
        parts.append(f"{source.document} ({where})" if where else source.document)
    return "; ".join(parts)
