"""A projection in the terminal and as Markdown."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from durameter.cost.prices import Source, money
from durameter.cost.projection import (
    EngineProjection,
    PlanMonth,
    Projection,
    Quantiles,
    ReadingProjection,
    Sensitivity,
)
from durameter.formatting import count, plain
from durameter.report.render_markdown import markdown

__all__ = [
    "books",
    "change",
    "money_range",
    "months",
    "plan_rows",
    "projection_markdown",
    "rests_on",
    "scenarios",
    "sensitivity_rows",
    "show_projection",
    "side_by_side",
    "subject",
    "worth_knowing",
]

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


PLAN_HEADS = ("plan", "p5", "p50", "p95", "cheapest in", "")
CHANGE_HEADS = ("engine", "if", "units per task", "dollars a month", "plan then")
MONTH_HEADS = ("month", "tasks", "units", "plan", "dollars")
CAPACITY_HEADS = ("", "a month", "from")


def projection_markdown(found: Projection) -> str:
    """The projection as GitHub-flavoured Markdown."""
    return markdown(
        "projection.md.j2",
        found=found,
        subject=subject,
        side_by_side=side_by_side,
        plan_rows=plan_rows,
        months=months,
        scenarios=scenarios,
        sensitivity_rows=sensitivity_rows,
        books=books,
        rests_on=rests_on,
        worth_knowing=worth_knowing,
        plan_heads=PLAN_HEADS,
        change_heads=CHANGE_HEADS,
        month_heads=MONTH_HEADS,
        capacity_heads=CAPACITY_HEADS,
    )


def show_projection(found: Projection, console: Console) -> None:
    """Print the projection."""
    style = "green" if found.trusted else "bold red"
    console.print()
    console.print(
        Panel(Text(found.headline, style=style), title=Text(subject(found)), title_align="left", box=box.ROUNDED)
    )
    heads = ["", *(f"{each.engine} ({each.unit}s)" for each in found.engines)]
    rows = [[label, *cells] for label, cells in side_by_side(found)]
    console.print(_table(heads, rows, bold=("units per task", "dollars a month")))
    console.print(Text("Ranges are from the 5th to the 95th percentile of the draws.", style="dim"))
    for engine in found.engines:
        _engine(console, engine)
    if changed := sensitivity_rows(found):
        _titled(console, "What the month hangs on", _table(CHANGE_HEADS, changed, wide=1))
    _list(console, "Crossovers", [each.words for each in found.crossovers])
    _list(console, "Prices", books(found))
    _list(console, "Rests on", rests_on(found))
    _list(console, "Not covered", worth_knowing(found))


def _engine(console: Console, engine: EngineProjection) -> None:
    if engine.readings and engine.readings[0].plans:
        _titled(
            console,
            f"{engine.engine}: plans, dollars a month",
            _table(PLAN_HEADS, plan_rows(engine), wide=5),
        )
    if rows := months(engine):
        _titled(console, f"{engine.engine}: month by month, each on its cheapest plan", _table(MONTH_HEADS, rows))
    for line in scenarios(engine):
        console.print(Text(line))
    if engine.capacity:
        rows = [[row.what, row.value, row.why] for row in engine.capacity]
        _titled(console, f"{engine.engine}: storage and capacity", _table(CAPACITY_HEADS, rows, wide=2))
    _list(console, f"{engine.engine}: limits of the plan", engine.near)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, bold: Sequence[str] = (), wide: int = 0) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, head in enumerate(heads):
        left = number in (0, wide)
        table.add_column(head, justify="left" if left else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row), style="bold" if row[0] in bold else None)
    return table


def _titled(console: Console, title: str, table: Table) -> None:
    console.print(Text(title, style="bold"), table)


def _list(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    points = Table.grid(padding=(0, 1))
    for line in lines:
        points.add_row("  -", Text(line))
    console.print(Text(title, style="bold"), points)
