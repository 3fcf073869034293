"""How sure the means of a report are: intervals, tasks still needed, and what came of a stopping rule, in words."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from durameter.cost.statistics.records import Certainty, NextTask
from durameter.formatting import count, plain
from durameter.results.model import EngineResult, Stopping, TaskResult

__all__ = [
    "Spread",
    "TypeShare",
    "by_type",
    "left_out",
    "mean_interval_words",
    "needed_words",
    "next_task_words",
    "rule_words",
    "spread",
    "stopping_warnings",
]

# Units per task over several tasks, and by the type of task.


class Spread(BaseModel):
    """Units per task over all counted tasks."""

    model_config = ConfigDict(frozen=True)

    mean: Decimal
    low: Decimal
    high: Decimal


class TypeShare(BaseModel):
    """The tasks of one type: what their first workflow or function is called."""

    model_config = ConfigDict(frozen=True)

    name: str
    tasks: int
    per_task: Spread
    upper: Decimal
    """Mean units that open questions would add."""
    share: Decimal
    """Of all documented units, 0 to 1."""


def spread(values: Sequence[Decimal]) -> Spread:
    """Mean, least and most.

    Args:
        values: units per task, at least one.
    """
    return Spread(mean=sum(values, Decimal(0)) / len(values), low=min(values), high=max(values))


def by_type(tasks: Sequence[TaskResult]) -> tuple[TypeShare, ...]:
    """A line per type, the one with most units first; none where tasks have no type.

    Args:
        tasks: those of which the report's other figures are.
    """
    groups: dict[str, list[TaskResult]] = {}
    for task in tasks:
        groups.setdefault(task.type, []).append(task)
    if set(groups) <= {""}:
        return ()
    total = sum((task.units for task in tasks), Decimal(0))
    lines = [
        TypeShare(
            name=name or "no type",
            tasks=len(mine),
            per_task=spread([task.units for task in mine]),
            upper=sum((task.units_upper - task.units for task in mine), Decimal(0)) / len(mine),
            share=sum((task.units for task in mine), Decimal(0)) / total if total else Decimal(0),
        )
        for name, mine in groups.items()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.share, line.name)))


def mean_interval_words(certainty: Certainty | None) -> str:
    """`24.9–50.1 (±36 %)`."""
    if certainty is None:
        return "–"
    mean = certainty.mean
    if mean.exact:
        return f"exactly {plain(Decimal(str(mean.mean)))}"
    if mean.low is None or mean.high is None or mean.half_width is None:
        return "none"
    return f"{_range(mean.low, mean.high)} ({_width(mean.half_width)})"


def next_task_words(certainty: Certainty | None) -> str:
    """`9–81 (log-t)`."""
    if certainty is None:
        return "–"
    found: NextTask = certainty.next_task
    if found.low is None or found.high is None:
        return "none"
    if found.method == "exact":
        return f"{plain(Decimal(str(found.low)))} (never varied)"
    return f"{_range(found.low, found.high)} ({found.method})"


def needed_words(certainty: Certainty | None) -> str:
    """`41 / 164`: further tasks for each width."""
    if certainty is None:
        return "–"
    return " / ".join("–" if each.tasks is None else f"{each.tasks:,}" for each in certainty.needed)


def rule_words(stopping: Stopping, engine: str, variant: str) -> str:
    """What came of the stopping rule on one engine: `reached with 160 tasks`."""
    found = next((each for each in stopping.engines if (each.engine, each.variant) == (engine, variant)), None)
    if found is None:
        return "not known"
    width = "no interval" if found.half_width is None else _width(found.half_width)
    return f"{'reached' if found.reached else 'NOT reached'} with {found.tasks} tasks ({width})"


def stopping_warnings(stopping: Stopping | None) -> list[str]:
    """Engines on which the rule was not met, and that engines have different numbers of tasks."""
    if stopping is None:
        return []
    goal = _width(stopping.relative)
    lines = [f"{each.engine}: {goal} was not reached: {each.why}" for each in stopping.engines if not each.reached]
    sizes = {each.engine: each.tasks for each in stopping.engines if each.tasks}
    if len(set(sizes.values())) > 1:
        several = ", ".join(f"{engine} {tasks}" for engine, tasks in sizes.items())
        same = min(sizes.values())
        lines.append(f"the engines have different numbers of tasks ({several}); the first {same} are the same")
    return lines


def left_out(result: EngineResult) -> list[str]:
    """Why the tasks that completed may be no fair sample of all that were begun."""
    lines = []
    states = [task.state for task in result.tasks if task.counted or task.state == "interrupted"]
    if states.count("interrupted"):
        lines.append("the measurement was stopped: short tasks end first, and the mean has only those that had ended")
    lost = states.count("timed_out") + states.count("failed")
    if lost and states.count("completed") and not result.failed_too:
        lines.append(
            f"the mean and its interval leave out {lost} task{'s' if lost > 1 else ''} that failed or timed out: "
            "if these are the long ones, both are too low"
        )
    return lines


def _range(low: float, high: float) -> str:
    return f"{count(Decimal(str(low)))}–{count(Decimal(str(high)))}"


def _width(relative: float) -> str:
    return f"±{relative * 100:.2g} %" if relative < 1 else f"±{relative * 100:,.0f} %"
