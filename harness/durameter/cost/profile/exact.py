"""Which counts are a linear function of which covariates, exactly: elimination in rational numbers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property
from itertools import combinations, islice
from typing import Literal

from durameter.cost.profile.records import FIXED, RETRIES, ReadingName
from durameter.cost.profile.table import Table

__all__ = [
    "Design",
    "ExactLine",
    "Found",
    "Search",
    "as_fraction",
]

_MOST_SETS = 2000
"""So many sets of covariates are tried where the tasks cannot tell all of them apart."""
_WHOLE_SPARE = 2
"""A line with whole marginals is believed when so many tasks check it beyond those that it needs."""
_BROKEN_SPARE = 5
"""The same for one with fractions, which chance finds more easily."""

Row = tuple[Fraction, ...]


@cache
def as_fraction(value: float | Decimal) -> Fraction:
    """The number as people write it: 0.1 is one tenth, as a float too."""
    return Fraction(str(value))


@dataclass(frozen=True)
class ExactLine:
    """A line with residual zero in every row."""

    marginals: Mapping[int, Fraction]
    """Column to its marginal; columns that it does not need are left out."""
    spare: int
    """Rows beyond those that it needs."""
    rests_on_one: tuple[int, ...]
    """Columns that only one row tells: without it their marginal could be anything."""

    @property
    def whole(self) -> bool:
        """Whether every marginal is a whole number, none below zero."""
        return all(each.denominator == 1 and each >= 0 for each in self.marginals.values())

    @property
    def believed(self) -> bool:
        """Whether enough rows check it."""
        return self.spare >= (_WHOLE_SPARE if self.whole else _BROKEN_SPARE)


class Design:
    """Covariates of all tasks, one row per task."""

    def __init__(self, rows: Sequence[Sequence[Fraction]]) -> None:
        self.rows = [tuple(row) for row in rows]
        self.width = len(self.rows[0]) if self.rows else 0

    @cached_property
    def never_varied(self) -> list[dict[int, Fraction]]:
        """A basis of the weights by which the columns sum to zero in every row: the null space.

        Each belongs to one column that earlier columns make superfluous; that column has weight 1. What one or two
        columns say by themselves comes first: a column of zeros, and a multiple of an earlier one.
        """
        simple = [
            {column: Fraction(1)} | ({lead: -times} if lead is not None else {})
            for column, (lead, times) in self._multiples.items()
        ]
        columns = self._columns
        echelon, pivots = _reduced([tuple(self.rows[i][column] for column in columns) for i in self._basis])
        free = (place for place in range(len(columns)) if place not in pivots)
        return simple + [
            {columns[place]: Fraction(1)}
            | {columns[pivot]: -row[place] for row, pivot in zip(echelon, pivots, strict=True) if row[place]}
            for place in free
        ]

    def line(self, values: Sequence[Fraction]) -> ExactLine | None:
        """The line through every value, with the smallest set of columns; None when there is none to believe.

        Where the rows tell all columns apart, the line is the only one. Where they do not, sets of columns are tried
        from small to large; one whose marginals are whole numbers goes before all others, since counts are made of
        whole units. A line is believed only when more rows agree with it than it needs.

        Args:
            values: units of each row.
        """
        basis = [(*self.rows[i], values[i]) for i in self._basis]
        echelon, pivots = _reduced(basis)
        some = {pivot: row[-1] for row, pivot in zip(echelon, pivots, strict=True)}
        if any(value != _at(some, row) for row, value in zip(self.rows, values, strict=True)):
            return None  # the rows outside the basis follow from it, and so would their values
        second: ExactLine | None = None
        for marginals in self._sets(basis):
            line = self._checked(marginals)
            if line.believed and line.whole:
                return line
            second = second or (line if line.believed else None)
        return second

    @cached_property
    def _basis(self) -> list[int]:
        return _independent(self.rows, range(len(self.rows)), self.width)

    @cached_property
    def _columns(self) -> list[int]:
        """Columns other than zero that are no multiple of an earlier one."""
        return [column for column in range(self.width) if column not in self._multiples]

    @cached_property
    def _multiples(self) -> dict[int, tuple[int | None, Fraction]]:
        """Every other column, with the earlier one of which it is a multiple and how often it is that."""
        kept: dict[tuple[Fraction, ...], tuple[int, Fraction]] = {}
        found: dict[int, tuple[int | None, Fraction]] = {}
        for column in range(self.width):
            values = [row[column] for row in self.rows]
            lead = next((value for value in values if value), None)
            if lead is None:
                found[column] = None, Fraction(0)
                continue
            first, its_lead = kept.setdefault(tuple(value / lead for value in values), (column, lead))
            if first != column:
                found[column] = first, lead / its_lead
        return found

    def _sets(self, basis: Sequence[Row]) -> Iterator[dict[int, Fraction]]:
        """Lines on few columns, small sets first. What holds on a basis of the rows holds on all of them."""
        columns = [c for c in range(self.width) if self._multiples.get(c, (c, 2))[1] not in (0, 1)]
        if len(columns) == len(basis):  # nothing to choose
            return islice(_solutions(basis, [tuple(columns)]), 1)
        sizes = range(len(columns) + 1)
        sets = (each for size in sizes for each in combinations(columns, size))
        return _solutions(basis, islice(sets, _MOST_SETS))

    def _checked(self, marginals: Mapping[int, Fraction]) -> ExactLine:
        columns = list(marginals)
        rows = [tuple(row[column] for column in columns) for row in self.rows]
        return ExactLine(marginals, len(rows) - len(columns), tuple(columns[i] for i in _told_by_one(rows)))


def _at(marginals: Mapping[int, Fraction], row: Row) -> Fraction:
    return sum((value * row[column] for column, value in marginals.items()), Fraction(0))


def _solutions(basis: Sequence[Row], sets: Iterable[tuple[int, ...]]) -> Iterator[dict[int, Fraction]]:
    for columns in sets:
        echelon, pivots = _reduced([(*(row[column] for column in columns), row[-1]) for row in basis])
        if pivots == list(range(len(columns))):
            values = [row[-1] for row in echelon]
            yield {column: value for column, value in zip(columns, values, strict=True) if value}


def _reduced(rows: Sequence[Row]) -> tuple[list[list[Fraction]], list[int]]:
    """Reduced row echelon form: the rows other than zero, and the column of each row's leading one."""
    work = [list(row) for row in rows]
    pivots: list[int] = []
    for column in range(len(work[0]) if work else 0):
        top = len(pivots)
        found = next((i for i in range(top, len(work)) if work[i][column]), None)
        if found is None:
            continue
        work[top], work[found] = work[found], work[top]
        lead = work[top][column]
        work[top] = [each / lead for each in work[top]]
        for i, row in enumerate(work):
            if i != top and row[column]:
                times = row[column]
                work[i] = [a - times * b for a, b in zip(row, work[top], strict=True)]
        pivots.append(column)
    return work[: len(pivots)], pivots


