"""Whether another measurement may be compared with this one, and how the two differ."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from durameter.errors import UsageError
from durameter.measure.folder import Result
from durameter.measure.result import EngineResult, Measurement

__all__ = ["differences", "pairs", "see_comparable"]


def see_comparable(base: Measurement, other: Measurement, name: str) -> None:
    """See that both measured the same tasks of the same workload by the same rules.

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
