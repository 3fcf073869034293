"""The figures of a report, computed once from the ledger; every format shows these and computes nothing."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from durameter.cost.billing.month import Month, month_of
from durameter.cost.capacity import capacity_rows, demand
from durameter.cost.prices.books import Pricing
from durameter.cost.statistics import assess
from durameter.cost.statistics.records import Certainty
from durameter.report.intervals import Spread, TypeShare, by_type, left_out, spread, stopping_warnings
from durameter.results.folder import Result
from durameter.results.model import Door, EngineResult, Estimate, ServerInfo, Stopping, TaskResult
from durameter.results.reconcile import Reconciliation
from durameter_collectors.units import Unit

__all__ = ["CapacityRow", "EngineReport", "Month", "Pricing", "Report", "Share", "Spread", "build_report"]

NOT_COVERED = (
    "high availability, fairness, export and provisioned capacity on the bill",
    "growth, another mix of tasks, and how sure the dollars are: `durameter project` has them",
    "bad days and runaway loops: rates of faults are those of this run; `durameter scenarios` measures others",
)


_MOST = ("_longest", "_largest", "_in_longest_run")
"""Ends of the names of measures that are the most of any run."""


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class Share(_View):
    """One line of a breakdown, in units per task."""

    name: str
    documented: Spread
    upper: Decimal
    """Mean units that open questions would add."""
    share: Decimal
    """Of all documented units, 0 to 1."""


class CapacityRow(_View):
    """One line about storage or capacity."""

    what: str
    value: str
    why: str
    """What it follows from."""


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
    """Of the tasks that failed or timed out; in no other figure, unless no task completed, or the measurement is of
    records or of a program as it is."""
    kinds: tuple[Share, ...]
    causes: tuple[Share, ...]
    types: tuple[TypeShare, ...]
    """By the type of task; empty where a workload made the tasks."""
    unseen: tuple[str, ...]
    """What the sources of this measurement cannot show."""
    estimates: tuple[Estimate, ...]
    """By rates of the user; in no other figure."""
    measures: dict[str, Decimal]
    """What was measured beside units: the mean of the tasks that have it; of what is `_longest` or `_largest`, the
    most."""
    capacity: tuple[CapacityRow, ...]
    """Storage and capacity of the month."""
    month: Month | None
    month_upper: Month | None
    """None when no open question touches this measurement."""
    month_lower: Month | None
    """With every open question answered for the user; None when that changes nothing."""
    answers: dict[str, str]
    """Open questions that were answered otherwise than by default."""
    reconciliations: tuple[Reconciliation, ...]
    certainty: Certainty | None = None
    """How sure the mean of `per_task` is; None when no task was counted."""
    certainty_upper: Certainty | None = None
    """Of `per_task_upper`; None when no open question touches this measurement."""
    sampling: tuple[str, ...] = ()
    """Why the counted tasks may be no fair sample, in words."""

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
    door: Door
    workload: str
    tasks: int
    seed: int
    """What a workload's tasks were drawn from; says nothing of the other doors."""
    started: AwareDatetime
    volume: Decimal
    """Tasks per month."""
    verdict: str
    """In one sentence: whether the count can be trusted."""
    engines: tuple[EngineReport, ...]
    stopping: Stopping | None = None
    """The rule that ended the measurement, if it had one."""
    not_covered: tuple[str, ...]
    warnings: tuple[str, ...]


def build_report(result: Result, *, volume: Decimal, pricing: Pricing, folder: str = "") -> Report:
    """Compute a report from a result folder.

    Args:
        result: the measurement with its ledger.
        volume: tasks per month.
        pricing: price books, and which of them to use.
        folder: how to show the folder; its path by default.
    """
    measurement = result.measurement
    engines = tuple(
        _engine_report(engine, [u for u in result.ledger if u.engine == engine.engine], volume, pricing)
        for engine in measurement.engines
    )
    return Report(
        measurement=measurement.id,
        folder=folder or str(result.folder),
        state=measurement.state,
        door=measurement.door,
        workload=measurement.workload,
        tasks=measurement.task_count,
        seed=measurement.seed,
        started=measurement.started,
        volume=volume,
        verdict=_verdict(measurement.state, engines),
        engines=engines,
        not_covered=(*_blind_spots(engines), *_omitted(engines), *NOT_COVERED),
        stopping=measurement.stopping,
        warnings=(
            *stopping_warnings(measurement.stopping),
            *_sample_warnings(engines),
            *_server_warnings(engines),
            *measurement.telemetry_problems,
        ),
    )


