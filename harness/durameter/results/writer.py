"""Writes a result folder, so that a killed measurement can still be read. Every way of measuring writes by it.

`journal.jsonl` gets one line per event of the measurement, flushed to disk as it happens. At the end
`measurement.json` and `ledger.parquet` are written beside it. Raw records are under `records/`.
"""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import JsonValue, TypeAdapter

from durameter.errors import ResultError
from durameter.results.environment import durameter_version, environment
from durameter.results.folder import JOURNAL, LEDGER, MEASUREMENT, Result, unwritable
from durameter.results.model import Door, EngineResult, Measurement, Stopping, TaskResult
from durameter_collectors.ledger import write_ledger
from durameter_collectors.units import Unit

__all__ = ["WORKLOAD", "ResultWriter", "check_new"]

WORKLOAD = "records"
"""The workload's name in results and ledgers of `count`."""

_UNITS = TypeAdapter(list[Unit])


def check_new(folder: Path) -> None:
    """Check that a result can be written there, before anything is read.

    Raises:
        ResultError: it holds files already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ResultError(f"{folder} is there already. Choose another folder with --out.")


class ResultWriter:
    """The folder of one measurement, count or watch."""

    def __init__(
        self,
        folder: Path,
        *,
        door: Door,
        workload: str,
        about: Mapping[str, JsonValue],
        packages: Sequence[str],
        started: datetime | None = None,
        seed: int = 0,
        task_count: int = 0,
        concurrency: int = 1,
        timeout_seconds: float = 0,
        options: Mapping[str, JsonValue] | None = None,
        stopping: Stopping | None = None,
    ) -> None:
        """Make the folder, with a journal that says what is to come.

        The arguments are the fields of `Measurement`; `packages` are those whose versions it records.

        Raises:
            ResultError: it holds a measurement or other files already, or cannot be written.
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                what = "a measurement" if any((folder / name).exists() for name in (JOURNAL, MEASUREMENT)) else "files"
                raise ResultError(f"{folder} holds {what} already. Choose another folder with --out.")
            self._file = (folder / JOURNAL).open("x")
        except OSError as error:
            raise unwritable(folder, error) from error
        self._header = Measurement(
            id=folder.name,
            state="incomplete",
            door=door,
            about=dict(about),
            workload=workload,
            seed=seed,
            task_count=task_count,
            stopping=stopping,
            concurrency=concurrency,
            timeout_seconds=timeout_seconds,
            options=dict(options or {}),
            started=started or datetime.now(UTC),
            durameter_version=durameter_version(),
            environment=environment(packages),
        )
        self._line("measurement", measurement=self._header.model_dump(mode="json"))

    def engine(self, result: EngineResult) -> None:
        """An engine is reached, is missing, or is done; a later line about it replaces an earlier one."""
        self._line("engine", engine=result.model_dump(mode="json", exclude={"tasks"}))

    def task(self, engine: str, variant: str, result: TaskResult, units: Sequence[Unit], place: int = 0) -> None:
        """A task ended: its result, its rows of the ledger, and its place among the tasks that were asked for."""
        rows, task = _UNITS.dump_python(list(units), mode="json"), result.model_dump(mode="json")
        self._line("task", engine=engine, variant=variant, place=place, task=task, units=rows)

    def records(self, engine: str, task: str, records: Mapping[str, bytes]) -> None:
        """Raw records of a task, one file each."""
        for name, content in records.items():
            path = self.folder / "records" / engine / task / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def finish(
        self,
        engines: Sequence[EngineResult],
        units: list[Unit],
        *,
        complete: bool,
        ended: datetime | None = None,
        about: Mapping[str, JsonValue] | None = None,
        task_count: int | None = None,
        stopping: Stopping | None = None,
        telemetry_problems: Sequence[str] = (),
    ) -> Result:
        """Write the files that others read.

        Args:
            engines: with all of their tasks.
            units: the ledger.
            complete: whether nothing stopped it before its end.
            ended: by default now.
            about: what is known only now, beside what was said at the beginning.
            task_count: if it is not as it was said at the beginning.
            stopping: the same.
            telemetry_problems: see `Measurement`.
        """
        header = self._header
        measurement = header.model_copy(
            update={
                "state": "complete" if complete else "incomplete",
                "about": {**header.about, **(about or {})},
                "task_count": header.task_count if task_count is None else task_count,
                "stopping": stopping or header.stopping,
                "ended": ended or datetime.now(UTC),
                "engines": tuple(engines),
                "telemetry_problems": tuple(telemetry_problems),
            }
        )
        write_ledger(units, self.folder / LEDGER)
        unfinished = self.folder / f"{MEASUREMENT}.part"
        unfinished.write_text(measurement.model_dump_json(indent=2) + "\n")
        unfinished.replace(self.folder / MEASUREMENT)
        self._file.close()
        return Result(self.folder, measurement, units)

    def _line(self, event: str, **content: Any) -> None:
        self._file.write(json.dumps({"event": event, **content}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
