"""Histories in files → tasks, units and what is missing of them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pydantic import JsonValue

from durameter.engines.counting import Counting, CountRequest, FilesRead, Reading
from durameter.engines.task_key import Root, group_roots, safe_id
from durameter.engines.temporal.history_paths import Files, files_of
from durameter.errors import UsageError
from durameter.results.answers import answered
from durameter.results.estimates import Recorded, estimates, unseen_kinds
from durameter.results.folder import Result
from durameter.results.model import EngineResult, TaskResult, TaskState, count_kinds
from durameter.results.reconcile import Reconciliation
from durameter.results.writer import WORKLOAD, ResultWriter
from durameter_collectors.rulebook import Rulebook
from durameter_collectors.temporal.files.read import read_histories
from durameter_collectors.temporal.files.tasks import RunsInFiles, TaskInFiles, tasks_of
from durameter_collectors.units import Gap, Unit

__all__ = ["CountHistories"]

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


class CountHistories(Counting):
    """Counts histories in files: JSON, protobuf, exports, compressed or not."""

    def __init__(self, recorded: Recorded) -> None:
        """Take what histories show."""
        self._recorded = recorded

    def count_files(self, request: CountRequest, told: Reading) -> Result:
        """Count all histories in these files and write a result folder.

        A history is dropped once it is counted: memory grows with the units, not with the files.

        Raises:
            UsageError: there is no history in any of them.
            ResultError: the folder cannot be written.
        """
        return _count(files_of(request.paths), request, self._recorded, told)


def _count(files: Files, request: CountRequest, recorded: Recorded, told: Reading) -> Result:
    rules = answered(recorded.rules, request.config.answers)
    started = datetime.now(UTC)
    runs, read = _read(files, told)
    if not runs.by_key:
        raise UsageError(_none(read))
    about: dict[str, JsonValue] = {"paths": [str(path) for path in request.paths], "files": read.files}
    writer = ResultWriter(
        request.folder(),
        door="count",
        workload=WORKLOAD,
        about=about,
        started=started,
        packages=request.packages,
    )
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
        answers=request.config.answers.get("temporal", {}),
        started=started,
        ended=ended,
        tasks=(*tasks, *flagged),
        reconciliations=(_one_source(),),
        unseen=(*(f"{kind}: {when}" for kind, when in unseen_kinds(recorded).items()), *_OTHER_BLIND_SPOTS),
        estimates=estimates(request.rates, counted),
        failed_too=True,
    )
    writer.engine(engine)
    return writer.finish(
        [engine],
        units,
        complete=True,
        ended=ended,
        task_count=len(tasks),
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


def _read(files: Files, told: Reading) -> tuple[RunsInFiles, FilesRead]:
    runs, read = RunsInFiles(workload=WORKLOAD, variant=_VARIANT), FilesRead(total=len(files.paths))
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


def _named(tasks: Sequence[TaskInFiles]) -> Iterator[tuple[TaskInFiles, str]]:
    """Tasks with names of their own. Where a workflow id was used again, each of its tasks has a hash in its name."""
    names = [(task, task.root.workflow or f"run-{task.root.key}") for task in tasks]
    groups = group_roots(Root(task, name=name, full_name=f"{name} {task.root.key}") for task, name in names)
    return ((group.roots[0], group.id) for group in groups)


def _result(task: TaskInFiles, name: str, rules: Rulebook, ledger: list[Unit]) -> TaskResult:
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


def _how(task: TaskInFiles, is_open: bool) -> str:
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
