"""The measured tasks that a projection rests on, and what stands against believing them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from durameter.cost.projection.records import ReadingName
from durameter.errors import UsageError
from durameter.results.folder import Result
from durameter.results.model import EngineResult, Measurement, TaskResult

__all__ = [
    "FEW_CLUSTERS",
    "FEW_GROUPS",
    "READINGS",
    "Sample",
    "check_comparable",
    "differences",
    "headline",
    "pairs",
    "refused",
    "sample",
    "troubles",
]

# Whether another measurement may be compared with this one, and how the two differ.


def check_comparable(base: Measurement, other: Measurement, name: str) -> None:
    """Check that both measured the same tasks of the same workload by the same rules.

    Args:
        base: the measurement that is projected.
        other: the one to compare with.
        name: what to call it in the error.

    Raises:
        UsageError: they cannot be compared; says why.
    """
    why = _why_not(base, other)
    if why:
        raise UsageError(f"{name} cannot be compared with {base.id}: {why}.")


def _why_not(base: Measurement, other: Measurement) -> str:
    if base.workload != other.workload:
        return f"it measured another workload ({other.workload}, not {base.workload})"
    if not any(each.tasks for each in other.engines):
        return "it has no tasks"
    ours, theirs = _shapes(base), _shapes(other)
    if ours.keys() != theirs.keys():
        only = sorted(ours.keys() ^ theirs.keys())
        return (
            f"it measured other tasks ({len(only)} are in one of them only, such as {only[0]}). Run it with the same "
            "--tasks and --seed"
        )
    changed = sorted(task for task, shape in ours.items() if shape != theirs[task])
    if changed:
        return f"its tasks of the same names are others (such as {changed[0]}). Run it with the same --seed and overlay"
    rules = {each.engine: (each.rulebook, dict(each.answers)) for each in base.engines if each.tasks}
    for each in other.engines:
        if each.tasks and each.engine in rules and rules[each.engine] != (each.rulebook, dict(each.answers)):
            return f"its {each.engine} units were counted by other rules or answers"
    return ""


def _shapes(measurement: Measurement) -> dict[str, object]:
    return {task.task: task.shape or task.covariates for each in measurement.engines for task in each.tasks}


def pairs(base: Sequence[EngineResult], other: Sequence[EngineResult]) -> Iterator[tuple[EngineResult, EngineResult]]:
    """Each engine of the other measurement with the one to compare it with: the same engine, else the first."""
    measured = [each for each in base if each.tasks]
    for each in other:
        if each.tasks and measured:
            same = [mine for mine in measured if mine.engine == each.engine]
            yield (same or measured)[0], each


def differences(base: Result, mine: EngineResult, other: Result, theirs: EngineResult) -> str:
    """How the other was run otherwise, in words: engine, variant, options."""
    said = []
    if theirs.engine != mine.engine:
        said.append(f"{theirs.engine} ({theirs.variant}) instead of {mine.engine} ({mine.variant})")
    elif theirs.variant != mine.variant:
        said.append(f"{theirs.variant} instead of {mine.variant}")
    before, after = _flat(base.measurement.options), _flat(other.measurement.options)
    said += [
        f"{key} {after.get(key, 'not set')} instead of {before.get(key, 'not set')}"
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]
    return ", ".join(said) or "the same, measured again"


def _flat(options: Mapping[str, JsonValue], prefix: str = "") -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for key, value in options.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


READINGS: Final[tuple[ReadingName, ...]] = ("documented", "upper", "lower")
FEW_CLUSTERS: Final = 10
"""Below this many groups of tasks an interval rests on little; said in the headline."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """The tasks of one engine that are in the figures: the completed ones, or if none completed, the others."""

    result: EngineResult
    tasks: tuple[TaskResult, ...]
    lost: int
    """Tasks that are not in the figures."""

    @cached_property
    def clusters(self) -> tuple[str, ...]:
        """The group of each task; a task without one is its own."""
        return tuple(task.cluster or f"task {task.task}" for task in self.tasks)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(set(self.clusters))

    @cached_property
    def counts(self) -> Mapping[ReadingName, tuple[Decimal, ...]]:
        """Units of each task, exact."""
        return {
            "documented": tuple(task.units for task in self.tasks),
            "upper": tuple(task.units_upper for task in self.tasks),
            "lower": tuple(task.units_lower for task in self.tasks),
        }

    @cached_property
    def readings(self) -> tuple[ReadingName, ...]:
        """Documented, and those that count differently."""
        counts = self.counts
        return tuple(name for name in READINGS if name == "documented" or counts[name] != counts["documented"])

    def units(self, reading: ReadingName) -> Floats:
        """Units of each task, shape (tasks,)."""
        return np.array([float(each) for each in self.counts[reading]])

    def mean(self, reading: ReadingName, weights: Sequence[Fraction] | None = None) -> Fraction:
        """Exact (weighted) mean of units per task."""
        shares = weights or [Fraction(1)] * len(self.tasks)
        total = sum(
            (Fraction(count) * share for count, share in zip(self.counts[reading], shares, strict=True)), Fraction()
        )
        return total / sum(shares, Fraction())

    @cached_property
    def covariate_names(self) -> tuple[str, ...]:
        """Covariates that every task has, in the order of the first."""
        if not self.tasks:
            return ()
        return tuple(name for name in self.tasks[0].covariates if all(name in task.covariates for task in self.tasks))

    def covariates(self, names: Sequence[str]) -> Floats:
        """Shape (tasks, names)."""
        return np.array([[task.covariates[name] for name in names] for task in self.tasks]).reshape(
            len(self.tasks), len(names)
        )


def sample(result: EngineResult) -> Sample:
    """Choose the tasks as the report does."""
    return Sample(result, result.sample, lost=len(result.tasks) - len(result.sample))


# What stands against believing the figures, in words: the first thing that a projection says.

FEW_GROUPS: Final = 5
"""With fewer groups of tasks an interval of the mean is hardly one: the coverage was measured from 5 on."""


def refused(sample: Sample) -> str:
    """Why no dollars are given, as in the report: two sources differ. Empty if they may be given."""
    wrong = [found for found in sample.result.reconciliations if found.state == "differs"]
    if not wrong:
        return ""
    which = "; ".join(f"{found.source} and {found.other} differ" for found in wrong)
    return f"the count is not proved ({which}, and no rule explains it)"


def troubles(sample: Sample) -> tuple[str, ...]:
    """What is wrong with one engine's figures, most serious first; empty if nothing is."""
    result = sample.result
    said = []
    if why := refused(sample):
        said.append(f"do not believe these counts, no dollars are given: {why}")
    if result.state != "measured":
        said.append(f"{result.state}: {result.problem or 'no reason was recorded'}")
    if not sample.tasks:
        return (*said, "no task was counted: there is nothing to project")
    if not result.failed_too and all(task.state != "completed" for task in sample.tasks):
        said.append(f"no task completed: the figures are of {len(sample.tasks)} that failed or timed out")
    if sample.lost:
        of = len(sample.result.tasks)
        said.append(f"{sample.lost} of {of} tasks did not complete and are in no figure")
    if gaps := sum(bool(task.gaps) for task in sample.tasks):
        said.append(f"the count of {gaps} task{'s' if gaps > 1 else ''} has gaps")
    checks = result.reconciliations
    if not refused(sample) and (not checks or any(found.state == "not checked" for found in checks)):
        said.append("counted, but not proved: an independent source is missing")
    if sample.groups < FEW_GROUPS:
        alike = "" if sample.groups == len(sample.tasks) else " that are not alike"
        said.append(
            f"{sample.groups} task{'s' if sample.groups > 1 else ''}{alike}: "
            + (
                "how much tasks differ is not known, no interval can be given"
                if sample.groups < 2
                else "too few to be sure"
            )
        )
    return tuple(said)


def headline(measurement: Measurement, samples: Sequence[Sample]) -> tuple[str, bool]:
    """The first line, and whether it has nothing to complain of."""
    found = [(sample.result.engine, troubles(sample)) for sample in samples]
    said = ["the measurement is not complete: it holds what was counted until it stopped"]
    said = said if measurement.state != "complete" else []
    every = [set(lines) for _, lines in found]
    for line in dict.fromkeys(line for _, lines in found for line in lines):
        engines = [engine for engine, lines in found if line in lines]
        said.append(line if len(engines) == len(every) else f"{', '.join(engines)}: {line}")
    if not said:
        return "Independent sources agree on every kind of unit.", True
    text = ". ".join(said)
    return f"{text[0].upper()}{text[1:]}.", False
