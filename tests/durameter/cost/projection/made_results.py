"""Results that are made, not measured: with counts that a reader can add up."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from durameter.results.folder import Result
from durameter.results.model import (
    EngineResult,
    Measurement,
    TaskResult,
    count_kinds,
)
from durameter.results.reconcile import Reconciliation
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import Unit

WHEN = datetime(2026, 11, 23, 12, tzinfo=UTC)
_FIRST = {"temporal": ("start", "activity"), "inngest": ("run", "step_run")}
_NAMES = {"temporal": "Action", "inngest": "execution"}
AGREES = Reconciliation(source="ledger", other="meter", independent=True, state="agrees", lines=(), notes=())


def units_of(engine: str, task: str, count: int, *, again: int = 0, variant: str = "plain") -> list[Unit]:
    """One unit for the run, the others for its steps; `again` of them are retries."""
    rules = load_rulebook(engine)
    run, step = _FIRST[engine]
    retry = "activity_retry" if engine == "temporal" else "step_retry"
    names = [run, *[step] * (count - 1 - again), *[retry] * again]
    return [
        Unit(
            engine=engine,
            workload="made/agent",
            variant=variant,
            task=task,
            run=f"run-{task}",
            kind=rules.rule(name).kind,
            cause=name,
            step="",
            attempt=2 if name == retry else 1,
            quantity=Decimal(1),
            reading=rules.rule(name).reading,
            rule=name,
            time=WHEN,
            source="made",
            evidence=str(number),
        )
        for number, name in enumerate(names)
    ]


def made(
    counts: Mapping[str, Sequence[int]],
    *,
    turns: Sequence[int] | None = None,
    clusters: Sequence[str] | None = None,
    again: int = 0,
    variant: str = "plain",
    reconciliations: Sequence[Reconciliation] = (AGREES,),
    lost: int = 0,
    name: str = "made",
    workload: str = "made/agent",
) -> Result:
    """A result with a task per count: engine → units of each task.

    Args:
        counts: units of each task by the documented reading (on Inngest, with `again`, by the upper one).
        turns: covariate `model_calls` of each task.
        clusters: group of each task.
        again: how many units of each task are retries.
        variant: of all engines.
        reconciliations: of all engines.
        lost: tasks beside these that failed.
        name: id of the measurement.
        workload: its workload.
    """
    units: list[Unit] = []
    engines = []
    for engine, numbers in counts.items():
        rules = load_rulebook(engine)
        tasks = []
        for number, count in enumerate(numbers):
            rows = units_of(engine, f"task-{number}", count, again=again, variant=variant)
            units += rows
            tasks.append(
                TaskResult(
                    task=f"task-{number}",
                    cluster=clusters[number] if clusters else "",
                    state="completed",
                    covariates={"model_calls": float(turns[number])} if turns else {},
                    kinds=count_kinds(rows, rules),
                    started=WHEN,
                    ended=WHEN,
                )
            )
        tasks += [
            TaskResult(task=f"lost-{number}", state="failed", error="gave up", started=WHEN, ended=WHEN)
            for number in range(lost)
        ]
        engines.append(
            EngineResult(
                engine=engine,
                unit=_NAMES[engine],
                variant=variant,
                state="measured",
                rulebook="2026-11",
                started=WHEN,
                tasks=tuple(tasks),
                reconciliations=tuple(reconciliations),
            )
        )
    measurement = Measurement(
        id=name,
        state="complete",
        workload=workload,
        seed=0,
        task_count=len(engines[0].tasks) if engines else 0,
        concurrency=1,
        timeout_seconds=1,
        started=WHEN,
        durameter_version="0",
        engines=tuple(engines),
    )
    return Result(Path("made"), measurement, units)
