"""Retries: what they go by, and how often they happen."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from durameter.profile.exact import Design
from durameter.profile.noise import Sample, fit_noise
from durameter.profile.predict import more_interval
from durameter.profile.records import Coefficient, Retries, Term
from durameter.profile.table import Table

__all__ = ["first_attempts", "fit_retries"]

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