def _engine_report(result: EngineResult, units: Sequence[Unit], volume: Decimal, pricing: Pricing) -> EngineReport:
    counted = result.sample
    others = [task for task in result.tasks if task.counted and task.state in ("failed", "timed_out")]
    totals = [task.units for task in counted]
    upper = [task.units_upper for task in counted]
    lower = [task.units_lower for task in counted]
    day = (result.started or datetime.now(UTC)).date()
    found = demand(result, volume)
    month = month_of(found, _mean(totals), day, pricing) if totals else None
    month_upper = month_of(found, _mean(upper), day, pricing) if upper != totals else None
    month_lower = month_of(found, _mean(lower), day, pricing) if lower != totals else None
    clusters = [task.cluster for task in counted]
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
        per_task=spread(totals) if totals else None,
        per_task_upper=spread(upper) if upper else None,
        per_task_others=spread([task.units for task in others]) if others else None,
        kinds=_breakdown(units, counted, lambda unit: unit.kind),
        causes=_breakdown(units, counted, lambda unit: unit.cause),
        types=by_type(counted),
        unseen=result.unseen,
        estimates=result.estimates,
        measures=_measures(counted),
        capacity=tuple(CapacityRow(**row._asdict()) for row in capacity_rows(found)) if totals else (),
        month=month,
        month_upper=month_upper,
        month_lower=month_lower,
        answers=dict(result.answers),
        reconciliations=result.reconciliations,
        certainty=assess(totals, clusters) if totals else None,
        certainty_upper=assess(upper, clusters) if month_upper else None,
        sampling=tuple(left_out(result)),
    )


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


def _measures(tasks: Sequence[TaskResult]) -> dict[str, Decimal]:
    """Of the tasks that have each: what is absent was not measured, and is no zero."""
    names = dict.fromkeys(name for task in tasks for name in task.measures)
    values = {name: [task.measures[name] for task in tasks if name in task.measures] for name in names}
    return {
        name: max(found) if name.endswith(_MOST) else sum(found, Decimal(0)) / len(found)
        for name, found in values.items()
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
            documented=spread([by_task.get((name, task.task), Decimal(0)) for task in tasks]),
            upper=extra.get(name, Decimal(0)) / len(tasks),
            share=sums[name] / total if total else Decimal(0),
        )
        for name in sorted(sums, key=lambda name: (-sums[name], name))
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
        for spot in dict.fromkeys(
            [*engine.unseen, *(spot for found in engine.reconciliations for spot in found.blind_spots)]
        )
    ]


def _omitted(engines: Sequence[EngineReport]) -> list[str]:
    months = [(engine.engine, engine.month) for engine in engines if engine.month is not None]
    return [f"{engine}, {month.plan} may charge more: {what}" for engine, month in months for what in month.omitted]


def _sample_warnings(engines: Sequence[EngineReport]) -> list[str]:
    lines = []
    for engine in engines:
        found = [each.warnings for each in (engine.certainty, engine.certainty_upper) if each is not None]
        lines += [f"{engine.engine}: {line}" for line in engine.sampling]
        lines += [f"{engine.engine}: {line}" for line in dict.fromkeys(line for each in found for line in each)]
    return lines


def _server_warnings(engines: Sequence[EngineReport]) -> list[str]:
    lines = []
    for engine in engines:
        if engine.server is not None:
            if not engine.server.tested:
                lines.append(f"{engine.engine}: the suites have not been run on server version {engine.server.version}")
            lines += [f"{engine.engine}: {note}" for note in engine.server.notes]
    return lines
