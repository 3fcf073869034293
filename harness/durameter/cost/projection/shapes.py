"""Units by the shape of a task, for a mix that is not the measured tasks themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from durameter.cost.profile import FIXED, Profile, fit_profile
from durameter.cost.projection.records import ReadingName
from durameter.cost.projection.sample import Sample
from durameter.errors import UsageError
from durameter_collectors.units import Unit

__all__ = ["ShapeModel", "fit_shapes"]

Floats = NDArray[np.float64]


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
