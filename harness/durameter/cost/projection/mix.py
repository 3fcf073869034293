"""Which tasks a month is made of: those that were measured, or the user's own shares."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from durameter.cost.projection.sample import Sample
from durameter.errors import UsageError

__all__ = ["NAMED", "Mix", "named_mix", "parse_mix", "read_mix"]

Floats = NDArray[np.float64]

NAMED: Final = {
    "measured": "the measured tasks are a sample of the month's: how far their mean may be off is in the figures",
    "cases": "as `measured`, but every case (group of alike tasks) weighs the same, however many trials it had",
    "repeat": "the month is exactly the measured tasks over and over: their shapes are taken as known",
}
"""Mixes that need no file."""

_WEIGHT, _CLUSTER, _TASK = "weight", "cluster", "task"
_ALIASES: Final = {"turns": "model_calls"}


@dataclass(frozen=True)
class Mix:
    """Shapes of tasks, as shares of a month or as a sample of it."""

    name: str
    words: str
    names: tuple[str, ...]
    """Covariates that it says."""
    rows: Floats
    """Shape (rows, names)."""
    weights: Floats
    """Shape (rows,), above zero in sum."""
    clusters: tuple[str, ...]
    """The group of each row; each row its own where it says nothing."""
    known: bool
    """Whether the shares are taken as known: then only the units per shape are uncertain."""
    own: bool
    """Whether the rows are the measured tasks, so that no profile is needed to know their units."""

    @property
    def means(self) -> dict[str, float]:
        """Mean of each covariate per task."""
        if not self.names:
            return {}
        return dict(zip(self.names, np.average(self.rows, axis=0, weights=self.weights).tolist(), strict=True))

    def shares(self, sample: Sample) -> tuple[Fraction, ...]:
        """Exact weight of each measured task."""
        if self.name != "cases":
            return (Fraction(1),) * len(sample.tasks)
        sizes = Counter(sample.clusters)
        return tuple(Fraction(1, sizes[name]) for name in sample.clusters)


def parse_mix(text: str, sample: Sample) -> Mix:
    """The mix of that name, or from that file.

    Raises:
        UsageError: there is neither, or the file is wrong.
    """
    if text in NAMED:
        return named_mix(text, sample)
    path = Path(text)
    if not path.is_file():
        raise UsageError(f"There is no mix and no file {text!r}. Name a CSV file, or one of: {', '.join(NAMED)}.")
    return read_mix(path, sample.covariate_names)


def named_mix(name: str, sample: Sample) -> Mix:
    """A mix of the measured tasks."""
    names = sample.covariate_names
    sizes = Counter(sample.clusters)
    weights = [1 / sizes[each] if name == "cases" else 1.0 for each in sample.clusters]
    return Mix(
        name=name,
        words=NAMED[name],
        names=names,
        rows=sample.covariates(names),
        weights=np.array(weights),
        clusters=sample.clusters,
        known=name == "repeat",
        own=name != "repeat",
    )


def read_mix(path: Path, known_names: Sequence[str]) -> Mix:
    """A mix from a CSV file: a column per covariate (`turns` is short for `model_calls`), and optionally `weight`.

    With `weight` (how many tasks, or which share, are like this row) the rows are the month as it is known. Without it
    each row is one task of a sample, and how far the sample's mean may be off is in the figures; rows that share a name
    in a column `cluster` count as alike. A column `task` is for the reader only.

    Args:
        path: the file.
        known_names: covariates of the measurement.

    Raises:
        UsageError: the file cannot be read, has no covariate or an unknown column, or a figure in it is not one.
    """
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"{path} cannot be read as CSV: {error}. It needs a header line and commas.") from error
    columns = _covariates(path, [name.strip() for name in table.columns], known_names)
    if not table.height:
        raise UsageError(f"{path} has no rows below its header.")
    table = table.rename({name: name.strip() for name in table.columns})
    rows = np.column_stack([_numbers(path, table[column], column) for column in columns])
    weighted = _WEIGHT in table.columns
    weights = _numbers(path, table[_WEIGHT], _WEIGHT) if weighted else np.ones(table.height)
    if weights.sum() <= 0:
        raise UsageError(f"{path}: every {_WEIGHT} is 0. Give at least one row a weight.")
    groups = tuple(table[_CLUSTER]) if _CLUSTER in table.columns else tuple(f"row {n}" for n in range(table.height))
    about = "taken as the whole month" if weighted else "taken as a sample of the month's tasks"
    return Mix(
        name=path.name,
        words=f"{table.height} rows of {path.name}, {about}",
        names=tuple(columns.values()),
        rows=rows,
        weights=weights,
        clusters=groups,
        known=weighted,
        own=False,
    )


def _covariates(path: Path, found: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Column → covariate, in the measurement's order."""
    columns = {name: _ALIASES[name] if name in _ALIASES and name not in known else name for name in found}
    covariates = {column: name for column, name in columns.items() if name in known}
    others = [name for name in found if name not in covariates and name not in (_WEIGHT, _CLUSTER, _TASK)]
    says = f"This measurement has: {', '.join(known) or 'no covariates, so that a mix of shapes says nothing about it'}"
    if others:
        raise UsageError(f"{path} has the unknown column {', '.join(map(repr, others))}. {says}; and {_WEIGHT}.")
    if not covariates:
        raise UsageError(f"{path} has no column with a covariate. {says}.")
    if len(set(covariates.values())) < len(covariates):
        raise UsageError(f"{path} says model_calls twice: turns is another name of it. Leave one out.")
    return dict(sorted(covariates.items(), key=lambda pair: known.index(pair[1])))


def _numbers(path: Path, cells: pl.Series, column: str) -> Floats:
    """The column as numbers, not negative; says the line of the first cell that is none."""
    values = cells.str.strip_chars().cast(pl.Float64, strict=False).to_numpy()
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if wrong.size:
        line = int(wrong[0]) + 2  # after the header, counted from 1
        raise UsageError(
            f"{path}, line {line}: {column} is {cells[int(wrong[0])]!r}. Give a number of zero or more in every row."
        )
    return np.asarray(values, dtype=np.float64)
