"""Units of a month, as draws: per engine and reading, at any volume."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from durameter.cost.profile import FIXED, Profile, fit_profile
from durameter.cost.projection.mix import Mix
from durameter.cost.projection.records import ReadingName
from durameter.cost.projection.sample import Sample
from durameter.cost.statistics import sample_of, standard_error
from durameter.errors import UsageError
from durameter_collectors.units import Unit

__all__ = [
    "WIDEST",
    "Column",
    "EngineDraws",
    "Hits",
    "Series",
    "ShapeModel",
    "draw_engines",
    "fit_shapes",
    "hits",
    "mean_ratios",
    "month_noise",
]

# How far a mean over the measured tasks may be from the mean over all tasks, as draws.

Floats = NDArray[np.float64]

WIDEST: Final = 1000.0
"""A mean is drawn at most this factor off. Only two or three groups of tasks, whose t distribution has no moments,
ever come to it; without an end their draws would not fit a number."""


@dataclass(frozen=True)
class Column:
    """One quantity of sampled tasks."""

    values: Floats
    """Shape (tasks,), not negative."""
    clusters: Sequence[str]
    """The group of each task; groups of the same name in several columns are the same group."""


def mean_ratios(columns: Sequence[Column], draws: int, rng: np.random.Generator) -> Floats:
    """Draws of (mean over all tasks) / (mean over the sampled tasks), jointly for several columns.

    The logarithm of a mean is taken as t-distributed (delta method) with the clustered standard error and the degrees
    of freedom of `durameter.cost.statistics`: the draws of one column have the interval that the report prints.
    Columns vary together by the covariance of their groups' sums of residuals: engines that ran the same tasks
    differ less than their intervals suggest. They share the least degrees of freedom.

    Args:
        columns: what is averaged. One whose values never vary, or that has a single group, has ratio 1 in every draw.
        draws: how many.
        rng: source of chance.

    Returns:
        Shape (columns, draws).
    """
    names = {name: row for row, name in enumerate(dict.fromkeys(n for column in columns for n in column.clusters))}
    influence = np.zeros((len(names), len(columns)))
    freedom = np.inf
    for k, column in enumerate(columns):
        found = sample_of(column.values, column.clusters)
        mean = float(found.values.mean())
        if mean <= 0 or found.clusters < 2 or found.constant:
            continue
        error = standard_error(found)
        sums = found.cluster_sums(found.values - mean) / (1 - found.sizes / found.n)
        rows = [names[name] for name in dict.fromkeys(column.clusters)]
        influence[rows, k] = sums * (error.value / mean / np.linalg.norm(sums))
        freedom = min(freedom, error.freedom)
    if not np.isfinite(freedom):
        return np.ones((len(columns), draws))
    values, vectors = np.linalg.eigh(influence.T @ influence)
    root = vectors * np.sqrt(np.maximum(values, 0))
    normal = root @ rng.standard_normal((len(columns), draws))
    logs = normal / np.sqrt(rng.chisquare(freedom, draws) / freedom)
    ratios: Floats = np.exp(np.clip(logs, -np.log(WIDEST), np.log(WIDEST)))
    return ratios


def month_noise(mean: Floats, variance: float, volume: Floats, normal: Floats) -> Floats:
    """The chance that is left in a month of finitely many tasks: a factor with mean 1 on its units.

    A log-normal with the variance of the mean of `volume` independent tasks: never negative, and as good as normal
    above some hundred tasks.

    Args:
        mean: units per task, shape (draws,).
        variance: of one task's units around the mix.
        volume: tasks per month, broadcastable to the result.
        normal: standard normal draws; the same ones for engines that run the same tasks.

    Returns:
        Shape of `volume`, `mean` and `normal` broadcast together.
    """
    if variance <= 0:
        return np.ones(np.broadcast_shapes(mean.shape, volume.shape, normal.shape))
    spread = np.log1p(variance / (volume * np.maximum(mean, np.finfo(float).tiny) ** 2))
    factor: Floats = np.exp(np.sqrt(spread) * normal - spread / 2)
    return factor


_FEW_HITS = 1000.0


@dataclass(frozen=True)
class Hits:
    """A scenario that hits a share of the month's tasks."""

    share: float
    extra: float
    """Mean units that it adds to a task that is hit."""
    extras: Floats
    """Draws of that mean, shape (draws,)."""
    uniform: Floats
    """Draws that say how many tasks are hit, shape (draws,); the same for engines that run the same tasks."""