def _independent(rows: Sequence[Row], which: Sequence[int], most: int) -> list[int]:
    """The first rows, of those asked for, of which none is a sum of others; at most so many."""
    found: list[int] = []
    echelon: dict[int, list[Fraction]] = {}  # leading column to its row
    for i in which:
        if len(found) == most:
            break
        row = list(rows[i])
        for column, known in echelon.items():
            if row[column]:
                times = row[column]
                row = [a - times * b for a, b in zip(row, known, strict=True)]
        lead = next((column for column, value in enumerate(row) if value), None)
        if lead is not None:
            echelon[lead] = [value / row[lead] for value in row]
            found.append(i)
    return found


def _told_by_one(rows: Sequence[Row]) -> list[int]:
    """Columns whose marginal is lost when one row is left out.

    A row outside one basis is not missed; so only the rows of a basis need a look.
    """
    width = len(rows[0]) if rows else 0
    often = Counter(rows)
    distinct = list(often)
    lonely: set[int] = set()
    for i in _independent(distinct, range(len(distinct)), width):
        if often[distinct[i]] > 1:
            continue
        others = [row for j, row in enumerate(distinct) if j != i]
        left = _independent(others, range(len(others)), width)
        if len(left) < width:
            lost = (
                Design([others[j] for j in left]).never_varied if left else [dict.fromkeys(range(width), Fraction(1))]
            )
            lonely |= {column for weights in lost for column in weights}
    return sorted(lonely)


