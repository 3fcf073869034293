"""The ledger as a table: units per task, kind and reading, and retries."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from durameter.cost.profile.predict import in_words
from durameter.cost.profile.records import FEW_SPARE, Lines, ReadingName, Retries, tasks_needed
from durameter.results.model import EngineResult, KindCount, TaskResult
from durameter_collectors.units import Unit

__all__ = [
    "READINGS",
    "Table",
    "tabulate",
    "warnings_of",
]

READINGS: tuple[ReadingName, ...] = ("documented", "upper", "lower")


@dataclass(frozen=True)
class Table:
    """All completed and counted tasks of one engine, in one order."""

    tasks: tuple[TaskResult, ...]
    names: tuple[str, ...]
    """Covariates, in the order of the tasks' own."""
    kinds: tuple[str, ...]
    units: dict[tuple[ReadingName, str], tuple[Decimal, ...]]
    """Reading and kind to units, one per task."""
    retry_kinds: frozenset[str]
    """Kinds whose every unit in the ledger is of an attempt after the first."""
    retries: tuple[int, ...]
    """Attempts after the first, one per task."""
    retried: tuple[str, ...]
    """Causes of those, the most frequent first."""
    first_attempts: dict[str, tuple[int, ...]]
    """Kind to units of first attempts with a cause of `retried`, one per task; the most frequent kind first."""

    @property
    def clusters(self) -> tuple[str, ...]:
        """Of each task; a task that is like no other is one of its own."""
        return tuple(f"cluster {each.cluster}" if each.cluster else f"task {each.task}" for each in self.tasks)

    def total(self, reading: ReadingName) -> tuple[Decimal, ...]:
        """Units of each task."""
        columns = [self.units[reading, kind] for kind in self.kinds]
        return tuple(sum(parts, Decimal(0)) for parts in zip(*columns, strict=True)) if columns else ()


def tabulate(result: EngineResult, units: Sequence[Unit]) -> Table:
    """Bring the ledger's rows of one engine into a table.

    What open questions might take away from the documented count is not a row of its own: it comes from the counts per
    kind, which were made from the same rows.

    Args:
        result: the tasks.
        units: rows of the ledger; those of other engines, variants or tasks are passed over.
    """
    tasks = tuple(task for task in result.sample if result.failed_too or task.state == "completed")
    place = {task.task: i for i, task in enumerate(tasks)}
    mine = [u for u in units if (u.engine, u.variant) == (result.engine, result.variant) and u.task in place]
    seen = {unit.kind for unit in mine}
    retry_kinds = frozenset(seen - {unit.kind for unit in mine if unit.attempt == 1})
    again = [unit for unit in mine if unit.kind in retry_kinds]
    causes = Counter(unit.cause for unit in again)
    firsts: dict[str, Counter[str]] = defaultdict(Counter)
    for unit in mine:
        if unit.attempt == 1 and unit.cause in causes:
            firsts[unit.kind][unit.task] += 1
    retries = Counter(unit.task for unit in again)
    kinds = tuple(sorted(seen))
    sums = _sums(mine)
    return Table(
        tasks=tasks,
        names=tuple(dict.fromkeys(name for task in tasks for name in task.covariates)),
        kinds=kinds,
        units={
            (reading, kind): tuple(
                _reading(reading, sums[task.task, kind], task.kinds.get(kind, KindCount())) for task in tasks
            )
            for reading in READINGS
            for kind in kinds
        },
        retry_kinds=retry_kinds,
        retries=tuple(retries[task.task] for task in tasks),
        retried=tuple(cause for cause, _ in causes.most_common()),
        first_attempts={
            kind: tuple(count[task.task] for task in tasks)
            for kind, count in sorted(firsts.items(), key=lambda item: (-item[1].total(), item[0]))
        },
    )


def _sums(units: Sequence[Unit]) -> "defaultdict[tuple[str, str], dict[str, Decimal]]":
    sums: defaultdict[tuple[str, str], dict[str, Decimal]] = defaultdict(
        lambda: {"documented": Decimal(0), "upper": Decimal(0)}
    )
    for unit in units:
        sums[unit.task, unit.kind][unit.reading] += unit.quantity
    return sums


def _reading(reading: ReadingName, rows: dict[str, Decimal], counted: KindCount) -> Decimal:
    if reading == "upper":
        return rows["documented"] + rows["upper"]
    return rows["documented"] - (counted.open if reading == "lower" else 0)


# What a reader of a profile must know before using it, in sentences.

_FEW_CLUSTERS = 10


def warnings_of(
    table: Table, readings: Sequence[Lines], unseen: Sequence[Mapping[str, float]], retries: Retries | None
) -> tuple[str, ...]:
    """Every warning, the gravest first."""
    return (
        *_gaps(table),
        *_too_few(table),
        *_untold(table, unseen),
        *_thin(readings),
        *_noisy(table, readings),
        *_lacking(table),
        *(() if retries else ("no retry was seen: what one costs is in no line, and no rate of them is assumed",)),
    )


def _gaps(table: Table) -> list[str]:
    holes = sum(1 for task in table.tasks if task.gaps)
    return [f"{holes} of these tasks may lack units (`durameter report` names what was not seen)"] if holes else []


def _too_few(table: Table) -> list[str]:
    tasks, needed = len(table.tasks), tasks_needed(len(table.names))
    if tasks >= needed:
        return []
    what = f"what each of {len(table.names)} covariates costs and to check it"
    return [f"{tasks} tasks are too few to tell {what}: measure at least {needed}"]


def _untold(table: Table, unseen: Sequence[Mapping[str, float]]) -> list[str]:
    simple = [weights for weights in unseen if len(weights) <= 2]
    if len(table.tasks) < tasks_needed(len(table.names)) and len(simple) < len(unseen):
        return [in_words(weights) for weights in simple]  # the others follow from the number of tasks
    return [in_words(weights) for weights in unseen]


def _thin(readings: Sequence[Lines]) -> list[str]:
    lines = [line for reading in readings for line in reading.kinds]
    alone = dict.fromkeys(name for line in lines for name in line.rests_on_one)
    said = [f"what {name} costs rests on a single task: no other checks it" for name in alone]
    spare = [line.spare for line in lines if line.basis != "fitted"]
    if spare and min(spare) < FEW_SPARE:
        said.append(f"exact lines are checked by as few as {min(spare)} tasks beyond those that they need")
    return said


def _noisy(table: Table, readings: Sequence[Lines]) -> list[str]:
    noise = next((each.noise for each in readings if each.noise is not None), None)
    if noise is None:
        return []
    said = []
    clusters = len(set(table.clusters))
    if noise.degrees <= 0:
        said.append(
            f"no interval can be made: what is not exact rests on {clusters} group(s) of tasks for "
            f"{len(noise.terms)} value(s); measure at least {_FEW_CLUSTERS} different tasks"
        )
    elif clusters < _FEW_CLUSTERS:
        said.append(
            f"errors rest on {clusters} groups of tasks, so intervals are wide; they are steadier from "
            f"{_FEW_CLUSTERS} different tasks on"
        )
    fitted = dict.fromkeys(line.kind for each in readings for line in each.kinds if line.basis == "fitted")
    if fitted:
        said.append(f"{', '.join(fitted)}: no exact function of the covariates and retries; fitted, with an error")
    return said


def _lacking(table: Table) -> list[str]:
    lacking = [name for name in table.names if any(name not in task.covariates for task in table.tasks)]
    return [f"some tasks do not say their {name}: 0 is taken" for name in lacking]
