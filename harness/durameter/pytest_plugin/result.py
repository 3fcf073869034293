"""A result with assertions."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Literal

from durameter.config import Config
from durameter.cost.prices import load_books
from durameter.cost.prices.books import Pricing
from durameter.errors import UsageError
from durameter.formatting import count, plain, span
from durameter.gates.check import check
from durameter.gates.figures import Figures, figures_of
from durameter.registry import rulebook_of
from durameter.report.check import check_text
from durameter.results.folder import Result
from durameter.workload import Task
from durameter_collectors.units import Reading

__all__ = [
    "Asked",
    "MeasuredResult",
    "check_number",
    "check_plan",
    "check_words",
    "complaint",
]

# What a failed assertion says.

_MOST_TASKS, _MOST_LINES = 5, 8
_PER = {"task": "in every task", "mean": "per task on average", "total": "in all"}


@dataclass(frozen=True)
class Asked:
    """What was asserted."""

    limit: Decimal
    per: Literal["task", "mean", "total"]
    exactly: bool
    kind: str | None
    cause: str | None
    reading: Reading

    @property
    def what(self) -> str:
        """Of which units."""
        kind = f" of {self.kind}" if self.kind else ""
        made = f" made by {self.cause}" if self.cause else ""
        upper = ", open questions counted," if self.reading == "upper" else ""
        return f"{kind}{made}{upper}"

    def over(self, found: Decimal) -> Decimal:
        """By how much it is broken; 0 when it is not."""
        return found - self.limit if self.exactly or found > self.limit else Decimal(0)


def complaint(asked: Asked, figures: Figures, folder: Path) -> str:
    """What is wrong on one engine, or an empty string."""
    units = figures.per_task(kind=asked.kind, cause=asked.cause, reading=asked.reading)
    total = sum(units.values(), Decimal(0))
    limited = {"task": units, "mean": {"": total / len(units)}, "total": {"": total}}[asked.per]
    wrong = {task: over for task, found in limited.items() if (over := asked.over(found))}
    if not wrong:
        return ""
    ranked = sorted(wrong, key=lambda task: (-abs(wrong[task]), task))
    worst, over = ranked[0], wrong[ranked[0]]
    where = {"task": f"task {worst} has", "mean": f"the mean of {len(units)} tasks is", "total": "all tasks have"}
    engine = figures.engine
    expected = f"{'exactly' if asked.exactly else 'at most'} {plain(asked.limit)} {engine.unit}s{asked.what}"
    missed = f"{count(limited[worst])}: {count(abs(over))} too {'many' if over > 0 else 'few'}"
    lines = [f"{engine.engine} ({engine.variant}): {expected} {_PER[asked.per]} expected, {where[asked.per]} {missed}"]
    if asked.per == "task":
        lines.append(f"{len(wrong)} of {len(units)} tasks:")
        lines += _columns([(task, count(units[task]), _signed(wrong[task])) for task in ranked[:_MOST_TASKS]])
        lines += [f"  and {len(wrong) - _MOST_TASKS} more"] if len(wrong) > _MOST_TASKS else []
    else:
        most = sorted(units, key=lambda task: (-units[task], task))
        lines += ["tasks with most:", *_columns([(task, count(units[task])) for task in most[:_MOST_TASKS]])]
    if asked.kind is None:
        lines += _breakdown("by kind", figures.kinds, lambda each: _of(figures, asked, kind=each))
    if asked.cause is None:
        lines += _breakdown("cause", figures.causes, lambda each: _of(figures, asked, cause=each))
    if asked.kind is not None or asked.cause is not None:
        every = figures.per_task(reading=asked.reading)
        lines.append(f"all {engine.unit}s per task: {_spread(every)}")
    return "\n".join([*lines, f"durameter report {folder}"])


def _of(figures: Figures, asked: Asked, *, kind: str | None = None, cause: str | None = None) -> dict[str, Decimal]:
    return figures.per_task(kind=kind or asked.kind, cause=cause or asked.cause, reading=asked.reading)


def _breakdown(title: str, names: Sequence[str], of: Callable[[str], Mapping[str, Decimal]]) -> list[str]:
    """Mean and range per task of each name that has any, the largest first."""
    parts = {name: of(name) for name in names}
    sums = {name: sum(units.values(), Decimal(0)) for name, units in parts.items()}
    ranked = sorted((name for name in names if sums[name]), key=lambda name: (-sums[name], name))
    lines = [f"per task {title}:", *_columns([(name, _spread(parts[name])) for name in ranked[:_MOST_LINES]])]
    return [*lines, f"  and {len(ranked) - _MOST_LINES} more"] if len(ranked) > _MOST_LINES else lines


def _spread(units: Mapping[str, Decimal]) -> str:
    values = units.values()
    mean = count(sum(values, Decimal(0)) / len(values))
    return mean if min(values) == max(values) else f"{mean} ({span(min(values), max(values))})"


def _signed(value: Decimal) -> str:
    return f"{'+' if value > 0 else '-'}{count(abs(value))}"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


# What a test may say: a slip must not pass, and is to be told from a broken limit.

_WORDS = {"per": ("task", "mean", "total"), "reading": ("documented", "upper")}


def check_number(limit: object) -> Decimal:
    """The number of units that was asserted.

    Raises:
        UsageError: it is none.
    """
    try:
        number = Decimal(str(limit))
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_nan():
        raise UsageError(f"{limit!r} is no number of units.")
    return number


def check_words(**given: str) -> None:
    """Raises UsageError where a word is not one of those that its argument takes."""
    for name, word in given.items():
        if word not in _WORDS[name]:
            raise UsageError(f"{name}={word!r} is not one of {', '.join(map(repr, _WORDS[name]))}.")


def check_plan(tasks: int | Sequence[Task], timeout: float | None, concurrency: int | None) -> None:
    """Raises UsageError where a measurement of this kind would have no task, no time or no place to run."""
    several = [] if isinstance(tasks, int | str) else [*tasks]
    is_number = isinstance(tasks, int) and not isinstance(tasks, bool) and tasks > 0
    if not is_number and not (several and all(isinstance(each, Task) for each in several)):
        raise UsageError(f"tasks={tasks!r} is not how many tasks to measure, or a list of them.")
    again = [name for name, times in Counter(task.id for task in several).items() if times > 1]
    if again:
        raise UsageError(f"Each task needs an id of its own; {again[0]!r} is given twice.")
    if timeout is not None and not 0 < timeout < float("inf"):
        raise UsageError(f"timeout={timeout!r} is no number of seconds for a task.")
    if concurrency is not None and (isinstance(concurrency, bool) or concurrency < 1):
        raise UsageError(f"concurrency={concurrency!r} is not how many tasks may run at once.")


Number = Decimal | int | float
Per = Literal["task", "mean", "total"]


@dataclass(frozen=True)
class MeasuredResult(Result):
    """What `durameter_measure` found. Everything here is of the tasks that completed.

    Each assertion takes the same filters: `kind` (the vendor's own name, such as `schedule_activity`), `cause` (what
    made it: an activity type, a step), `engine` (else each engine on its own) and `reading` (`upper` has what open
    questions of the billing rules would add).
    """

    config: Config = field(repr=False)

    @cached_property
    def _figures(self) -> dict[str, Figures]:
        return {each.engine: figures_of(self, each) for each in self.measurement.engines}

    def per_task(
        self,
        *,
        engine: str | None = None,
        kind: str | None = None,
        cause: str | None = None,
        reading: Reading = "documented",
    ) -> dict[str, Decimal]:
        """Task → its units, on one engine.

        Raises:
            UsageError: several engines were measured and none is named, or a name is wrong.
        """
        check_words(reading=reading)
        chosen = self._chosen(engine, kind)
        if len(chosen) != 1:
            raise UsageError(
                f"Units of several engines are no sum: name one with engine= ({', '.join(self._figures)})."
            )
        return chosen[0].per_task(kind=kind, cause=cause, reading=reading)

    def assert_at_most(
        self,
        limit: Number,
        *,
        per: Per = "task",
        engine: str | None = None,
        kind: str | None = None,
        cause: str | None = None,
        reading: Reading = "documented",
    ) -> None:
        """Fail when there are more units.

        Args:
            limit: in units.
            per: `task`: no task has more; `mean`: the mean over the tasks is not more; `total`: of all tasks together.
            engine: on this engine; by default on each.
            kind: only of this kind.
            cause: only what this made.
            reading: `upper` has what open questions would add as well.

        Raises:
            AssertionError: there are more; with the breakdown, the tasks with most, and by how much.
            UsageError: a name is wrong: there is no such engine or kind, or nothing was made by that cause (0 may be
                asserted of one that is gone).
        """
        __tracebackhide__ = True
        self._assert(limit, per=per, exactly=False, engine=engine, kind=kind, cause=cause, reading=reading)

    def assert_exactly(
        self,
        count: Number,
        *,
        per: Per = "task",
        engine: str | None = None,
        kind: str | None = None,
        cause: str | None = None,
        reading: Reading = "documented",
    ) -> None:
        """Fail when there are more or fewer units; as `assert_at_most`."""
        __tracebackhide__ = True
        self._assert(count, per=per, exactly=True, engine=engine, kind=kind, cause=cause, reading=reading)

    def assert_within_budgets(self, *names: str) -> None:
        """Fail when a budget of durameter.toml is broken or cannot be judged.

        Args:
            names: of budgets, each of which must apply; by default all that are of this workload.

        Raises:
            AssertionError: says which, with the figures.
            UsageError: there is no budget that applies.
        """
        __tracebackhide__ = True
        pricing = Pricing(books=load_books(self.config.prices))
        checked = check(self, self.config.budgets, volume=self.config.run.volume, pricing=pricing, only=names)
        if checked.verdict != "kept":
            raise AssertionError(check_text(checked))

    def _assert(
        self,
        limit: Number,
        *,
        per: Per,
        exactly: bool,
        engine: str | None,
        kind: str | None,
        cause: str | None,
        reading: Reading,
    ) -> None:
        __tracebackhide__ = True
        check_words(per=per, reading=reading)
        asked = Asked(check_number(limit), per, exactly, kind, cause, reading)
        chosen = self._chosen(engine, kind)
        if cause is not None and asked.limit and not any(cause in figures.causes for figures in chosen):
            known = ", ".join(sorted({each for figures in chosen for each in figures.causes})) or "nothing"
            raise UsageError(f"Nothing was made by {cause!r}, which must not pass for zero. What made units: {known}.")
        said = [complaint(asked, figures, self.folder) for figures in chosen]
        if any(said):
            raise AssertionError("\n\n".join(filter(None, said)))

    def _chosen(self, engine: str | None, kind: str | None) -> list[Figures]:
        if engine is not None and engine not in self._figures:
            raise UsageError(f"{engine!r} was not measured; {', '.join(self._figures)} was.")
        chosen = [figures for name, figures in self._figures.items() if engine in (None, name)]
        if kind is None:
            return chosen
        kinds = {each.engine.engine: {rule.kind for rule in rulebook_of(each.engine.engine).rules} for each in chosen}
        if not any(kind in known for known in kinds.values()):
            known = "; ".join(f"{name}: {', '.join(sorted(each))}" for name, each in kinds.items())
            raise UsageError(f"There is no kind {kind!r}. Kinds of {known}.")
        return [each for each in chosen if kind in kinds[each.engine.engine]]