@dataclass(frozen=True)
class Series:
    """Units per task of one engine in one reading."""

    reading: ReadingName
    measured: Fraction
    """Mean units of the measured tasks, whatever the mix."""
    center: Fraction
    """Mean units per task, without scenarios: the best single figure."""
    means: Floats
    """Draws of that mean, shape (draws,)."""
    variance: float
    """Of one task's units around the mix."""
    hits: tuple[Hits, ...] = ()

    @property
    def middle(self) -> Fraction:
        """Mean units per task with the scenarios."""
        return self.center + sum((Fraction(hit.share) * Fraction(hit.extra) for hit in self.hits), Fraction())

    @property
    def exact(self) -> bool:
        """Whether nothing varies."""
        return not self.hits and self.variance <= 0 and float(np.ptp(self.means)) == 0

    def units(self, volume: Floats, normal: Floats) -> NDArray[np.int64]:
        """Whole units per month.

        Args:
            volume: tasks per month, shape (months, 1) or (months, draws).
            normal: standard normal draws for the chance in a finite month, shape (draws,) or (months, draws).

        Returns:
            Shape (months, draws).
        """
        total = volume * self.means * month_noise(self.means, self.variance, volume, normal)
        for hit in self.hits:
            total = total + hits(volume, hit.share, hit.uniform) * hit.extras
        return np.rint(np.maximum(total, 0)).astype(np.int64)


@dataclass(frozen=True)
class EngineDraws:
    """One engine: documented first, then the readings that count differently."""

    sample: Sample
    series: tuple[Series, ...]

    def of(self, reading: ReadingName) -> Series:
        """The series of a reading, or the documented one where no open question makes a difference."""
        return next((each for each in self.series if each.reading == reading), self.series[0])


def hits(volume: Floats, share: float, uniform: Floats) -> Floats:
    """How many of the month's tasks are hit: binomial, by its inverse, so that more tasks never mean fewer hits.

    Shape of `volume` and `uniform` broadcast together. From a thousand expected hits on, the normal distribution stands
    in.
    """
    from scipy import stats  # heavy, and only scenarios need it

    tasks = np.rint(volume)
    if float(np.max(tasks)) * share < _FEW_HITS:
        return np.asarray(stats.binom.ppf(uniform, tasks, share), dtype=np.float64)
    expected = tasks * share
    many: Floats = expected + np.sqrt(expected * (1 - share)) * stats.norm.ppf(uniform)
    return np.clip(many, 0, tasks)


# Units by the shape of a task, for a mix that is not the measured tasks themselves.


@dataclass(frozen=True)
class ShapeModel:
    """A profile, asked about one mix."""

    profile: Profile
    means: Mapping[str, float]
    """Mean covariates of the mix."""

    def mean(self, reading: ReadingName) -> float:
        """Units per task over the mix."""
        return self.profile.mean_units(self.means, reading)

    def rows(self, reading: ReadingName, rows: Floats) -> Floats:
        """Units of each row, shape (rows,); columns are the mix's covariates in order."""
        marginals = {each.covariate: each.value for each in self.profile.lines(reading).total}
        found: Floats = rows @ np.array([marginals.get(name, 0.0) for name in self.means]) + marginals.get(FIXED, 0.0)
        return found

    def draw(self, reading: ReadingName, draws: int, rng: np.random.Generator, more: Sequence[str] = ()) -> Floats:
        """Draws of the mean over the mix; with `more`, as if the means of these covariates were one higher."""
        means = {**self.means, **{name: self.means[name] + 1 for name in more}}
        row = np.array([means[name] for name in self.profile.covariate_names])
        return self.profile.draw_means(np.broadcast_to(row, (draws, len(row))), reading, rng)

    def variance(self, reading: ReadingName) -> float:
        """Of one task's units around its shape."""
        return self.profile.task_variance(reading)

    @property
    def telling(self) -> tuple[tuple[str, ...], ...]:
        """Covariates whose own marginal the measured tasks can tell; those that were always equal go together."""
        names = [each.name for each in self.profile.covariates if each.varies]
        equal = {name: {name} for name in names}
        unseen = set(self.profile.untold())
        for weights in self.profile.unseen:
            if len(weights) == 2 and sum(weights.values()) == 0 and weights.keys() <= equal.keys():
                both = set.union(*(equal[name] for name in weights))
                equal |= dict.fromkeys(both, both)
            else:
                unseen |= weights.keys()
        groups = dict.fromkeys(tuple(sorted(equal[name])) for name in names)
        return tuple(group for group in groups if not unseen & set(group))

    @property
    def warnings(self) -> list[str]:
        """What the measured tasks cannot tell, of this mix first, and where it leaves their range."""
        row = np.array([[self.means[name] for name in self.profile.covariate_names]])
        outside = [
            f"the mix has {self.means[each.name]:.3g} {each.name} per task; measured were {each.low:g} to "
            f"{each.high:g}: its units are extrapolated"
            for each in self.profile.covariates
            if not each.low <= self.means[each.name] <= each.high
        ]
        return [*self.profile.unidentified(row), *outside, *self.profile.warnings]


