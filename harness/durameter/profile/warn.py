"""What a reader of a profile must know before using it, in sentences."""

from collections.abc import Mapping, Sequence

from durameter.profile.predict import in_words
from durameter.profile.records import FEW_SPARE, Lines, Retries, tasks_needed
from durameter.profile.table import Table

__all__ = ["warnings_of"]

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
