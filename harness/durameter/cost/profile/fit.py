"""Fit a profile from the ledger."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property

import numpy as np

from durameter.cost.profile.exact import Found, Search
from durameter.cost.profile.model import Profile
from durameter.cost.profile.predict import design
from durameter.cost.profile.records import (
    RETRIES,
    Coefficient,
    Covariate,
    KindLine,
    Lines,
    Noise,
    ReadingName,
    Term,
    WorstTask,
)
from durameter.cost.profile.regression import Sample, choose_terms, first_attempts, fit_noise, fit_retries
from durameter.cost.profile.table import READINGS, Table, tabulate, warnings_of
from durameter.errors import UsageError
from durameter.results.model import EngineResult
from durameter_collectors.units import Unit

__all__ = ["FEWEST_TASKS", "fit_profile"]

FEWEST_TASKS = 3
"""Below, not even a line that never varies could be told from one that does."""
_MOST_WORST = 5


def fit_profile(result: EngineResult, units: Sequence[Unit]) -> Profile:
    """Fit what a task costs as a function of its covariates, kind by kind, in every reading of the rules.

    A kind is exact when a linear function of the covariates says its units in every task, in rational arithmetic with
    residual zero. What retries do (attempts after the first, from the ledger) is exact given their number; how many
    there are is a rate with a clustered error, as are the units of all other kinds. Tasks that did not complete are
    shown apart and are in no line.

    Args:
        result: the tasks of one engine.
        units: rows of the ledger; those of other engines are passed over.

    Raises:
        UsageError: fewer than three tasks completed.
    """
    table = tabulate(result, units)
    if len(table.tasks) < FEWEST_TASKS:
        raise UsageError(
            f"{result.engine}: {len(table.tasks)} task(s) completed; a profile needs at least {FEWEST_TASKS}, and "
            "some 20 to tell what each covariate costs. Measure more: durameter run --tasks 20."
        )
    fitting = _Fitting(table)
    readings = tuple(fitting.lines(reading) for reading in READINGS)
    unseen = fitting.search.unseen
    retries = fit_retries(table, fitting.sample, fitting.retry_terms)
    inside = {task.task for task in table.tasks}
    left_out = [task for task in result.tasks if task.task not in inside]
    states = dict.fromkeys(task.state for task in left_out)
    by_state = {state: [task for task in left_out if task.state == state] for state in states}
    counted = {state: [task.units for task in tasks if task.counted] for state, tasks in by_state.items()}
    return Profile(
        engine=result.engine,
        unit=result.unit,
        workload=units[0].workload if units else "",
        variant=result.variant,
        tasks=len(table.tasks),
        clusters=len(set(table.clusters)),
        left_out={state: len(tasks) for state, tasks in by_state.items()},
        left_out_mean={state: float(sum(each) / len(each)) for state, each in counted.items() if each},
        covariates=tuple(_covariate(name, column) for name, column in zip(table.names, fitting.columns, strict=True)),
        readings=readings,
        retries=retries,
        worst=fitting.worst(readings),
        unseen=unseen,
        warnings=warnings_of(table, readings, unseen, retries),
    )


def _covariate(name: str, values: Sequence[float]) -> Covariate:
    return Covariate(
        name=name,
        mean=sum(values) / len(values),
        low=min(values),
        high=max(values),
        tasks=sum(1 for value in values if value),
    )


class _Fitting:
    """One engine's table while it is fitted."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.search = Search(table)
        self.columns = [[task.covariates.get(name, 0.0) for task in table.tasks] for name in table.names]
        matrix = np.array(self.columns, dtype=np.float64).T.reshape(len(table.tasks), len(table.names))
        self.sample = Sample(table.names, matrix, table.clusters)

    @cached_property
    def retry_terms(self) -> tuple[Term, ...]:
        """What retries go by: the first attempts of the same activities or steps, where the shape says them."""
        if not any(self.table.retries):
            return ()
        found = first_attempts(self.table, self.search.shape, self.search.names)
        return (found,) if found else choose_terms(self.sample, np.array(self.table.retries, dtype=np.float64))

    @cached_property
    def _terms(self) -> tuple[Term, ...]:
        """Of the regression of all that is not exact: one set for every reading, so that lines can be added."""
        noisy = [
            kind
            for kind in self.table.kinds
            if any(self.search.line(kind, reading).basis == "fitted" for reading in READINGS)
        ]
        if not noisy:
            return self.retry_terms
        return choose_terms(self.sample, np.array([float(x) for x in self.search.rest("upper")]))

    def lines(self, reading: ReadingName) -> Lines:
        """Every line of one reading."""
        table = self.table
        kinds = [kind for kind in table.kinds if any(self.search.values(kind, reading))]
        found = {kind: self.search.line(kind, reading) for kind in kinds}
        exact: dict[str, Fraction] = {}
        for line in found.values():
            for name, value in line.marginals.items():
                if name != RETRIES:
                    exact[name] = exact.get(name, Fraction(0)) + value
        response = np.array([float(x) for x in self.search.rest(reading)])
        noise = fit_noise(self.sample, self._terms, response) if response.any() else None
        exact_part = {name: float(exact[name]) for name in self.search.names if exact.get(name)}
        return Lines(
            reading=reading,
            kinds=tuple(self._kind_line(kind, line, reading) for kind, line in found.items()),
            mean=float(sum(table.total(reading))) / len(table.tasks),
            exact_part=exact_part,
            noise=noise,
            total=_by_covariate(self.search.names, exact_part, noise),
            per_retry=float(sum(line.marginals.get(RETRIES, Fraction(0)) for line in found.values())),
        )

    def _kind_line(self, kind: str, line: Found, reading: ReadingName) -> KindLine:
        values = self.search.values(kind, reading)
        if line.basis == "fitted":
            noise = fit_noise(self.sample, self._terms, np.array([float(value) for value in values]))
            coefficients = _by_covariate(self.search.names, {}, noise)
        else:
            order = (*self.search.names, RETRIES)
            coefficients = tuple(
                Coefficient(covariate=name, value=float(line.marginals[name]), error=0.0)
                for name in order
                if name in line.marginals
            )
        return KindLine.model_validate(
            {
                "kind": kind,
                "basis": line.basis,
                "coefficients": coefficients,
                "mean": float(sum(values)) / len(values),
                "spare": line.spare,
                "rests_on_one": line.rests_on_one,
            }
        )

    def worst(self, readings: Sequence[Lines]) -> tuple[WorstTask, ...]:
        """Tasks with the largest residuals, in the upper reading: where a retry costs something in any."""
        lines = next(each for each in readings if each.reading == "upper")
        if lines.noise is None:
            return ()
        fitted = design(lines.noise.terms, self.table.names, self.sample.matrix) @ np.array(lines.noise.values)
        left = [float(x) for x in self.search.rest("upper")]
        units = [float(x) for x in self.table.total("upper")]
        order = sorted(range(len(left)), key=lambda i: -abs(left[i] - fitted[i]))[:_MOST_WORST]
        return tuple(
            WorstTask(
                task=self.table.tasks[i].task,
                cluster=self.table.tasks[i].cluster,
                reading="upper",
                units=units[i],
                fitted=units[i] - left[i] + float(fitted[i]),
                retries=self.table.retries[i],
            )
            for i in order
        )


def _by_covariate(names: Sequence[str], exact: dict[str, float], noise: Noise | None) -> tuple[Coefficient, ...]:
    """Exact part and regression together, one coefficient per covariate that has any."""
    found = []
    for name in names:
        value, error = exact.get(name, 0.0), 0.0
        if noise is not None:
            weights = np.array([term.weights.get(name, 0.0) for term in noise.terms])
            value += float(weights @ np.array(noise.values))
            error = float(weights @ np.array(noise.covariance) @ weights) ** 0.5
        if value or error:
            found.append(Coefficient(covariate=name, value=value, error=error))
    return tuple(found)
