"""A projection as a document."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from durameter.cost.prices import Source, money
from durameter.cost.projection import EngineProjection, PlanMonth, Projection, Quantiles, ReadingProjection, Sensitivity
from durameter.formatting import count, plain
from durameter.report.document import Block, Bullets, Column, Document, Note, Paragraph, Section, Table, Verdict
from durameter.report.measurement_document import capacity_table, side_by_side_table

__all__ = ["projection_document"]

# Rows and sentences of a projection, the same in every format.

_OPEN = {"upper": "open questions billed", "lower": "open questions free"}

Cells = list[tuple[str, list[str]]]


def subject(found: Projection) -> str:
    """What is projected, in one line."""
    return f"{found.workload}, {found.volume:,f} tasks a month, mix {found.mix.name}, {found.draws:,} draws"


def side_by_side(found: Projection) -> Cells:
    """A label, and a cell per engine."""
    engines = found.engines
    rows: Cells = [("variant", [each.variant for each in engines]), ("tasks measured", [_tasks(e) for e in engines])]
    rows += _reading_rows(engines, "documented", "")
    for name, words in _OPEN.items():
        if any(_reading(each, name) for each in engines):
            rows += _reading_rows(engines, name, f", {words}")
    documented = [_reading(each, "documented") for each in engines]
    pairs = list(zip(engines, documented, strict=True))
    rows.append(("dollars per 1,000 tasks", [_cell(r, partial(_per_thousand, currency(e))) for e, r in pairs]))
    rows.append(("one task more a month", [_cell(r, partial(_next, currency(e))) for e, r in pairs]))
    if found.cheaper:
        rows.append(("the cheaper engine in", [_share(found.cheaper.get(each.engine)) for each in engines]))
    rows.append(("price book", [f"{e.book.id}, checked {e.book.checked}" if e.book else "none" for e in engines]))
    return rows


def _reading_rows(engines: tuple[EngineProjection, ...], name: str, suffix: str) -> Cells:
    read = [_reading(each, name) for each in engines]
    return [
        (f"units per task{suffix}", [_cell(each, lambda r: _count(r.units_per_task)) for each in read]),
        (f"units a month{suffix}", [_cell(each, lambda r: _whole(r.units)) for each in read]),
        (
            f"cheapest plan that fits{suffix}",
            [_cell(each, lambda r: r.chosen.name if r.chosen else "none") for each in read],
        ),
        (f"dollars a month{suffix}", [_dollars(e, r) for e, r in zip(engines, read, strict=True)]),
    ]


def _reading(engine: EngineProjection, name: str) -> ReadingProjection | None:
    return next((each for each in engine.readings if each.reading == name), None)


def _cell(found: ReadingProjection | None, show: Callable[[ReadingProjection], str]) -> str:
    return "–" if found is None else show(found)


def _tasks(engine: EngineProjection) -> str:
    if engine.clusters == engine.tasks:
        return f"{engine.tasks}"
    return f"{engine.tasks} in {engine.clusters} groups"


def _dollars(engine: EngineProjection, found: ReadingProjection | None) -> str:
    if found is None:
        return "–"
    if found.dollars is None:
        return "count not proved" if engine.refused else "not priced"
    return money_range(found.dollars, currency(engine))


def _per_thousand(unit: str, found: ReadingProjection) -> str:
    each = found.dollars_per_task
    if each is None:
        return "not priced"
    return money_range(Quantiles(p5=each.p5 * 1000, p50=each.p50 * 1000, p95=each.p95 * 1000), unit)


def _next(unit: str, found: ReadingProjection) -> str:
    """With six places: a task costs a fraction of a cent."""
    if found.dollars_next_task is None:
        return "not priced"
    sign = "$" if unit == "USD" else f"{unit} "
    return f"{sign}{found.dollars_next_task:.6f}"


def _count(found: Quantiles) -> str:
    return count(found.p50) if found.sure else f"{count(found.p50)} ({count(found.p5)}–{count(found.p95)})"


def _whole(found: Quantiles) -> str:
    return f"{found.p50:,.0f}" if found.sure else f"{found.p50:,.0f} ({found.p5:,.0f}–{found.p95:,.0f})"


def money_range(found: Quantiles, currency: str) -> str:
    """`$1,828.65 ($1,247.87–$2,623.26)`; one amount where nothing varies."""
    low, middle, high = (money(each, currency) for each in (found.p5, found.p50, found.p95))
    return middle if found.sure else f"{middle} ({low}–{high})"


def currency(engine: EngineProjection) -> str:
    """Of its price book."""
    return engine.book.currency if engine.book is not None else "USD"


def _share(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0%} of draws" if value in (0.0, 1.0) or 0.005 <= value < 0.995 else f"{value:.1%} of draws"


def plan_rows(engine: EngineProjection) -> list[list[str]]:
    """Every plan by the documented reading: name, p5, p50, p95, how often it is the cheapest, and what to know."""
    return [_plan(each, currency(engine)) for each in engine.readings[0].plans] if engine.readings else []


def _plan(plan: PlanMonth, unit: str) -> list[str]:
    amounts = ["", "not priced", ""]
    if plan.dollars is not None:
        amounts = [money(each, unit) for each in (plan.dollars.p5, plan.dollars.p50, plan.dollars.p95)]
    notes = [plan.why_not] if plan.dollars is None else []
    if plan.estimate:
        notes.append("the vendor's estimate, never chosen")
    elif plan.dollars is not None and plan.without_price:
        notes.append(f"no price in {_share(plan.without_price)}")
    often = "" if plan.estimate or plan.dollars is None else _share(plan.cheapest)
    return [plan.name, *amounts, often, "; ".join(notes)]


def sensitivity_rows(found: Projection) -> list[list[str]]:
    """Engine, what, change of units per task, change of the month, plan then."""
    return [_sensitivity(each, found) for each in found.sensitivities]


def _sensitivity(each: Sensitivity, found: Projection) -> list[str]:
    names = {plan.plan: plan.name for e in found.engines for read in e.readings for plan in read.plans}
    unit = next((currency(e) for e in found.engines if e.engine == each.engine), "USD")
    per_task = each.units_per_task
    moved = (
        change(per_task.p50, count)
        if per_task.sure
        else (f"{change(per_task.p50, count)} ({change(per_task.p5, count)} to {change(per_task.p95, count)})")
    )
    return [
        each.engine,
        each.what,
        moved,
        _dollar_change(each.dollars, unit),
        names.get(each.plan, each.plan or "none"),
    ]


def _dollar_change(found: Quantiles | None, unit: str) -> str:
    if found is None:
        return "not priced"
    shown = partial(money, currency=unit)
    if found.sure:
        return change(found.p50, shown)
    return f"{change(found.p50, shown)} ({change(found.p5, shown)} to {change(found.p95, shown)})"


def change(value: Decimal, show: Callable[[Decimal], str]) -> str:
    """With its sign: `+ $12.00`, `- $3.10`."""
    shown = show(abs(value))
    return shown if value == 0 else f"{'+' if value > 0 else '-'} {shown}"


def months(found: EngineProjection) -> list[list[str]]:
    """Every month of a growing volume: number, tasks, units, plan, dollars."""
    names = {plan.plan: plan.name for read in found.readings for plan in read.plans}
    rows = [
        [
            str(each.month),
            _whole(each.volume),
            _whole(each.units),
            names.get(each.plan, "none"),
            money_range(each.dollars, currency(found)) if each.dollars is not None else each.why_none,
        ]
        for each in found.months
    ]
    if len(rows) > 1:
        total = money_range(found.all_months, currency(found)) if found.all_months is not None else "not priced"
        rows.append(["all", "", "", "", total])
    return rows if len(rows) > 1 else []


def books(found: Projection) -> list[str]:
    """Which price book was used for which engine, and where its figures were read."""
    lines = []
    for each in found.engines:
        if each.book is not None:
            read = "; ".join(_source(source) for source in each.book.sources)
            why = f"{each.book.chosen}; checked {each.book.checked}"
            lines.append(f"{each.engine}: {each.book.id} ({each.book.vendor}), {why} in {read}")
        else:
            lines.append(f"{each.engine}: no dollars: {each.why_no_book}")
    return lines


def _source(source: Source) -> str:
    commit = f"@ {source.commit[:8]}" if source.commit else ""
    return " ".join(filter(None, [source.repository, source.document, commit]))


def scenarios(engine: EngineProjection) -> list[str]:
    """Scenarios that are in the figures, one sentence each."""
    return [
        f"With {used.name} in {used.share * 100:.3g} % of the tasks ({used.why}): {change(used.extra_units, plain)}"
        f"{'' if used.extra_error is None else f' ± {plain(used.extra_error)} (s.e.)'} {engine.unit}s per task that is "
        f"hit{', extrapolated' if used.extrapolated else ''}"
        for used in engine.scenarios
    ]


def rests_on(found: Projection) -> list[str]:
    """What the figures rest on: all of them, then those of one engine."""
    return [*found.assumptions, *(f"{each.engine}: {line}" for each in found.engines for line in each.assumptions)]


def worth_knowing(found: Projection) -> list[str]:
    """What is not in the figures: of each engine, of its chosen plan, and of all."""
    lines = []
    for each in found.engines:
        read = _reading(each, "documented")
        plan = read.chosen if read is not None else None
        if plan is not None:
            lines += [f"{each.engine}, {plan.name} may charge more: {line}" for line in plan.omitted]
        lines += [f"{each.engine}, {used.name}: {note}" for used in each.scenarios for note in used.notes]
        lines += [f"{each.engine}: {line}" for line in each.not_covered]
    lines += [f"{each.engine}, {each.name}: {each.note}" for each in found.sensitivities if each.note]
    return [*lines, *found.not_covered]


_PLANS = (
    Column("plan"),
    *(Column(head, figures=True) for head in ("p5", "p50", "p95", "cheapest in")),
    Column(""),
)
_CHANGES = (
    Column("engine"),
    Column("if"),
    *(Column(head, figures=True) for head in ("units per task", "dollars a month", "plan then")),
)
_MONTHS = (Column("month"), *(Column(head, figures=True) for head in ("tasks", "units", "plan", "dollars")))
_EMPHASIS = ("units per task", "dollars a month")


def projection_document(found: Projection) -> Document:
    """The month: side by side, plan by plan, what drives it, and what it rests on."""
    blocks: list[Block] = [
        Verdict(found.headline, "good" if found.trusted else "bad", subject(found)),
        side_by_side_table(found.engines, side_by_side(found), _EMPHASIS),
        Note("info", "Ranges are from the 5th to the 95th percentile of the draws."),
        *(block for engine in found.engines for block in _engine(engine)),
    ]
    if changed := sensitivity_rows(found):
        blocks.append(Section("What drives the month", (Table(_CHANGES, tuple(map(tuple, changed))),)))
    for heading, lines in (
        ("Crossovers", [each.words for each in found.crossovers]),
        ("Prices", books(found)),
        ("Rests on", rests_on(found)),
        ("Not covered", worth_knowing(found)),
    ):
        if lines:
            blocks.append(Section(heading, (Bullets(tuple(lines)),)))
    return Document(tuple(blocks), f"Projection: {subject(found)}")


def _engine(engine: EngineProjection) -> list[Block]:
    blocks: list[Block] = []
    if engine.readings and engine.readings[0].plans:
        plans = Table(_PLANS, tuple(map(tuple, plan_rows(engine))))
        blocks.append(Section(f"{engine.engine}: plans, dollars a month", (plans,)))
    if rows := months(engine):
        by_month = Table(_MONTHS, tuple(map(tuple, rows)))
        heading = f"{engine.engine}: month by month, each on its cheapest plan"
        blocks.append(Section(heading, (by_month,)))
    blocks += [Paragraph(f"{line}.") for line in scenarios(engine)]
    if engine.capacity:
        blocks.append(Section(f"{engine.engine}: storage and capacity", (capacity_table(engine.capacity),)))
    if engine.near:
        blocks.append(Section(f"{engine.engine}: limits of the plan", (Bullets(engine.near),)))
    return blocks
