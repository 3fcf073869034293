"""What a failed assertion says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from durameter.gates.figures import Figures
from durameter.report.numbers import count, plain, span
from durameter_collectors.units import Reading

__all__ = ["Asked", "complaint"]

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
        lines += _breakdown("made by", figures.causes, lambda each: _of(figures, asked, cause=each))
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
