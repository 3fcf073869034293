"""The regression of what no exact line says. A cluster of tasks is one observation.

The sums of a cluster's units are regressed on the sums of its covariates by weighted least squares, the variance in
proportion to the cluster's exposure (the first term), so that with one term the value is all units by all exposure.
Standard errors are HC3 on clusters (MacKinnon and White, Journal of Econometrics 29, 1985: the jackknife's), with the
t distribution of clusters less terms. Tests hold both against statsmodels, and intervals against simulated coverage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from durameter.cost.profile.exact import Design
from durameter.cost.profile.predict import design, more_interval
from durameter.cost.profile.records import FIXED, Coefficient, Noise, Retries, Term
from durameter.cost.profile.table import Table

__all__ = [
    "Regression",
    "Sample",
    "choose_terms",
    "first_attempts",
    "fit_noise",
    "fit_retries",
]

Matrix = NDArray[np.float64]

_CLUSTERS_PER_TERM = 5
_NOTHING = 1e-12
_LEVERAGE = 0.999
"""A term that one cluster alone determines has no error that could be told."""


@dataclass(frozen=True)
class Sample:
    """Covariates of all tasks."""

    names: Sequence[str]
    matrix: Matrix
    """Shape (tasks, covariates)."""
    clusters: Sequence[str]

    def sums(self, values: Matrix) -> Matrix:
        """Sums of rows by cluster, shape (clusters, ...)."""
        _, place = np.unique(np.array(self.clusters), return_inverse=True)
        found = np.zeros((place.max() + 1, *values.shape[1:]))
        np.add.at(found, place, values)
        return found


def choose_terms(sample: Sample, response: Matrix) -> tuple[Term, ...]:
    """The few terms that say most of the response: forward selection by the corrected Akaike criterion.

    The first is what the response grows with on its own; every cluster has some of it, since variances go by it. No
    more than a term per five clusters, and none that would make a value negative.

    Args:
        sample: the tasks.
        response: units of each task, shape (tasks,).
    """
    single = [Term(name=name, weights={name: 1.0}) for name in (*sample.names, FIXED)]
    sums = sample.sums(np.column_stack([np.ones(len(sample.matrix)), sample.matrix]))
    everywhere = {name: bool((sums[:, i] > 0).all()) for i, name in enumerate((FIXED, *sample.names))}
    chosen: tuple[Term, ...] = ()
    best = np.inf
    while len(chosen) < max(1, len(sums) // _CLUSTERS_PER_TERM):
        tries = [(*chosen, each) for each in single if each not in chosen and (chosen or everywhere[each.name])]
        scored = [(_criterion(sample, terms, response), i) for i, terms in enumerate(tries)]
        score, which = min(scored, default=(np.inf, 0))
        if score >= best:
            break
        best, chosen = score, tries[which]
    return chosen


def _criterion(sample: Sample, terms: Sequence[Term], response: Matrix) -> float:
    columns, units = _by_cluster(sample, terms, response)
    observations, values = len(units), len(terms) + 1  # and the variance
    if observations < len(terms) or np.linalg.matrix_rank(columns) < len(terms):
        return float(np.inf)
    found = Regression(columns, units)
    if (found.values < 0).any():
        return float(np.inf)
    if found.squares <= _NOTHING * float(units @ units):
        return float(-np.inf)
    # Minus twice the logarithm of the likelihood; the weights are in it, since they go by the first term.
    score = observations * np.log(found.squares / observations) + np.log(columns[:, 0]).sum() + 2 * values
    left = observations - values - 1
    return float(score + (2 * values * (values + 1) / left if left > 0 else 0))


def _by_cluster(sample: Sample, terms: Sequence[Term], response: Matrix) -> tuple[Matrix, Matrix]:
    """Terms and units of the clusters that have any exposure."""
    columns = sample.sums(design(terms, sample.names, sample.matrix))
    some = columns[:, 0] > 0
    return columns[some], sample.sums(response)[some]


class Regression:
    """Weighted least squares, the variance in proportion to the first column."""

    def __init__(self, columns: Matrix, units: Matrix) -> None:
        """Fit.

        Args:
            columns: (observations, terms); the first is above zero.
            units: (observations,).
        """
        root = np.sqrt(columns[:, 0])
        self._columns: Matrix = columns / root[:, None]  # whitened: so divided, every observation varies alike
        self._inverse: Matrix = np.linalg.pinv(self._columns).astype(np.float64)
        self.values: Matrix = (self._inverse @ (units / root)).astype(np.float64)
        """(terms,)."""
        self._residuals: Matrix = units / root - self._columns @ self.values
        self.degrees = len(units) - int(np.linalg.matrix_rank(self._columns))
        """Observations less terms that could be told apart."""

    @property
    def squares(self) -> float:
        """Sum of the squared weighted residuals."""
        return float(self._residuals @ self._residuals)

    @cached_property
    def leverages(self) -> Matrix:
        """(observations,) by how much each pulls its own fitted value towards it, 0 to 1."""
        found: Matrix = np.einsum("ij,ji->i", self._columns, self._inverse)
        return found

    def covariance(self) -> Matrix:
        """(terms, terms) of the values, HC3: X⁺ diag(e² / (1 - h)²) X⁺ᵀ, whatever the variances of the observations."""
        spread = self._inverse * (self._residuals / (1 - self.leverages))
        return spread @ spread.T


def fit_noise(sample: Sample, terms: tuple[Term, ...], response: Matrix) -> Noise:
    """Regress units of tasks on terms.

    Args:
        sample: the tasks.
        terms: columns; the first is the exposure, and a task without any of it has none of the response.
        response: units of each task, shape (tasks,).

    Returns:
        Values with their covariance; `degrees` is 0, and the covariance means nothing, when there are not more
        clusters than terms.
    """
    found = Regression(*_by_cluster(sample, terms, response))
    values = found.values
    residuals = response - design(terms, sample.names, sample.matrix) @ values
    within, between = _spread(sample, residuals, len(terms))
    degrees = float(found.degrees)
    whole = bool(degrees > 0 and found.leverages.max() < _LEVERAGE)
    covariance = found.covariance() if whole else np.zeros((len(terms), len(terms)))
    return Noise(
        terms=terms,
        values=tuple(map(float, values)),
        covariance=tuple(tuple(map(float, row)) for row in covariance),
        degrees=degrees if whole else 0.0,
        spread=found.squares / degrees if degrees > 0 else 0.0,
        within=within,
        between=between,
    )


def _spread(sample: Sample, residuals: Matrix, terms: int) -> tuple[float, float]:
    """Variances of one task's residual within and between clusters: one-way analysis of variance, by moments."""
    sizes = sample.sums(np.ones_like(residuals))
    sums = sample.sums(residuals)
    tasks, clusters = len(residuals), len(sizes)
    if tasks == clusters:  # no two tasks are alike: the two cannot be told apart
        return float((residuals**2).sum() / max(tasks - terms, 1)), 0.0
    inside = float((residuals**2).sum() - (sums**2 / sizes).sum()) / (tasks - clusters)
    if clusters <= terms:
        return inside, 0.0
    across = float((sums**2 / sizes).sum()) / (clusters - terms)
    each = (tasks - float((sizes**2).sum()) / tasks) / (clusters - 1) if clusters > 1 else 1.0
    return inside, max((across - inside) / each, 0.0)


