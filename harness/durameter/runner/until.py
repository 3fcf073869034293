"""Measure until the mean is sure enough: batches of tasks, and a look at the interval after each.

Looking again and again and stopping at a lucky moment costs some of the interval's coverage; docs/statistics.md has how
much. The rule is written into the result.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from durameter.cost.statistics import mean_interval, tasks_needed
from durameter.cost.statistics.sample import Values
from durameter.errors import UsageError
from durameter.results.model import Reached, Stopping, TaskResult
from durameter.workload import Task

__all__ = ["AT_LEAST", "AT_MOST", "Batches", "Until", "parse_until", "same_beginning"]

AT_MOST: Final = 500
"""Tasks per engine, unless asked otherwise."""
AT_LEAST: Final = 10
"""Tasks before the rule can be met: a lucky beginning of three would stop at a width that is none (89 % coverage)."""
LEVEL: Final = 0.95

_PERCENT = re.compile(r"\s*(?:±|\+-|\+/-)?\s*(\d+(?:\.\d+)?)\s*%\s*")


def parse_until(text: str) -> float:
    """Half-width over the mean from `±5%`, `5%` or `+-5%`: 0.05.

    Raises:
        UsageError: it is not such a width, or not between 0 and 100 %.
    """
    found = _PERCENT.fullmatch(text)
    relative = float(found[1]) / 100 if found else 0.0
    if not 0 < relative < 1:
        raise UsageError(f"--until {text} is not a valid width. Write it as ±5% or 5%: above 0 % and below 100 %.")
    return relative


@dataclass(frozen=True)
class Until:
    """When to stop."""

    relative: float
    """Half of the interval's length over the mean."""
    first: int
    """Tasks of the first batch."""
    cap: int
    """Most tasks per engine."""

    def record(self, engines: Sequence[Reached] = ()) -> Stopping:
        """As it stands in the result."""
        return Stopping(
            rule=(
                f"batches of tasks: the first of {self.first}, each further one as many as seem missing, at least "
                f"{self.first} and at most as many as there are; stop when, from {AT_LEAST} completed tasks on, "
                f"half of the {LEVEL * 100:g} % interval is at most {self.relative * 100:g} % of the mean, in the "
                f"documented and the upper reading, or at {self.cap} tasks; a later engine measures at least "
                "the tasks of an earlier one"
            ),
            relative=self.relative,
            level=LEVEL,
            first=self.first,
            cap=self.cap,
            engines=tuple(engines),
        )


def same_beginning(name: str, longer: Sequence[Task], shorter: Sequence[Task]) -> None:
    """Check that more tasks begin with the same tasks: else no batch could follow another.

    Raises:
        UsageError: the workload makes others when it is asked for more.
    """
    if list(longer[: len(shorter)]) != list(shorter):
        raise UsageError(
            f"{name} makes other tasks when it is asked for {len(longer)} than for {len(shorter)}. With --until, "
            "the longer list must begin with the shorter one; measure a fixed number with --tasks."
        )


class Batches:
    """The batches of one engine: what is next, given what was found."""

    def __init__(self, until: Until, tasks: Sequence[Task], at_least: int = 0) -> None:
        """Begin.

        Args:
            until: when to stop.
            tasks: as many as the cap.
            at_least: tasks that an earlier engine took: these are measured in any case.
        """
        self._until = until
        self._tasks = tasks
        self._next = min(max(until.first, at_least), len(tasks))
        self._sizes: list[int] = []
        self._half_width: float | None = None
        self._reached = False
        self._why = "nothing was measured"

    def next(self) -> Sequence[Task]:
        """The next batch; empty when there is none."""
        begun = sum(self._sizes)
        batch = self._tasks[begun : begun + self._next]
        if batch:
            self._sizes.append(len(batch))
            self._why = "the measurement was stopped"
        return batch

    def look(self, results: Sequence[TaskResult]) -> str:
        """Ask the rule after a batch, and plan the next.

        Args:
            results: of all tasks so far.

        Returns:
            What came of it, in words.
        """
        counted = [task for task in results if task.counted and task.state == "completed"]
        if not counted:
            self._next, self._why = 0, "no task completed"
            return self._why
        units, upper = [task.units for task in counted], [task.units_upper for task in counted]
        clusters = [task.cluster for task in counted]
        said = self.look_at([units] if units == upper else [units, upper], clusters)
        ahead = self._tasks[sum(self._sizes) :]
        if self._next and all(task.cluster and task.cluster in clusters for task in ahead):
            said += "; no further clusters come, and more tasks of the same narrow it little"
        return said

    def look_at(self, readings: Sequence[Values], clusters: Sequence[str] | None) -> str:
        """`look` at units per task, one row per reading."""
        begun, counted = sum(self._sizes), len(readings[0])
        intervals = [mean_interval(units, clusters, LEVEL) for units in readings]
        widths = [each.half_width for each in intervals]
        known = [width for width in widths if width is not None]
        self._half_width = max(known) if len(known) == len(widths) else None
        narrow = self._half_width is not None and self._half_width <= self._until.relative
        self._reached = narrow and counted >= AT_LEAST
        needs = [tasks_needed(units, clusters, self._until.relative, LEVEL).tasks for units in readings]
        missing = max((each for each in needs if each is not None), default=begun)  # as many again, when it cannot say
        found = f"{counted} tasks, mean {intervals[0].mean:.1f}, {_width(self._half_width)}"
        if self._reached:
            self._next, self._why = 0, ""
            return found
        if begun >= len(self._tasks):
            self._next, self._why = 0, f"at the cap of {begun} tasks it is {_width(self._half_width)}"
            if narrow:
                self._why += f", from {counted} tasks that completed: {AT_LEAST} are the least"
            elif intervals[0].clusters < counted:
                self._why += f", from {intervals[0].clusters} clusters"
            return f"{found}, and the cap is reached"
        missing = max(missing, AT_LEAST - counted)
        self._next = min(max(missing, self._until.first), begun)
        return f"{found}; {_percent(self._until.relative)} needs about {missing} more"

    def reached(self, engine: str, variant: str) -> Reached:
        """What came of it in the end."""
        return Reached(
            engine=engine,
            variant=variant,
            reached=self._reached,
            batches=tuple(self._sizes),
            half_width=self._half_width,
            why="" if self._reached else self._why,
        )


def _percent(relative: float) -> str:
    return f"±{relative * 100:.3g} %"


def _width(half_width: float | None) -> str:
    return "no interval" if half_width is None else _percent(half_width)
