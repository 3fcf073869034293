"""Logs in files, `*.toy.jsonl`: one job or several in each."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from durameter.engines import (
    WORKLOAD,
    Counting,
    CountRequest,
    EngineResult,
    FilesRead,
    Gap,
    Reading,
    Reconciliation,
    Recorded,
    Result,
    ResultWriter,
    TaskLabel,
    TaskResult,
    Unit,
    UsageError,
    answered,
    count_kinds,
    estimates,
    safe_id,
    unseen_kinds,
)
from durameter_toy.log import Entry, by_job, measures_of, units_of

__all__ = ["CountLogs"]

_ENDING = ".toy.jsonl"


class CountLogs(Counting):
    """Counts logs in files."""

    def __init__(self, recorded: Recorded) -> None:
        """Take what logs show."""
        self._recorded = recorded

    def claims(self, paths: Sequence[Path]) -> bool:
        """By their ending."""
        return all(path.name.endswith(_ENDING) for path in paths)

    def count_files(self, request: CountRequest, told: Reading) -> Result:
        """Every job of every file is a task; a file that is no log is a row with a gap."""
        rules, now = answered(self._recorded.rules, request.config.answers), datetime.now(UTC)
        read, tasks, ledger = FilesRead(total=len(request.paths)), [], []
        for path in request.paths:
            try:
                jobs = by_job(Entry.model_validate_json(line) for line in path.read_bytes().splitlines())
            except (OSError, ValidationError):
                what = f"{path} is no log of the toy."
                gap = Gap(engine="toy", task=safe_id(path.name), run="", what=what)
                read.refused.append((str(path), what))
                tasks.append(
                    TaskResult(
                        task=gap.task, state="failed", error=what, gaps=(gap,), counted=False, started=now, ended=now
                    )
                )
                jobs = {}
            for job, entries in jobs.items():
                units: list[Unit] = units_of(entries, TaskLabel(WORKLOAD, "logs", safe_id(job)), rules)
                ledger += units
                tasks.append(
                    TaskResult(
                        task=safe_id(job),
                        type="job",
                        state="completed" if entries[-1].what == "end" else "interrupted",
                        roots=(job,),
                        runs=(job,),
                        kinds=count_kinds(units, rules),
                        measures=measures_of(entries),
                        started=entries[0].at,
                        ended=entries[-1].at,
                    )
                )
            read.histories += len(jobs)
            read.files += 1
            told(read)
        if not ledger:
            raise UsageError("There is no log of the toy in these files.")
        about = {"paths": [str(path) for path in request.paths]}
        writer = ResultWriter(
            request.folder(), door="count", workload=WORKLOAD, about=about, started=now, packages=request.packages
        )
        engine = EngineResult(
            engine="toy",
            unit=rules.unit,
            variant="logs",
            state="measured",
            rulebook=rules.version,
            started=now,
            ended=datetime.now(UTC),
            tasks=tuple(tasks),
            reconciliations=(Reconciliation(source="log", other="meter", state="not checked"),),
            unseen=tuple(f"{kind}: {when}" for kind, when in unseen_kinds(self._recorded).items()),
            estimates=estimates(request.rates, {"task": len(tasks), "run": read.histories}),
            failed_too=True,
        )
        return writer.finish([engine], ledger, complete=True, about={"jobs": read.histories}, task_count=read.histories)