# Retries: what they go by, and how often they happen.

_LEVEL = 0.95


def first_attempts(table: Table, shape: Design, names: Sequence[str]) -> Term | None:
    """First attempts of what was retried, as a function of the covariates; None when they are no exact one.

    Args:
        table: the tasks.
        shape: their covariates.
        names: of the columns of `shape`.
    """
    for counts in table.first_attempts.values():
        line = shape.line([Fraction(n) for n in counts])
        told = all(first or not again for first, again in zip(counts, table.retries, strict=True))
        if line is not None and line.whole and told:
            causes = ", ".join(table.retried)
            weights = {names[column]: float(value) for column, value in line.marginals.items()}
            return Term(name=f"first attempts of {causes}", weights=weights)
    return None


def fit_retries(table: Table, sample: Sample, terms: tuple[Term, ...]) -> Retries | None:
    """The rate of retries, its error clustered; None when no attempt after the first was seen."""
    if not any(table.retries):
        return None
    noise = fit_noise(sample, terms, np.array(table.retries, dtype=np.float64))
    mean = sample.matrix.mean(axis=0)[None, :]
    low, high = more_interval(noise, sample.names, mean, _LEVEL)
    rate = []
    for name in dict.fromkeys(name for term in terms for name in term.weights):
        weights = np.array([term.weights.get(name, 0.0) for term in terms])
        error = float(weights @ np.array(noise.covariance) @ weights) ** 0.5
        rate.append(Coefficient(covariate=name, value=float(weights @ np.array(noise.values)), error=error))
    return Retries(
        seen=sum(table.retries),
        attempts=max((sum(counts) for counts in table.first_attempts.values()), default=0),
        causes=table.retried,
        rate=tuple(rate),
        low=low,
        high=high,
        mean=sum(table.retries) / len(table.retries),
    )
