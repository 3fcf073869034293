"""The difference of two results as a document."""

from decimal import ROUND_HALF_UP, Decimal

from durameter.cost.statistics.differences import Sureness
from durameter.formatting import count, dollars, plain
from durameter.gates.diff import Bill, Change, Diff, EngineDiff, Refused
from durameter.report.document import (
    BLANK,
    MARKDOWN,
    TERMINAL,
    Block,
    Bullets,
    Column,
    Document,
    Section,
    Table,
    Tone,
    Verdict,
)

__all__ = ["diff_document", "refusal"]

MOST = 15
"""Contributors that are shown one by one; JSON has all."""
_SUMS = (Column(""), *(Column(head, figures=True) for head in ("base", "head", "difference")))
_PARTS = (
    Column("kind"),
    Column("cause"),
    *(Column(head, figures=True) for head in ("base", "head", "difference", "95 % interval", "a month")),
)


def diff_document(found: Diff | Refused) -> Document:
    """The difference, or why there is none; a refusal has the marker too, so that no old comment stays."""
    if isinstance(found, Refused):
        why = Bullets(found.reasons, bare=True)
        return _document("not compared", (Verdict(refusal(found), "bad"), why))
    sides = f"{found.workload}, base {found.base.folder}, head {found.head.folder}"
    by_engine = [block for engine in found.engines for block in _engine(engine, found.volume)]
    general = (*found.allowed, *found.cautions)
    measured = "; ".join(
        f"{name}: {side.measurement}, measured {side.started:%Y-%m-%d %H:%M} UTC"
        for name, side in (("base", found.base), ("head", found.head))
    )
    lines = (measured, *(line for engine in found.engines for line in remarks(engine)), *general)
    return _document(
        found.workload,
        (
            Bullets((sides,), bare=True, indent=0, forms=TERMINAL),
            *by_engine,
            Bullets(general, "info", bare=True, forms=TERMINAL),
            Section("What the figures are of", (Bullets(lines, "info"),), folded="closed", forms=MARKDOWN),
        ),
    )


def _document(what: str, blocks: tuple[Block, ...]) -> Document:
    return Document(blocks, f"Billable units: {what}", level=3, marker="durameter-diff")


def _engine(engine: EngineDiff, volume: Decimal) -> list[Block]:
    tables = [
        Section(title, (Table(_PARTS, tuple(rows)),), folded="closed" if number else "open")
        for number, (title, rows) in enumerate(parts(engine))
    ]
    return [
        BLANK,
        Verdict(headline(engine), _tone(engine.total)),
        Table(_SUMS, tuple(sums(engine, volume)), labels=True),
        *tables,
        Bullets(tuple(remarks(engine)), "info", bare=True, forms=TERMINAL),
    ]


def refusal(found: Refused) -> str:
    """One sentence."""
    if found.untrusted:
        return f"Not compared: {found.base} or {found.head} cannot be trusted."
    return f"{found.base} and {found.head} cannot be compared."


def _tone(change: Change) -> Tone:
    return "bad" if change.difference > 0 else "good" if change.difference < 0 else "plain"


def headline(engine: EngineDiff) -> str:
    """One sentence: how many more units per task, how sure, and what that costs."""
    total, name = engine.total, f"{engine.engine}: "
    if not total.difference and not any(each.difference for each in engine.contributors):
        said = f"{name}no difference, {count(total.head)} {engine.unit}s per task"
    else:
        said = f"{name}{signed(total.difference)} {engine.unit}s per task ({count(total.base)} → {count(total.head)})"
        if total.difference and total.base:
            said += f", {signed_percent(total.difference / total.base)}"
        said += f"; {sure_words(total.sureness)}"
        if engine.dollars is not None:
            said += f"; {signed_dollars(engine.dollars)} a month"
    if engine.upper is not None and engine.upper.difference != total.difference:
        said += f"; {signed(engine.upper.difference)} if open questions are billed"
    return said


def sure_words(sureness: Sureness) -> str:
    """Whether the difference may be chance."""
    if sureness.low is None:
        return f"no interval: {sureness.why_not}"
    if sureness.exact:
        return "the same difference in every task"
    chance = "" if sureness.sure else ", which may be chance"
    return f"{sureness.level * 100:g} % interval {interval(sureness)}{chance}"