# Which line says a kind: by the covariates alone, by them and the retries, or none.

_RETRIES_SPARE = 5
"""Retries happen by chance: a line through them is believed only when so many tasks that have some check it."""

_Values = tuple[Fraction, ...]


@dataclass(frozen=True)
class Found:
    """What was found of one kind in one reading."""

    basis: Literal["exact", "given_retries", "fitted"]
    marginals: dict[str, Fraction]
    """Covariate, `fixed` or `retries` to its marginal; none where the kind has to be fitted."""
    spare: int = 0
    rests_on_one: tuple[str, ...] = ()


class Search:
    """Looks for exact lines in one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.names = (FIXED, *table.names)
        """Of the columns of `shape`."""
        self.shape = Design(
            [
                [Fraction(1), *(as_fraction(task.covariates.get(name, 0.0)) for name in table.names)]
                for task in table.tasks
            ]
        )
        # Retries stand first: where two lines say the same, the one by retries goes before an accident of shapes.
        self._retried = Design([[Fraction(n), *row] for n, row in zip(table.retries, self.shape.rows, strict=True)])
        self._units = {key: tuple(map(as_fraction, values)) for key, values in table.units.items()}
        self._found: dict[tuple[str, _Values], Found] = {}

    @property
    def unseen(self) -> tuple[dict[str, float], ...]:
        """Weights of covariates by which every task summed to zero, as `Profile.unseen` has them."""
        return tuple(
            {self.names[column]: float(weight) for column, weight in sorted(weights.items(), reverse=True)}
            for weights in self.shape.never_varied
        )

    def values(self, kind: str, reading: ReadingName) -> _Values:
        """Units of each task."""
        return self._units[reading, kind]

    def line(self, kind: str, reading: ReadingName) -> Found:
        """The line of one kind in one reading."""
        values = self.values(kind, reading)
        if (kind, values) not in self._found:
            self._found[kind, values] = self._search(kind, values)
        return self._found[kind, values]

    def _search(self, kind: str, values: _Values) -> Found:
        line = self.shape.line(values)
        by_chance = kind in self._table.retry_kinds and any(values)
        if line is not None and (not by_chance or _strong(line, values)):
            return _named("exact", line, self.names)
        given = self._retried.line(values) if any(self._table.retries) else None
        if given is not None and 0 in given.marginals:
            return _named("given_retries", given, (RETRIES, *self.names))
        return Found("fitted", {})

    def rest(self, reading: ReadingName) -> list[Fraction]:
        """Units of each task that the exact part of the lines does not say."""
        left = [Fraction(0)] * len(self._table.tasks)
        for kind in self._table.kinds:
            line = self.line(kind, reading)
            if line.basis == "exact":
                continue
            per_retry = line.marginals.get(RETRIES)
            for i, value in enumerate(self.values(kind, reading)):
                left[i] += value if per_retry is None else per_retry * self._table.retries[i]
        return left


def _strong(line: ExactLine, values: Sequence[Fraction]) -> bool:
    some = sum(1 for value in values if value)
    return line.whole and not line.rests_on_one and some - len(line.marginals) >= _RETRIES_SPARE


def _named(basis: Literal["exact", "given_retries"], line: ExactLine, names: Sequence[str]) -> Found:
    marginals = {names[column]: value for column, value in line.marginals.items()}
    return Found(basis, marginals, line.spare, tuple(names[column] for column in line.rests_on_one))
