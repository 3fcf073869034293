"""The result folder: written so that a killed measurement can still be read.

`journal.jsonl` gets one line per event of the measurement, flushed to disk as it happens. At the end
`measurement.json` and `ledger.parquet` are written beside it. Raw records are under `records/`.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from durameter.errors import ResultError
from durameter.results.model import EngineResult, Measurement, TaskResult
from durameter_collectors.ledger import LedgerError, read_ledger, write_ledger
from durameter_collectors.units import Unit

__all__ = ["LOG", "Journal", "Result", "new_folder", "read_result"]

JOURNAL, MEASUREMENT, LEDGER, LOG = "journal.jsonl", "measurement.json", "ledger.parquet", "durameter.log"

_UNITS = TypeAdapter(list[Unit])


@dataclass(frozen=True)
class Result:
    """A measurement and its ledger. `durameter.Result` is this with verbs: what they need lies above the record."""

    folder: Path
    measurement: Measurement
    ledger: list[Unit]
    """Every billable unit, one row each."""


def new_folder(results: Path, workload: str) -> Path:
    """Make a folder for a measurement that begins now, named by time and workload.

    Raises:
        ResultError: it cannot be made.
    """
    began = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}"
    try:
        results.mkdir(parents=True, exist_ok=True)
        for again in count(1):  # two measurements may begin in one second
            folder = results / (f"{began}-{workload}" if again == 1 else f"{began}-{again}-{workload}")
            with suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise _unwritable(results, error) from error
    raise AssertionError("numbers do not end")


def _unwritable(folder: Path, error: OSError) -> ResultError:
    return ResultError(f"{folder} cannot be written: {error.strerror}. Choose another folder with --out.")


class Journal:
    """Writes the folder of one measurement."""

    def __init__(self, folder: Path) -> None:
        """Make the folder.

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
            raise _unwritable(folder, error) from error

    def begin(self, measurement: Measurement) -> None:
        """The plan, before anything is measured."""
        self._line("measurement", measurement=measurement.model_dump(mode="json"))

    def engine(self, result: EngineResult) -> None:
        """An engine is reached, is missing, or is done; a later line about it replaces an earlier one."""
        self._line("engine", engine=result.model_dump(mode="json", exclude={"tasks"}))

    def task(self, engine: str, variant: str, result: TaskResult, units: Sequence[Unit]) -> None:
        """A task ended: its result and its rows of the ledger."""
        rows = _UNITS.dump_python(list(units), mode="json")
        self._line("task", engine=engine, variant=variant, task=result.model_dump(mode="json"), units=rows)

    def records(self, engine: str, task: str, records: dict[str, bytes]) -> None:
        """Raw records of a task, one file each."""
        for name, content in records.items():
            path = self.folder / "records" / engine / task / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def finish(self, measurement: Measurement, units: Sequence[Unit]) -> None:
        """Write the files that others read."""
        write_ledger(units, self.folder / LEDGER)
        unfinished = self.folder / f"{MEASUREMENT}.part"
        unfinished.write_text(measurement.model_dump_json(indent=2) + "\n")
        unfinished.replace(self.folder / MEASUREMENT)
        self._file.close()

    def _line(self, event: str, **content: Any) -> None:
        self._file.write(json.dumps({"event": event, **content}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_result(path: str | os.PathLike[str]) -> Result:
    """Read a result folder, also one whose measurement was killed.

    Args:
        path: the folder, or the `measurement.json` in it.

    Returns:
        The measurement; of state `incomplete`, with all that the journal holds, when it never finished.

    Raises:
        ResultError: there is no measurement, or it cannot be read.
    """
    given = Path(path)
    folder = given.parent if given.name == MEASUREMENT else given
    if not (folder / MEASUREMENT).is_file():
        return _read_journal(folder)
    try:
        measurement = Measurement.model_validate_json((folder / MEASUREMENT).read_bytes())
        return Result(folder, measurement, read_ledger(folder / LEDGER))
    except (OSError, ValidationError, LedgerError) as error:
        raise ResultError(f"{folder} cannot be read: {error}") from error


def _read_journal(folder: Path) -> Result:
    try:
        lines = (folder / JOURNAL).read_bytes().splitlines()
    except OSError as error:
        raise ResultError(
            f"{folder} is not a result folder: it has neither {MEASUREMENT} nor {JOURNAL}. "
            "`durameter run` names the folder that it wrote."
        ) from error
    header: dict[str, Any] | None = None
    engines: dict[tuple[str, str], dict[str, Any]] = {}
    tasks: dict[tuple[str, str], list[Any]] = {}
    units: list[Unit] = []
    try:
        for number, line in enumerate(lines):
            try:
                entry = json.loads(line)
            except ValueError:
                if number == len(lines) - 1:
                    break  # the line that was being written when the process was killed
                raise
            if entry["event"] == "measurement":
                header = entry["measurement"]
            elif entry["event"] == "engine":
                about = entry["engine"]
                engines[about["engine"], about["variant"]] = about
            elif entry["event"] == "task":
                tasks.setdefault((entry["engine"], entry["variant"]), []).append(entry["task"])
                units += _UNITS.validate_python(entry["units"])
        if header is None:
            raise ResultError(f"{folder} was begun and holds nothing yet.")
        results = [{**about, "tasks": tasks.get(key, [])} for key, about in engines.items()]
        measurement = Measurement.model_validate({**header, "state": "incomplete", "engines": results})
    except (ValueError, KeyError, TypeError) as error:
        raise ResultError(f"The journal of {folder} cannot be read: {error}") from error
    return Result(folder, measurement, units)
