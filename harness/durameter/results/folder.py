"""Result folders: where they are, and how they are read back, also one whose measurement was killed.

What is in them is written by `results.writer`.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from durameter.errors import ResultError
from durameter.results.model import Measurement
from durameter_collectors.ledger import LedgerError, read_ledger
from durameter_collectors.units import Unit

__all__ = ["JOURNAL", "LEDGER", "LOG", "MEASUREMENT", "Result", "new_folder", "read_result", "unwritable"]

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
        raise unwritable(results, error) from error
    raise AssertionError("numbers do not end")


def unwritable(folder: Path, error: OSError) -> ResultError:
    """What to say, and what to do, when nothing can be written to a folder."""
    return ResultError(f"{folder} cannot be written: {error.strerror}. Choose another folder with --out.")


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
    tasks: dict[tuple[str, str], list[tuple[int, Any]]] = {}
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
                place = entry.get("place", 0)  # old journals are in the order of ending
                tasks.setdefault((entry["engine"], entry["variant"]), []).append((place, entry["task"]))
                units += _UNITS.validate_python(entry["units"])
        if header is None:
            raise ResultError(f"{folder} was begun and holds nothing yet.")
        ordered = {key: [task for _, task in sorted(found, key=itemgetter(0))] for key, found in tasks.items()}
        results = [{**about, "tasks": ordered.get(key, [])} for key, about in engines.items()]
        measurement = Measurement.model_validate({**header, "state": "incomplete", "engines": results})
    except (ValueError, KeyError, TypeError) as error:
        raise ResultError(f"The journal of {folder} cannot be read: {error}") from error
    return Result(folder, measurement, units)
