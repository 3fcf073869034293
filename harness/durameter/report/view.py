"""The figures of a report, computed once from the ledger; every format shows these and computes nothing."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from durameter.engines.base import ServerInfo
from durameter.measure.folder import Result
from durameter.measure.result import EngineResult, TaskResult
from durameter.prices import Choice, PriceBook, book, cheapest
from durameter.prices.books import NotPricedError
from durameter.reconcile import Reconciliation
from durameter_collectors.units import Unit

__all__ = ["EngineReport", "Month", "Report", "Share", "Spread", "build_report"]

NOT_COVERED = (
    "how sure the mean is: the tasks are a sample, and no interval is given yet",
    "storage, retention, capacity, concurrency, events, seats and high availability on the bill",
    "outages and runaway loops: rates of faults are those of this run",
)


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class Spread(_View):
    """Units per task over all counted tasks."""

    mean: Decimal
    low: Decimal
    high: Decimal


class Share(_View):
    """One line of a breakdown, in units per task."""

    name: str
    documented: Spread
    upper: Decimal
    """Mean units that open questions would add."""
    share: Decimal
    """Of all documented units, 0 to 1."""


class Month(_View):
    """A month at the asked volume, from the mean over the measured tasks."""

    units: Decimal
    price_book: str
    prices_checked: date
    plan: str
    """Empty when no plan has a price."""
    dollars: Decimal | None
    why_not_priced: str
    left_out: tuple[str, ...]
    """Plans without a price at this volume, and why."""


class EngineReport(_View):
    """One engine."""

    engine: str
    unit: str
    variant: str
    state: Literal["measured", "missing", "interrupted"]
    problem: str
    server: ServerInfo | None
    rulebook: str
    task_states: dict[str, int]
    troubles: tuple[str, ...]
    """Tasks that did not complete, and gaps in the count, in words."""
    per_task: Spread | None
    per_task_upper: Spread | None
    """With every open question answered against the user."""
    per_task_others: Spread | None
    """Of the tasks that failed or timed out; they are in no other figure, unless no task completed."""
    kinds: tuple[Share, ...]
    causes: tuple[Share, ...]
    measures: dict[str, Decimal]
    """Mean per task of what was measured beside units: requests, events, bytes."""
    month: Month | None
    month_upper: Month | None
    """None when no open question touches this measurement."""
    month_lower: Month | None
    """With every open question answered for the user; None when that changes nothing."""
    answers: dict[str, str]
    """Open questions that were answered otherwise than by default."""
    reconciliations: tuple[Reconciliation, ...]

    @property
    def proved(self) -> bool:
        """Whether every comparison agrees."""
        return bool(self.reconciliations) and all(found.state == "agrees" for found in self.reconciliations)


class Report(_View):
    """A whole report."""

    schema_version: Literal[2] = 2
    measurement: str
    folder: str
    state: Literal["complete", "incomplete"]
    workload: str
    tasks: int
    seed: int
    started: AwareDatetime
    volume: Decimal
    """Tasks per month."""
    verdict: str
    """In one sentence: whether the count may be believed."""
    engines: tuple[EngineReport, ...]
    not_covered: tuple[str, ...]
    warnings: tuple[str, ...]


def build_report(result: Result, *, volume: Decimal, books: Sequence[PriceBook], folder: str = "") -> Report:
    """Compute a report from a result folder.

    Args:
        result: the measurement with its ledger.
        volume: tasks per month.
        books: price books to choose from, by engine and the date of the measurement.
        folder: how to show the folder; its path by default.
    """
    measurement = result.measurement
    engines = tuple(
        _engine_report(engine, [u for u in result.units if u.engine == engine.engine], volume, books)
        for engine in measurement.engines
    )
    return Report(
        measurement=measurement.id,
        folder=folder or str(result.folder),
        state=measurement.state,
        workload=measurement.workload,
        tasks=measurement.task_count,
        seed=measurement.seed,
        started=measurement.started,
        volume=volume,
        verdict=_verdict(measurement.state, engines),
        engines=engines,
        not_covered=(*_blind_spots(engines), *NOT_COVERED),
        warnings=(*_server_warnings(engines), *measurement.telemetry_problems),
    )


def _engine_report(
    result: EngineResult, units: Sequence[Unit], volume: Decimal, books: Sequence[PriceBook]
) -> EngineReport:
    completed = [task for task in result.tasks if task.counted and task.state == "completed"]
    others = [task for task in result.tasks if task.counted and task.state in ("failed", "timed_out")]
    counted = completed or others  # the bill is of tasks that did what they should, where there are any
    totals = [task.units for task in counted]
    upper = [task.units_upper for task in counted]
    started = result.started or datetime.now(UTC)
    month = _month(result.engine, totals, volume, started, books) if totals else None
    month_upper = _month(result.engine, upper, volume, started, books) if upper and upper != totals else None
    lower = [task.units_lower for task in counted]
    month_lower = _month(result.engine, lower, volume, started, books) if lower and lower != totals else None
    return EngineReport(
        engine=result.engine,
        unit=result.unit,
        variant=result.variant,
        state=result.state,
        problem=result.problem,
        server=result.server,
        rulebook=result.rulebook,
        task_states=dict(Counter(task.state for task in result.tasks)),
        troubles=_troubles(result.tasks),
        per_task=_spread(totals) if totals else None,
        per_task_upper=_spread(upper) if upper else None,
        per_task_others=_spread([task.units for task in others]) if others else None,
        kinds=_breakdown(units, counted, lambda unit: unit.kind),
        causes=_breakdown(units, counted, lambda unit: unit.cause),
        measures=_measures(counted),
        month=month,
        month_upper=month_upper,
        month_lower=month_lower,
        answers=dict(result.answers),
        reconciliations=result.reconciliations,
    )


def _spread(values: Sequence[Decimal]) -> Spread:
    return Spread(mean=sum(values, Decimal(0)) / len(values), low=min(values), high=max(values))


def _measures(tasks: Sequence[TaskResult]) -> dict[str, Decimal]:
    names = dict.fromkeys(name for task in tasks for name in task.measures)
    return {
        name: sum((task.measures.get(name, Decimal(0)) for task in tasks), Decimal(0)) / len(tasks) for name in names
    }


def _breakdown(units: Sequence[Unit], tasks: Sequence[TaskResult], key: Callable[[Unit], str]) -> tuple[Share, ...]:
    """Units per task by `key`, the largest first; a task that has none of a kind counts as zero."""
    sums: dict[str, Decimal] = {}
    extra: dict[str, Decimal] = {}
    by_task: dict[tuple[str, str], Decimal] = {}
    names = {task.task for task in tasks}
    for unit in (unit for unit in units if unit.task in names):
        name = key(unit)
        sums.setdefault(name, Decimal(0))
        if unit.reading == "documented":
            sums[name] += unit.quantity
            by_task[name, unit.task] = by_task.get((name, unit.task), Decimal(0)) + unit.quantity
        else:
            extra[name] = extra.get(name, Decimal(0)) + unit.quantity
    total = sum(sums.values(), Decimal(0))
    return tuple(
        Share(
            name=name,
            documented=_spread([by_task.get((name, task.task), Decimal(0)) for task in tasks]),
            upper=extra.get(name, Decimal(0)) / len(tasks),
            share=sums[name] / total if total else Decimal(0),
        )
        for name in sorted(sums, key=lambda name: (-sums[name], name))
    )


def _month(
    engine: str, totals: Sequence[Decimal], volume: Decimal, moment: datetime, books: Sequence[PriceBook]
) -> Month:
    units = (sum(totals, Decimal(0)) / len(totals) * volume).quantize(Decimal(1))
    try:
        prices = book(engine, moment.date(), books)
    except NotPricedError as error:
        return Month(
            units=units,
            price_book="",
            prices_checked=moment.date(),
            plan="",
            dollars=None,
            why_not_priced=str(error),
            left_out=(),
        )
    choice: Choice = cheapest(prices, units)
    return Month(
        units=units,
        price_book=choice.book,
        prices_checked=prices.checked,
        plan=choice.plan.name if choice.plan else "",
        dollars=choice.cost.amount if choice.cost else None,
        why_not_priced=choice.why_none,
        left_out=tuple(f"{cost.plan_name}: {cost.why_not}" for cost in choice.left_out),
    )


def _troubles(tasks: Sequence[TaskResult]) -> tuple[str, ...]:
    lines = [f"{task.task} {task.state.replace('_', ' ')}: {task.error}" for task in tasks if task.state != "completed"]
    for task in tasks:
        lines += [f"{task.task}: {gap.what}" + (f" ({gap.evidence})" if gap.evidence else "") for gap in task.gaps]
    return tuple(lines)


def _verdict(state: str, engines: Sequence[EngineReport]) -> str:
    if not engines:
        return "Nothing was measured."
    checks = [found for engine in engines for found in engine.reconciliations]
    if any(check.state == "differs" for check in checks):
        return "Do not believe these counts: two sources differ and no rule explains it."
    if state == "incomplete" or any(engine.state != "measured" for engine in engines):
        return "The measurement is not complete: what is below was counted until it stopped."
    if any(check.state == "not checked" for check in checks):
        return "Counted, but not proved: an independent source is missing."
    agree = "Independent sources agree on every kind of unit."
    lost = sum(n for engine in engines for state, n in engine.task_states.items() if state != "completed")
    return f"{agree} {_did_not(lost)}" if lost else agree


def _did_not(lost: int) -> str:
    return f"{lost} task{'s' if lost > 1 else ''} did not complete and {'are' if lost > 1 else 'is'} shown apart."


def _blind_spots(engines: Sequence[EngineReport]) -> list[str]:
    return [
        f"{engine.engine}: {spot}"
        for engine in engines
        for spot in dict.fromkeys(spot for found in engine.reconciliations for spot in found.blind_spots)
    ]


def _server_warnings(engines: Sequence[EngineReport]) -> list[str]:
    lines = []
    for engine in engines:
        if engine.server is not None:
            if not engine.server.tested:
                lines.append(f"{engine.engine}: the suites have not been run on server version {engine.server.version}")
            lines += [f"{engine.engine}: {note}" for note in engine.server.notes]
    return lines
