"""A count as a normal result folder."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from durameter.errors import ResultError
from durameter.results.environment import durameter_version, environment
from durameter.results.folder import Journal, Result
from durameter.results.model import EngineResult, Measurement
from durameter_collectors.units import Unit

__all__ = ["WORKLOAD", "Writing", "check_new"]

WORKLOAD = "records"
"""The workload's name in results and ledgers of this door."""


def check_new(folder: Path) -> None:
    """Check that a result can be written there, before anything is read.

    Raises:
        ResultError: it holds files already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ResultError(f"{folder} is there already. Choose another folder with --out.")


class Writing:
    """The result folder of one count."""

    def __init__(
        self, folder: Path, *, started: datetime, about: Mapping[str, JsonValue], packages: Sequence[str] = ()
    ) -> None:
        """Make it, marked incomplete until `finish`; `packages` are those whose versions it records.

        Raises:
            ResultError: it holds files already, or cannot be written.
        """
        self.journal = Journal(folder)
        self._header = Measurement(
            id=folder.name,
            state="incomplete",
            door="count",
            about=dict(about),
            workload=WORKLOAD,
            seed=0,
            task_count=0,
            concurrency=1,
            timeout_seconds=0,
            started=started,
            durameter_version=durameter_version(),
            environment=environment(packages),
        )
        self.journal.begin(self._header)

    def finish(
        self, engine: EngineResult, units: Sequence[Unit], *, ended: datetime, about: Mapping[str, JsonValue]
    ) -> Result:
        """Write what was found."""
        measurement = self._header.model_copy(
            update={
                "state": "complete",
                "about": {**self._header.about, **about},
                "task_count": sum(task.counted for task in engine.tasks),
                "ended": ended,
                "engines": (engine,),
            }
        )
        self.journal.engine(engine)
        self.journal.finish(measurement, units)
        return Result(self.journal.folder, measurement, list(units))
