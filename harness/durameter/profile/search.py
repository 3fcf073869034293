"""Which line says a kind: by the covariates alone, by them and the retries, or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from durameter.profile.exact import Design, ExactLine, as_fraction
from durameter.profile.records import FIXED, RETRIES, ReadingName
from durameter.profile.table import Table

__all__ = ["Found", "Search"]

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