def fit_shapes(sample: Sample, units: Sequence[Unit], names: Sequence[str], means: Mapping[str, float]) -> ShapeModel:
    """Fit units by these covariates only.

    Covariates that the mix does not say are left out of the fit: the marginals of the others then carry what goes
    along with them, as it did in the measured tasks. For least squares this is the same as predicting the missing ones
    from the given ones (the omitted-variable identity).

    Raises:
        UsageError: the tasks are too few, or record no covariates.
    """
    if not names:
        raise UsageError("These tasks record no covariates, so that their units cannot be told by shape.")
    tasks = tuple(
        task.model_copy(update={"covariates": {name: task.covariates[name] for name in names}})
        if task.covariates.keys() >= set(names)
        else task
        for task in sample.result.tasks
    )
    profile = fit_profile(sample.result.model_copy(update={"tasks": tasks}), units)
    return ShapeModel(profile, {name: means[name] for name in profile.covariate_names})


def draw_engines(
    samples: Sequence[Sample],
    mix: Mix,
    models: Sequence[ShapeModel | None],
    draws: int,
    seed: int,
) -> list[EngineDraws]:
    """Draw the mean units per task of every engine and reading, jointly.

    Args:
        samples: one per engine (and per measurement to compare with).
        mix: the month's tasks.
        models: units by shape for each sample; needed where the mix is not the measured tasks themselves.
        draws: how many.
        seed: the same seed gives the same draws.
    """
    columns: list[Column] = []
    parts: list[list[tuple[ReadingName, Fraction, Floats, float]]] = []
    for number, (each, model) in enumerate(zip(samples, models, strict=True)):
        found: list[tuple[ReadingName, Fraction, Floats, float]] = []
        for reading in each.readings:
            if mix.own:
                column, center, variance = _measured(each, mix, reading)
                means = np.full(draws, float(center))
            else:
                # For the type checker: `models` has one wherever the mix is not the tasks' own.
                assert model is not None  # noqa: S101
                column, center, variance = _shaped(model, mix, reading)
                # The readings of one engine differ by what is billed, not by chance: each begins with the same seed.
                means = model.draw(reading, draws, np.random.default_rng([seed, 1, number]))
            columns.append(column)
            found.append((reading, center, means, variance))
        parts.append(found)
    ratios = iter(mean_ratios(columns, draws, np.random.default_rng([seed, 0])))
    return [
        EngineDraws(
            each,
            tuple(
                Series(reading, each.mean(reading), center, means * next(ratios), variance)
                for reading, center, means, variance in found
            ),
        )
        for each, found in zip(samples, parts, strict=True)
    ]


def _measured(sample: Sample, mix: Mix, reading: ReadingName) -> tuple[Column, Fraction, float]:
    shares = mix.shares(sample)
    values = sample.units(reading)
    column = Column(values, sample.clusters)
    if mix.name == "cases":  # the mean of the cases' means: each case is one observation
        cases = dict.fromkeys(sample.clusters)
        means = [values[[name == case for name in sample.clusters]].mean() for case in cases]
        column = Column(np.array(means), tuple(cases))
    return column, sample.mean(reading, shares), _variance(values, np.array([float(share) for share in shares]))


def _shaped(model: ShapeModel, mix: Mix, reading: ReadingName) -> tuple[Column, Fraction, float]:
    center = Fraction(model.mean(reading))
    if mix.known:
        return Column(np.array([float(center)]), ("",)), center, model.variance(reading)
    values = model.rows(reading, mix.rows)
    between = _variance(values, mix.weights)
    return Column(np.maximum(values, 0), mix.clusters), center, between + model.variance(reading)


def _variance(values: Floats, weights: Floats) -> float:
    if len(values) < 2:
        return 0.0
    mean = np.average(values, weights=weights)
    return float(np.average((values - mean) ** 2, weights=weights)) * len(values) / (len(values) - 1)
