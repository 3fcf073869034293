"""Histories in files → tasks, units and what is missing of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from durameter.config import Config
from durameter.engines.discovery import safe_id
from durameter.engines.temporal.history_paths import Files
from durameter.errors import UsageError
from durameter.results.answers import answered_rulebook
from durameter.results.estimates import Rate, estimates, unseen_kinds
from durameter.results.folder import Result
from durameter.results.model import (
    EngineResult,
    TaskResult,
    TaskState,
    count_kinds,
)
from durameter.results.reconcile import Reconciliation
from durameter.results.writer import WORKLOAD, Writing
from durameter_collectors.rulebook import Rulebook
from durameter_collectors.temporal.files.read import read_histories
from durameter_collectors.temporal.files.tasks import FiledRuns, FiledTask, tasks_of
from durameter_collectors.units import Gap, Unit

__all__ = ["FilesRead", "count_files"]

_VARIANT = "histories"
_SHOWN = 5
"""Refused files that an error names when there is no history at all."""
_STATES: dict[str, TaskState] = {"COMPLETED": "completed", "TIMED_OUT": "timed_out", "": "interrupted"}
"""How its root workflow ended → state of the task; whatever is not here failed."""
_OTHER_BLIND_SPOTS = (
    "retry_activity: retries of an activity that was given up while no worker had it; where that may be, a gap says so",
    "start_workflow_multi_operation: a start by update-with-start is counted as start_workflow",
    "signal_workflow_with_start: that of a workflow that was running is counted as signal_workflow",
)


@dataclass
class FilesRead:
    """How the reading goes."""

    files: int = 0
    histories: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Place and reason of each file, or part of one, that is no history."""


def count_files(
    files: Files,
    folder: Callable[[], Path],
    config: Config,
    *,
    rates: Sequence[Rate],
    named: Sequence[Path],
    told: Callable[[FilesRead], None],
) -> Result:
    """Count all histories in these files and write a result folder.

    A history is dropped once it is counted: memory grows with the units, not with the files.

    Args:
        files: what to read.
        folder: makes the folder of the result, once there is something to count.
        config: answers to open questions of the rulebook.
        rates: of what no history shows.
        named: the paths as the user named them, for the record.
        told: is told after each file.

    Raises:
        UsageError: there is no history in any of them.
        ResultError: the folder cannot be written.
    """
    rules = answered_rulebook("temporal", config.answers)
    started = datetime.now(UTC)
    runs, read = _read(files, told)
    if not runs.by_key:
        raise UsageError(_none(read))
    about: dict[str, JsonValue] = {"paths": [str(path) for path in named], "files": read.files}
    writing = Writing(folder(), started=started, about=about)
    units: list[Unit] = []
    tasks = [_result(task, name, rules, units) for task, name in _named(tasks_of(runs))]
    flagged = [_flagged(place, what, started) for place, what in read.refused]
    counted = {
        "task": len(tasks),
        "run": len(runs.by_key),
        "activity": sum(unit.kind == "schedule_activity" for unit in units),
    }
    again = sum(len(places) for places in runs.again.values())
    ended = datetime.now(UTC)
    engine = EngineResult(
        engine="temporal",
        unit=rules.unit,
        variant=_VARIANT,
        state="measured",
        rulebook=rules.version,
        answers=config.answers.get("temporal", {}),
        started=started,
        ended=ended,
        tasks=(*tasks, *flagged),
        reconciliations=(_one_source(),),
        unseen=(*(f"{kind}: {when}" for kind, when in unseen_kinds("temporal").items()), *_OTHER_BLIND_SPOTS),
        estimates=estimates(rates, counted),
        failed_too=True,
    )
    return writing.finish(
        engine,
        units,
        ended=ended,
        about={
            "histories": read.histories,
            "runs": len(runs.by_key),
            "tasks": len(tasks),
            "counted_once_though_read_again": again,
            "read_again": dict(sorted((key, [*places]) for key, places in runs.again.items())),
            "not_histories": len(flagged),
            "hidden_files_not_read": files.hidden,
            "first_start": min(run.started for run in runs.by_key.values()).isoformat(),
            "last_event": max(run.ended for run in runs.by_key.values()).isoformat(),
        },
    )


def _read(files: Files, told: Callable[[FilesRead], None]) -> tuple[FiledRuns, FilesRead]:
    runs, read = FiledRuns(workload=WORKLOAD, variant=_VARIANT), FilesRead()
    read.refused += [(folder, f"{folder} cannot be read: {why}.") for folder, why in files.unreadable]
    for path in files.paths:
        for filed in read_histories(path):
            if runs.take(filed) is None:
                read.refused.append((filed.place, filed.problem))
            else:
                read.histories += 1
        read.files += 1
        told(read)
    return runs, read


def _none(read: FilesRead) -> str:
    shown = [f"- {problem}" for _, problem in read.refused[:_SHOWN]]
    more = [f"- and {len(read.refused) - _SHOWN} more"] if len(read.refused) > _SHOWN else []
    what = "file holds" if read.files == 1 else "files hold"
    return "\n".join([f"The {read.files} {what} no history of a Temporal workflow:", *shown, *more])


def _named(tasks: Sequence[FiledTask]) -> Iterator[tuple[FiledTask, str]]:
    """Tasks with names of their own. Where a workflow id was used again, each of its tasks has a hash in its name."""
    times = Counter(task.root.workflow for task in tasks)
    for task in tasks:
        root = task.root
        known = root.workflow or f"run-{root.key}"
        yield task, safe_id(known if times[root.workflow] == 1 or not root.workflow else f"{known} {root.key}")


def _result(task: FiledTask, name: str, rules: Rulebook, ledger: list[Unit]) -> TaskResult:
    """One task's row; adds its units to the ledger."""
    found = [unit.model_copy(update={"task": name}) for run in task.runs for unit in run.count.units]
    units = rules.read(found)
    ledger += units
    state = _STATES.get(task.end, "failed")
    open_runs = [run for run in task.runs if not run.end]
    return TaskResult(
        task=name,
        type=task.root.type,
        state=state,
        error="" if state == "completed" else _how(task, bool(open_runs)),
        shape={
            "workflow": task.root.workflow,
            "end": task.end or "unknown",
            "files": [*dict.fromkeys(run.place for run in task.runs)],
        },
        roots=(task.root.workflow,),
        runs=tuple(run.run for run in task.runs),
        kinds=count_kinds(units, rules),
        gaps=tuple(gap.model_copy(update={"task": name}) for gap in task.gaps),
        started=task.root.started,
        ended=max(run.ended for run in task.runs),
    )


def _how(task: FiledTask, is_open: bool) -> str:
    if task.end:
        return f"its workflow ended as {task.end.lower().replace('_', ' ')}"
    return "it still ran, or its record was cut off" if is_open else "it goes on in a run that is not among the files"


def _flagged(place: str, what: str, now: datetime) -> TaskResult:
    """A row for what is no history: it is no task, and has no count."""
    name = safe_id(f"no history {place}")
    return TaskResult(
        task=name,
        state="failed",
        error="no history was read here",
        shape={"file": place},
        gaps=(Gap(engine="temporal", task=name, run="", what=what),),
        counted=False,
        started=now,
        ended=now,
    )


def _one_source() -> Reconciliation:
    why = "histories in files have no second source: the meter and the wire are a running server's"
    return Reconciliation(source="history", other="meter", state="not checked", notes=(why,))
