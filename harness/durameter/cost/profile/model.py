"""The profile itself, and what can be asked of it."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict

from durameter.cost.profile import predict
from durameter.cost.profile.predict import shift_bounds
from durameter.cost.profile.records import Covariate, Lines, Prediction, ReadingName, Retries, WorstTask, tasks_needed
from durameter.errors import UsageError

__all__ = ["Profile"]


class Profile(BaseModel):
    """What a task costs on one engine, in one variant, as a function of its shape."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    engine: str
    unit: str
    workload: str
    variant: str
    tasks: int
    """Completed and counted tasks: what was fitted."""
    clusters: int
    """Groups of tasks that are alike; a task that is like no other is one of its own."""
    left_out: dict[str, int]
    """Tasks by state that did not complete, or were not counted: they are in no line."""
    left_out_mean: dict[str, float]
    """Documented units per task of those that were counted, by state."""
    covariates: tuple[Covariate, ...]
    readings: tuple[Lines, ...]
    """Documented, upper, lower. The last two equal the first when no open question touches the measurement."""
    retries: Retries | None
    """None when no attempt after the first was seen."""
    worst: tuple[WorstTask, ...]
    """Tasks with the largest residuals, the worst first; none when every line is exact."""
    unseen: tuple[dict[str, float], ...]
    """Directions in which the sample never varied: weights of covariates (and `fixed`) whose sum was 0 in every task.
    A mix where such a sum is not 0 needs a marginal that these tasks cannot tell."""
    warnings: tuple[str, ...]

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """In the order of the columns that `draw_means` and `predict_total` expect."""
        return tuple(each.name for each in self.covariates)

    @property
    def is_open(self) -> bool:
        """Whether the readings differ."""
        return any(each.total != self.readings[0].total for each in self.readings)

    def lines(self, reading: ReadingName = "documented") -> Lines:
        """The lines of one reading."""
        return next(each for each in self.readings if each.reading == reading)

    def mean_units(self, covariates: Mapping[str, float], reading: ReadingName = "documented") -> float:
        """Units per task, averaged over a mix of tasks with these mean covariates.

        Args:
            covariates: mean of each covariate over the mix. One that no line needs may be left out.
            reading: which reading of the rules.

        Raises:
            UsageError: a covariate is not one of the profile, or one that a line needs is missing.
        """
        row = self.row(covariates, reading)
        return float(predict.means(self.lines(reading), self.covariate_names, row[None, :])[0])

    def row(self, covariates: Mapping[str, float], reading: ReadingName = "documented") -> NDArray[np.float64]:
        """Covariates by name as a row in the order of `covariate_names`; unneeded ones that are left out are 0.

        Raises:
            UsageError: as `mean_units`.
        """
        names = self.covariate_names
        unknown = sorted(set(covariates) - set(names))
        needed = {each.covariate for each in self.lines(reading).total} & set(names)
        missing = sorted(needed - set(covariates))
        if unknown or missing:
            said = [f"has no covariate {', '.join(unknown)}"] if unknown else []
            said += [f"needs {', '.join(missing)}"] if missing else []
            raise UsageError(
                f"The profile of {self.workload} on {self.engine} {' and '.join(said)}. "
                f"Its covariates: {', '.join(names) or 'none'}."
            )
        return np.array([covariates.get(name, 0.0) for name in names])

    def draw_means(
        self, covariates: ArrayLike, reading: ReadingName = "documented", rng: np.random.Generator | None = None
    ) -> NDArray[np.float64]:
        """Units per task of a mix, once per row, each with another draw of what the profile is not sure of.

        Exact lines do not vary. The regression's values are drawn from their multivariate t distribution; units below
        the exact part are set to it, since no noise is less than nothing.

        Args:
            covariates: mean covariates, shape (draws, k), columns in the order of `covariate_names`.
            reading: which reading of the rules.
            rng: where chance comes from; seeded with 0 by default.

        Returns:
            Units per task, shape (draws,).

        Raises:
            UsageError: the shape is wrong, or the sample is too small for any interval (the message says how many
                tasks it takes).
        """
        matrix = self._matrix(covariates)
        return predict.draws(self.lines(reading), self.covariate_names, matrix, rng or np.random.default_rng(0))

    def predict_total(
        self,
        covariates: ArrayLike,
        reading: ReadingName = "documented",
        level: float = 0.95,
    ) -> Prediction:
        """Units of given tasks together, with an interval for what they will be.

        The interval has the uncertainty of the regression and the residual noise of these tasks, within and between
        clusters. Where every line is exact it has no width. Where the tasks have what the sample could not tell
        (`unidentified`), it is widened by all that the sample leaves possible, or has no bound.

        Args:
            covariates: one row per task, shape (tasks, k), columns in the order of `covariate_names`.
            reading: which reading of the rules.
            level: of the interval, 0 to 1.

        Raises:
            UsageError: the shape is wrong.
        """
        matrix = self._matrix(covariates)
        lines = self.lines(reading)
        found = predict.total(lines, self.covariate_names, matrix, level)
        unseen = self.unidentified(matrix)
        if not unseen:
            return found
        less, more = shift_bounds(lines, self.unseen, self.covariate_names, matrix.sum(axis=0), len(matrix))
        return found.model_copy(
            update={
                "unidentified": unseen,
                "exact": False,
                "low": None if found.low is None or less is None else max(found.low + less, 0.0),
                "high": None if found.high is None or more is None else found.high + more,
            }
        )

    def unidentified(self, covariates: ArrayLike) -> tuple[str, ...]:
        """What these tasks, or this mix, have that the sample could not tell; in words, empty when nothing.

        Args:
            covariates: rows of covariates, shape (rows, k).
        """
        return predict.unidentified(self.unseen, self.covariate_names, self._matrix(covariates))

    def untold(self, reading: ReadingName = "documented") -> tuple[str, ...]:
        """Covariates that a regression on too few tasks left out: what one more costs is not known, and not zero."""
        if self.tasks >= tasks_needed(len(self.covariates)):
            return ()
        fitted = [line for line in self.lines(reading).kinds if line.basis == "fitted"]
        varying = [each.name for each in self.covariates if each.varies]
        return tuple(name for name in varying if any(not line.marginal(name) for line in fitted))

    def task_variance(self, reading: ReadingName = "documented") -> float:
        """Variance of one task's units around its line, units squared: within and between clusters together."""
        noise = self.lines(reading).noise
        return 0.0 if noise is None else noise.within + noise.between

    def _matrix(self, covariates: ArrayLike) -> NDArray[np.float64]:
        matrix = np.atleast_2d(np.asarray(covariates, dtype=np.float64))
        if matrix.ndim != 2 or matrix.shape[1] != len(self.covariates):
            raise UsageError(
                f"Covariates of shape {matrix.shape} do not fit this profile: it has {len(self.covariates)} "
                f"columns, {', '.join(self.covariate_names)}."
            )
        return matrix
