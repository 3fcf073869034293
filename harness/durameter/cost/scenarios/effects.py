"""From stored scenarios to effects: the same task in the scenario and in the base, pair by pair."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import ValidationError

from durameter.cost.scenarios.effect import READINGS, Extra, Reading, ScenarioEffect
from durameter.cost.scenarios.outage import Seen, extend
from durameter.cost.statistics import sample_of_differences, standard_error
from durameter.errors import ResultError
from durameter.registry import rulebook_of
from durameter.results.answers import reread
from durameter.results.folder import Result, read_result
from durameter.results.model import EngineResult, TaskResult
from durameter.workload import Scenario

__all__ = [
    "DECLARATION",
    "Effects",
    "declared_in",
    "done_scenarios",
    "effects_of",
    "read_effects",
    "read_effects_and_problems",
    "scenario_folder",
    "unfinished_folder",
]

# Where a result keeps its scenarios: RESULT/scenarios/NAME/, each a normal result folder with its declaration.

DECLARATION = "scenario.json"
_SCENARIOS = "scenarios"
_UNFINISHED = ".unfinished"


def scenario_folder(result: Path, name: str) -> Path:
    """Where a scenario is when it is done."""
    return result / _SCENARIOS / name


def unfinished_folder(result: Path, name: str) -> Path:
    """Where a scenario is while it runs: what is stopped is never taken for a scenario."""
    return result / _SCENARIOS / _UNFINISHED / name


def done_scenarios(result: Path) -> list[Path]:
    """Folders of the scenarios that are done, by name."""
    return sorted(path.parent for path in (result / _SCENARIOS).glob(f"*/{DECLARATION}"))


def declared_in(folder: Path) -> Scenario:
    """What a scenario was when it was run.

    Raises:
        ResultError: it cannot be read.
    """
    try:
        return Scenario.model_validate_json((folder / DECLARATION).read_bytes())
    except (OSError, ValidationError) as error:
        raise ResultError(
            f"{folder / DECLARATION} cannot be read: {error}. Run the scenario again: durameter scenarios --again."
        ) from error


_UNITS: dict[Reading, Callable[[TaskResult], Decimal]] = {
    "documented": lambda task: task.units,
    "upper": lambda task: task.units_upper,
    "lower": lambda task: task.units_lower,
}


@dataclass(frozen=True)
class Effects:
    """What the scenarios of a result come to."""

    effects: tuple[ScenarioEffect, ...]
    problems: tuple[str, ...]
    """Scenarios of an engine that have no effect, and why."""


def read_effects(result: Result) -> tuple[ScenarioEffect, ...]:
    """The effects of all scenarios that were run for a result, by scenario and engine.

    The base is the result itself: a scenario keeps its options, also its random faults, and lays its own over them. So
    `extra_mean` adds to the mean of the result. Questions are answered as in `result`.

    Raises:
        ResultError: a scenario's folder cannot be read.
    """
    return read_effects_and_problems(result).effects


def read_effects_and_problems(result: Result) -> Effects:
    """As `read_effects`, with what has no effect.

    Raises:
        ResultError: a scenario's folder cannot be read.
    """
    effects: list[ScenarioEffect] = []
    problems: list[str] = []
    answers = {engine.engine: engine.answers for engine in result.measurement.engines if engine.answers}
    for folder in done_scenarios(result.folder):
        found = effects_of(declared_in(folder), result, reread(read_result(folder), answers, rulebook_of))
        effects += found.effects
        problems += found.problems
    return Effects(tuple(effects), tuple(problems))


def effects_of(scenario: Scenario, base: Result, found: Result) -> Effects:
    """The effect of one scenario on each engine of the base.

    Args:
        scenario: what was injected.
        base: the normal day.
        found: the bad day.
    """
    effects: list[ScenarioEffect] = []
    problems: list[str] = []
    there = {(each.engine, each.variant): each for each in found.measurement.engines}
    for engine in base.measurement.engines:
        if not engine.tasks:
            continue  # the base says itself why it was not measured
        bad = there.get((engine.engine, engine.variant))
        if bad is None:
            problems.append(f"{scenario.name}: it was not run on {engine.engine} ({engine.variant}).")
            continue
        pairs, notes = _pairs(scenario, engine, bad)
        if not pairs:
            why = "; ".join(filter(None, [bad.problem, *notes])) or "no task of it is in the base"
            problems.append(f"{scenario.name}: no effect on {engine.engine} ({engine.variant}): {why}.")
        else:
            effects.append(_effect(scenario, engine, bad, pairs, notes))
    return Effects(tuple(effects), tuple(problems))


_Pair = tuple[TaskResult, TaskResult]


def _pairs(scenario: Scenario, base: EngineResult, bad: EngineResult) -> tuple[list[_Pair], list[str]]:
    """Tasks that were counted in full on both days and ended as they should; notes say what was left out."""
    normal = {task.task: task for task in base.tasks}
    pairs: list[_Pair] = []
    left_out: list[str] = []
    for task in bad.tasks:
        before = normal.get(task.task)
        if before is None:
            continue
        if task.state != scenario.ends:
            left_out.append(f"{task.task}: {task.state} in the scenario" + (f" ({task.error})" if task.error else ""))
        elif before.state != "completed":
            left_out.append(f"{task.task}: {before.state} in the base")
        elif task.gaps or before.gaps or not task.counted or not before.counted:
            left_out.append(f"{task.task}: not counted in full")
        else:
            pairs.append((before, task))
    notes = []
    if left_out:
        more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        notes.append(f"{len(left_out)} of {len(bad.tasks)} tasks left out: {'; '.join(left_out[:3])}{more}")
    return pairs, notes


def _effect(
    scenario: Scenario, base: EngineResult, bad: EngineResult, pairs: Sequence[_Pair], notes: Sequence[str]
) -> ScenarioEffect:
    clusters = [before.cluster or before.task for before, _ in pairs]
    differences = {
        reading: [units(after) - units(before) for before, after in pairs] for reading, units in _UNITS.items()
    }
    measured = {reading: _extra(differences[reading], clusters) for reading in READINGS}
    names = [name for name in pairs[0][0].measures if all(name in task.measures for pair in pairs for task in pair)]
    others = {name: [after.measures[name] - before.measures[name] for before, after in pairs] for name in names}
    readings, measures = measured, {name: _extra(others[name], clusters) for name in names}
    said = [*notes, *_unproven(base, "base"), *_unproven(bad, "scenario")]
    extrapolated = False
    if scenario.outage is not None:
        seen = Seen([after.observed for _, after in pairs], differences, others)
        extension = extend(scenario.outage, base.engine, seen)
        said += extension.notes
        if extension.readings:
            readings, measures, extrapolated = extension.readings, extension.measures, True
    return ScenarioEffect(
        name=scenario.name,
        engine=base.engine,
        variant=base.variant,
        unit=base.unit,
        description=scenario.description,
        readings=readings,
        measures=measures,
        n=len(pairs),
        clusters=len(set(clusters)),
        extrapolated=extrapolated,
        measured=measured,
        default_share=scenario.default_share,
        why=scenario.why,
        differs=scenario.differs,
        notes=tuple(said),
    )


def _unproven(engine: EngineResult, where: str) -> Iterator[str]:
    """Comparisons of sources that do not agree."""
    for each in engine.reconciliations:
        if each.state == "differs":
            yield f"the {where}'s sources differ: {each.source} against {each.other}"
    if not engine.reconciliations:
        yield f"the {where} was not proved: no sources were compared"


def _extra(values: Sequence[Decimal], clusters: Sequence[str]) -> Extra:
    """Mean, its clustered standard error and what degrees of freedom that has, as for every other mean."""
    mean = float(sum(values) / len(values))
    if len(set(values)) == 1 and len(values) > 1:
        return Extra(extra_mean=mean, extra_error=0.0)
    if len(set(clusters)) < 2:
        return Extra(extra_mean=mean, extra_error=None)
    error = standard_error(sample_of_differences(values, clusters))
    return Extra(extra_mean=mean, extra_error=error.value, freedom=error.freedom)
