"""Whether two results may be compared: only where a difference can have one reason, the measured program."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import JsonValue

from durameter.results.model import EngineResult, Measurement, TaskResult

__all__ = ["ALLOWABLE", "Allowed", "changed_options", "in_common", "other_surroundings", "reasons_against"]

Allowed = Literal["options", "variant", "tasks"]
"""What may differ if the user says that it does so on purpose. Nothing else: other rules, sources or ways of measuring
would pass for a difference of the program."""
ALLOWABLE: tuple[Allowed, ...] = ("options", "variant", "tasks")


def reasons_against(
    base: Measurement,
    head: Measurement,
    pairs: Sequence[tuple[EngineResult, EngineResult]],
    allowed: Collection[Allowed],
) -> tuple[str, ...]:
    """Why the two cannot be compared, in words with what to do; empty when they can.

    Args:
        base: before.
        head: after.
        pairs: each engine of base with the same one of head.
        allowed: what may differ.
    """
    if base.door != head.door:
        return (f"base was made by `durameter {base.door}` and head by `durameter {head.door}`: they see other things",)
    if base.workload != head.workload:
        return (f"base measured {base.workload} and head {head.workload}: measure the same workload twice",)
    found: list[str] = []
    options = changed_options(base.options, head.options)
    if options and "options" not in allowed:
        found.append(
            f"other options ({'; '.join(options[:3])}{' …' if len(options) > 3 else ''}): measure with the same, or "
            "say that they are what is to be compared, with --allow options"
        )
    if base.door == "run" and base.seed != head.seed and "tasks" not in allowed:
        found.append(
            f"other seeds (base {base.seed}, head {head.seed}): measure with the same --seed, or --allow tasks"
        )
    for one, other in pairs:
        found += _engine(one, other, allowed)
        if base.door == "run" and "tasks" not in allowed:
            found += _tasks(one, other)
    return tuple(dict.fromkeys(found))


def _engine(base: EngineResult, head: EngineResult, allowed: Collection[Allowed]) -> Iterator[str]:
    name = base.engine
    if base.variant != head.variant and "variant" not in allowed:
        yield (
            f"{name}: base has variant {base.variant} and head {head.variant}: measure the same, or say that this is "
            "what is to be compared, with --allow variant"
        )
    if base.unit != head.unit:
        yield f"{name}: base counts {base.unit}s and head {head.unit}s"
    if base.rulebook != head.rulebook:
        yield (
            f"{name}: base was counted by rulebook {base.rulebook} and head by {head.rulebook}: measure base again "
            "with this version of durameter"
        )
    if dict(base.answers) != dict(head.answers):
        yield (
            f"{name}: open questions of the billing rules were answered otherwise (base {_answers(base)}, head "
            f"{_answers(head)}): answer them alike with --answer"
        )
    if set(base.unseen) != set(head.unseen):
        only = [f"base does not see {each}" for each in base.unseen if each not in head.unseen]
        only += [f"head does not see {each}" for each in head.unseen if each not in base.unseen]
        yield f"{name}: the sources are others ({'; '.join(only)}): measure both in the same way"


def _answers(engine: EngineResult) -> str:
    return ", ".join(f"{question}={answer}" for question, answer in sorted(engine.answers.items())) or "none"


def _tasks(base: EngineResult, head: EngineResult) -> Iterator[str]:
    ours, theirs = {t.task: t for t in base.tasks}, {t.task: t for t in head.tasks}
    only = sorted(ours.keys() ^ theirs.keys())
    advice = "measure with the same --tasks and --seed, or compare the tasks in common with --allow tasks"
    if only:
        yield (
            f"{base.engine}: other tasks ({len(ours)} in base, {len(theirs)} in head, {len(only)} in one of them only, "
            f"such as {only[0]}): {advice}"
        )
    others = [name for name in sorted(ours.keys() & theirs.keys()) if not _same(ours[name], theirs[name])]
    if others:
        yield (
            f"{base.engine}: tasks of the same name are others in head ({len(others)}, such as {others[0]}, by shape, "
            f"covariates or type): {advice}"
        )


def _same(base: TaskResult, head: TaskResult) -> bool:
    return base.type == head.type and (base.shape or base.covariates) == (head.shape or head.covariates)


def in_common(base: EngineResult, head: EngineResult) -> list[tuple[TaskResult, TaskResult]]:
    """Tasks that are the same on both sides, by name, type and shape."""
    there = {task.task: task for task in head.tasks}
    return [(task, there[task.task]) for task in base.tasks if task.task in there and _same(task, there[task.task])]


def changed_options(base: Mapping[str, JsonValue], head: Mapping[str, JsonValue], prefix: str = "") -> list[str]:
    """Options that are not the same: `faults.rate_limited 0.1 instead of 0`."""
    found = []
    for key in dict.fromkeys([*base, *head]):
        before, after = base.get(key, "not set"), head.get(key, "not set")
        if isinstance(before, dict) and isinstance(after, dict):
            found += changed_options(before, after, f"{prefix}{key}.")
        elif before != after:
            found.append(f"{prefix}{key} {after} instead of {before}")
    return found


def other_surroundings(
    base: Measurement, head: Measurement, pairs: Sequence[tuple[EngineResult, EngineResult]]
) -> tuple[str, ...]:
    """What else is not the same on both sides, and may be a reason for a difference: versions, load, windows."""
    here = {"durameter": base.durameter_version, **_packages(base)}
    there = {"durameter": head.durameter_version, **_packages(head)}
    for key in ("concurrency", "timeout_seconds"):
        here[key], there[key] = getattr(base, key), getattr(head, key)
    for one, other in pairs:
        here[f"{one.engine} server"] = one.server.version if one.server else "unknown"
        there[f"{one.engine} server"] = other.server.version if other.server else "unknown"
    here |= {f"about {key}": value for key, value in base.about.items() if base.door != "run"}
    there |= {f"about {key}": value for key, value in head.about.items() if base.door != "run"}
    changed = changed_options(here, there)
    return (f"also different: {'; '.join(changed)}",) if changed else ()


def _packages(measurement: Measurement) -> dict[str, JsonValue]:
    packages = measurement.environment.get("packages")
    return {"python": measurement.environment.get("python"), **(packages if isinstance(packages, dict) else {})}
