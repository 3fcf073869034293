"""Units of each task, from the ledger: all of them, or those of one kind or cause."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from durameter.errors import ResultError
from durameter.formatting import plain
from durameter.results.folder import Result
from durameter.results.model import EngineResult, TaskResult
from durameter_collectors.units import Reading, Unit

__all__ = ["Figures", "figures_of"]


@dataclass(frozen=True)
class Figures:
    """Tasks of one engine that were counted, with their rows of the ledger."""

    engine: EngineResult
    tasks: tuple[TaskResult, ...]
    """Those that completed and were counted."""
    units: tuple[Unit, ...]
    """Of these tasks."""

    def only(self, tasks: Sequence[TaskResult]) -> "Figures":
        """Of some of the tasks."""
        names = {task.task for task in tasks}
        return Figures(self.engine, tuple(tasks), tuple(unit for unit in self.units if unit.task in names))

    def per_task(
        self, *, kind: str | None = None, cause: str | None = None, reading: Reading = "documented"
    ) -> dict[str, Decimal]:
        """Task → its units; zero where it has none.

        Args:
            kind: only of this kind.
            cause: only what this made.
            reading: `upper` has what open questions would add as well.
        """
        found = {task.task: Decimal(0) for task in self.tasks}
        for unit in self.units:
            if unit.reading == "upper" and reading == "documented":
                continue
            if kind in (None, unit.kind) and cause in (None, unit.cause):
                found[unit.task] += unit.quantity
        return found

    @property
    def causes(self) -> tuple[str, ...]:
        """Every cause that any unit has, in either reading."""
        return tuple(sorted({unit.cause for unit in self.units}))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every kind that any unit has, in either reading."""
        return tuple(sorted({unit.kind for unit in self.units}))

    @property
    def clusters(self) -> list[str]:
        """Of each task, in order."""
        return [task.cluster for task in self.tasks]


def figures_of(result: Result, engine: EngineResult) -> Figures:
    """The figures of one engine of a result.

    Raises:
        ResultError: the ledger and `measurement.json` do not say the same: one of the files is of another measurement.
    """
    mine = [unit for unit in result.ledger if (unit.engine, unit.variant) == (engine.engine, engine.variant)]
    every = Figures(engine, tuple(task for task in engine.tasks if task.counted), ())
    names = {task.task for task in every.tasks}
    every = Figures(engine, every.tasks, tuple(unit for unit in mine if unit.task in names))
    _check_together(result, every)
    return every.only([task for task in engine.sample if engine.failed_too or task.state == "completed"])


def _check_together(result: Result, figures: Figures) -> None:
    """Raises ResultError where the ledger has other units of a kind than `measurement.json`, in either reading."""
    sums: dict[tuple[str, str, Reading], Decimal] = defaultdict(Decimal)
    for unit in figures.units:
        sums[unit.task, unit.kind, unit.reading] += unit.quantity
    said: dict[tuple[str, str, Reading], Decimal] = defaultdict(Decimal)
    for task in figures.tasks:
        for kind, each in task.kinds.items():
            said[task.task, kind, "documented"] = each.documented
            said[task.task, kind, "upper"] = each.upper
    for key in sorted({*sums, *said}):
        if sums[key] != said[key]:
            where, kind, reading = key
            ours = f"{plain(sums[key])} {kind} of task {where} on {figures.engine.engine} ({reading} reading)"
            raise ResultError(
                f"{result.folder}: the ledger has {ours} and measurement.json has {plain(said[key])}. One of the files "
                "was changed: measure again."
            )