def interval(sureness: Sureness) -> str:
    """`+1.2 to +4.8`."""
    if sureness.low is None or sureness.high is None:
        return "–"
    if sureness.exact:
        return "every task"
    return f"{signed(Decimal(str(sureness.low)))} to {signed(Decimal(str(sureness.high)))}"


def sums(engine: EngineDiff, volume: Decimal) -> list[tuple[str, ...]]:
    """Units per task, units and dollars a month: base, head, difference."""
    rows = [_per_task(f"{engine.unit}s per task", engine.total)]
    if engine.upper is not None:
        rows.append(_per_task("… if open questions are billed", engine.upper))
    before, after = engine.base_month, engine.head_month
    month = f"a month at {plain(volume)} tasks"
    rows += [
        (f"{engine.unit}s {month}", plain(before.units), plain(after.units), signed(after.units - before.units)),
        ("dollars a month", _dollars(before), _dollars(after), signed_dollars(engine.dollars)),
    ]
    if engine.base_month_upper is not None and engine.head_month_upper is not None:
        bills = (engine.base_month_upper, engine.head_month_upper)
        rows.append(("… if open questions are billed", *map(_dollars, bills), signed_dollars(engine.dollars_upper)))
    return rows


def _per_task(label: str, change: Change) -> tuple[str, ...]:
    return label, count(change.base), count(change.head), signed(change.difference)


def _dollars(month: Bill) -> str:
    return dollars(month.dollars) + (f" ({month.plan})" if month.plan else "")


def parts(engine: EngineDiff) -> list[tuple[str, list[tuple[str, ...]]]]:
    """What the difference is made of, the largest part first."""
    changed = [each for each in engine.contributors if each.difference]
    if not changed:
        return []
    rows = [_part(each) for each in changed[:MOST]]
    if rest := changed[MOST:]:
        base, head = (sum((getattr(each, side) for each in rest), Decimal(0)) for side in ("base", "head"))
        month = sum((each.per_month for each in rest), Decimal(0))
        rows.append((f"{len(rest)} more", "", count(base), count(head), signed(head - base), "", signed(month)))
    tables = [("By kind and cause, units per task", rows)]
    kinds = [each for each in engine.kinds if each.difference]
    if len(kinds) < len(changed):
        tables.append(("By kind, units per task", [_part(each) for each in kinds]))
    return tables


def _part(change: Change) -> tuple[str, ...]:
    return (
        change.kind,
        change.cause,
        count(change.base),
        count(change.head),
        signed(change.difference),
        interval(change.sureness),
        signed(change.per_month),
    )


def remarks(engine: EngineDiff) -> list[str]:
    """What the figures are of, and what is in none."""
    if engine.paired:
        clusters = f" in {engine.clusters} clusters" if engine.clusters < engine.base_tasks else ""
        lines = [f"{engine.base_tasks} tasks{clusters}, each compared with itself"]
    else:
        lines = [f"means of different tasks: {engine.base_tasks} in base, {engine.head_tasks} in head"]
    for side, month in (("base", engine.base_month), ("head", engine.head_month)):
        if month.dollars is None:
            lines.append(f"{side} is not priced: {month.why_not}")
        lines += [f"{side}, {month.plan} may charge more: {each}" for each in month.omitted if side == "head"]
    books = dict.fromkeys(each.price_book for each in (engine.base_month, engine.head_month) if each.price_book)
    lines += [f"prices: {', '.join(books)}"] if books else []
    return [f"{engine.engine}: {line}" for line in (*lines, *(f"left out: {each}" for each in engine.left_out))]


def signed(value: Decimal) -> str:
    """`+3.2`, `-1`, `0`; small ones keep a digit."""
    text = count(abs(value))
    return "0" if not value else f"{'+' if value > 0 else '-'}{text}"


def signed_dollars(value: Decimal | None) -> str:
    """`+$12.00`; never zero for a missing price."""
    if value is None:
        return "not priced"
    return dollars(Decimal(0)) if not value else f"{'+' if value > 0 else '-'}{dollars(abs(value))}"


def signed_percent(value: Decimal) -> str:
    """`+7.9 %`."""
    return f"{(value * 100).quantize(Decimal('0.1'), ROUND_HALF_UP):+} %"
