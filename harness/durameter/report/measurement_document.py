"""A report as a document; its tables, which the page and projections have too."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from durameter.formatting import count, percent, plain, span
from durameter.report.document import (
    MARKDOWN,
    TERMINAL,
    Block,
    Bullets,
    Column,
    Document,
    Fit,
    Note,
    Section,
    Table,
    Verdict,
    only,
)
from durameter.report.intervals import TypeShare
from durameter.report.measurement import CapacityRow, EngineReport, Report, Share
from durameter.report.measurement_words import comparison, differences, estimated, headline, worth_knowing

if TYPE_CHECKING:  # a report alone should not wait for what projections need
    from durameter.cost.projection import CapacityRow as ProjectedRow
    from durameter.cost.projection import EngineProjection

__all__ = [
    "alarms",
    "breakdown_table",
    "capacity_table",
    "comparison_table",
    "report_document",
    "side_by_side_table",
    "types_table",
]

_MOST_CAUSES = 12
_EMPHASIS = ("units per task", "dollars per month")
_FIGURES = (
    *(Column(head, figures=True) for head in ("per task", "min–max", "share")),
    Column("open question", figures=True, optional=True),
)


def report_document(report: Report) -> Document:
    """The report: verdict, what went wrong, side by side, where units come from, and what is not covered."""
    agreed = report.verdict.startswith("Independent sources agree")
    measured = f"{report.started:%Y-%m-%d %H:%M} UTC"
    title = f"{report.workload}: {headline(report)}"
    incomplete = "" if report.state == "complete" else ", incomplete"
    wrong = [line for engine in report.engines for line in alarms(engine)]
    blocks: list[Block] = [
        Verdict(
            report.verdict,
            "good" if agreed else "bad",
            f"{report.workload}, {headline(report)}, {measured}",
            more=f"Measured {measured}{incomplete}.",
        ),
        *(Note("error", line, forms=TERMINAL) for line in wrong),
    ]
    if wrong:
        blocks.append(Section("What went wrong", (Bullets(tuple(wrong), "error"),), forms=MARKDOWN))
    blocks.append(Section("Side by side", (comparison_table(report),), headed=MARKDOWN))
    blocks += _engines(report)
    for heading, lines in (("Not covered", report.not_covered), ("Warnings", tuple(worth_knowing(report)))):
        if lines:
            blocks.append(Section(heading, (Bullets(lines),)))
    blocks.append(Bullets((f"Everything is in {report.folder}",), "info", bare=True, indent=0, forms=TERMINAL))
    return Document(tuple(blocks), title)


def _engines(report: Report) -> tuple[Block, ...]:
    """On the terminal engine by engine, in Markdown subject by subject: the same sections."""
    by_subject = [[build(engine, report) for engine in report.engines] for build in (_where, _estimates, _capacity)]
    by_engine = zip(*by_subject, strict=True)
    return (
        *only(TERMINAL, [section for sections in by_engine for section in sections if section is not None]),
        *only(MARKDOWN, [section for sections in by_subject for section in sections if section is not None]),
    )


def alarms(engine: EngineReport) -> list[str]:
    """What the reader must see before any figure."""
    lines = [engine.problem] if engine.problem else []
    if engine.reconciliations and not engine.proved:
        lines += differences(engine)
    return [f"{engine.engine}: {line}" for line in (*lines, *engine.troubles)]


def comparison_table(report: Report) -> Table:
    """The engines side by side."""
    return side_by_side_table(report.engines, comparison(report), _EMPHASIS, fit="whole")


def side_by_side_table(
    engines: "Sequence[EngineReport | EngineProjection]",
    rows: Sequence[tuple[str, Sequence[str]]],
    emphasis: Sequence[str],
    *,
    fit: Fit = "",
) -> Table:
    """A column for every engine.

    Args:
        engines: one column each.
        rows: a label, and a cell per engine.
        emphasis: labels of the rows that the eye should meet first.
        fit: of the labels.
    """
    return Table(
        (
            Column("", fit=fit),
            *(Column(f"{each.engine} ({each.unit}s)", figures=True, series=n) for n, each in enumerate(engines)),
        ),
        tuple((label, *cells) for label, cells in rows),
        caption="Side by side",
        emphasis=frozenset(number for number, (label, _) in enumerate(rows) if label in emphasis),
        labels=True,
    )


def _where(engine: EngineReport, report: Report) -> Section | None:
    del report
    if not engine.kinds:
        return None
    tables = [breakdown_table("kind", engine.kinds), breakdown_table("cause", engine.causes, most=_MOST_CAUSES)]
    if engine.types:
        tables.insert(0, types_table(engine.types))
    return Section(f"{engine.engine}: where the {engine.unit}s come from", tuple(tables))


def _estimates(engine: EngineReport, report: Report) -> Section | None:
    del report
    if not engine.estimates:
        return None
    return Section(f"{engine.engine}: estimates, in no count above", (Bullets(tuple(estimated(engine))),))


def _capacity(engine: EngineReport, report: Report) -> Section | None:
    if not engine.capacity:
        return None
    heading = f"{engine.engine}: storage and capacity at {plain(report.volume)} tasks a month"
    return Section(heading, (capacity_table(engine.capacity),))


def types_table(lines: Sequence[TypeShare]) -> Table:
    """Tasks and units per task by the type of task."""
    columns = (Column("type of task", fit="long", width=28), Column("tasks", figures=True), *_FIGURES)
    rows = tuple(
        (
            line.name,
            f"{line.tasks:,}",
            count(line.per_task.mean),
            span(line.per_task.low, line.per_task.high),
            percent(line.share),
            _open(line),
        )
        for line in lines
    )
    return Table(columns, rows, caption="types")


def breakdown_table(head: str, lines: Sequence[Share], *, most: int | None = None) -> Table:
    """Units per task by kind or by cause.

    Args:
        head: what the lines are.
        lines: the largest first.
        most: so many on the terminal.
    """
    rows = tuple(
        (
            line.name,
            count(line.documented.mean),
            span(line.documented.low, line.documented.high),
            percent(line.share),
            _open(line),
        )
        for line in lines
    )
    columns = (Column(head, fit="long", width=28), *_FIGURES)
    return Table(columns, rows, caption=head, most=most, more="more causes in the ledger")


def _open(line: Share | TypeShare) -> str:
    return f"+ {count(line.upper)}" if line.upper else ""


def capacity_table(rows: "Sequence[CapacityRow | ProjectedRow]") -> Table:
    """Storage and capacity of a month, in words."""
    columns = (Column("", fit="long"), Column("a month"), Column("from", fit="long"))
    return Table(columns, tuple((row.what, row.value, row.why) for row in rows), caption="capacity")
