"""The parts of a profile: lines, coefficients, what is left over. Frozen, and JSON-able."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "FEW_SPARE",
    "FIXED",
    "RETRIES",
    "Coefficient",
    "Covariate",
    "KindLine",
    "Lines",
    "Noise",
    "Prediction",
    "ReadingName",
    "Retries",
    "Term",
    "WorstTask",
    "tasks_needed",
]

ReadingName = Literal["documented", "upper", "lower"]
"""As documented; with every open question billed; with every open question free."""

FIXED: Final = "fixed"
"""Name of what every task costs, whatever its shape."""
RETRIES: Final = "retries"
"""Name of the marginal per retry: an attempt after the first, of any activity or step."""


FEW_SPARE: Final = 5
"""Tasks beyond as many as there are marginals, by which these are checked."""


def tasks_needed(covariates: int) -> int:
    """Tasks that can tell every marginal and the fixed part, and check them."""
    return covariates + 1 + FEW_SPARE


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Covariate(_Record):
    """A number by which the cost may grow, over the tasks that were fitted."""

    name: str
    mean: float
    low: float
    high: float
    tasks: int
    """How many tasks have it other than zero."""

    @property
    def varies(self) -> bool:
        """A covariate that never varies has no marginal that could be told."""
        return self.low != self.high


class Coefficient(_Record):
    """Units per one more of a covariate."""

    covariate: str
    """Name of a covariate, `fixed`, or `retries`."""
    value: float
    error: float = Field(ge=0)
    """Standard error, clustered; 0 where the line is exact."""


class KindLine(_Record):
    """What one kind of unit costs per task."""

    kind: str
    basis: Literal["exact", "given_retries", "fitted"]
    """`exact`: a linear function of the covariates, residual zero in exact arithmetic, over all tasks.
    `given_retries`: the same, with the number of retries as a further covariate. `fitted`: the rest, by regression."""
    coefficients: tuple[Coefficient, ...]
    mean: float
    """Units per task in the sample."""
    spare: int
    """Tasks beyond those that the coefficients need: what the line was checked on."""
    rests_on_one: tuple[str, ...] = ()
    """Covariates whose marginal rests on a single task, so that no other task checks it."""

    @property
    def exact(self) -> bool:
        """Whether the covariates alone say the count."""
        return self.basis == "exact"

    def marginal(self, covariate: str) -> float:
        """Units per one more of it; 0 where the line does not have it."""
        return sum(each.value for each in self.coefficients if each.covariate == covariate)


class Term(_Record):
    """One column of the regression: a weighted sum of covariates."""

    name: str
    weights: dict[str, float]
    """Covariate, or `fixed`, to its weight."""


class Noise(_Record):
    """The regression of all units that no exact line says, in one reading.

    A cluster is one observation: the sums over its tasks, with the exposure (the first term) as variance.
    """

    terms: tuple[Term, ...]
    values: tuple[float, ...]
    """Units per unit of each term."""
    covariance: tuple[tuple[float, ...], ...]
    """Of the values, in the order of the terms."""
    degrees: float
    """Degrees of freedom of their t distribution."""
    spread: float
    """Variance of a cluster's residual, per unit of its exposure."""
    within: float
    """Variance of one task's residual about its cluster's, units squared."""
    between: float
    """Variance of the clusters' own deviations per task, units squared; 0 where none shows."""


class Lines(_Record):
    """All lines of one reading."""

    reading: ReadingName
    kinds: tuple[KindLine, ...]
    mean: float
    """Units per task in the sample."""
    exact_part: dict[str, float]
    """Sum of all exact coefficients per covariate and `fixed`, without retries."""
    noise: Noise | None
    """None when every line is exact."""
    total: tuple[Coefficient, ...]
    """What one task costs in all: the exact part and the regression together."""
    per_retry: float
    """Units that one more retry adds."""

    @property
    def exact(self) -> bool:
        """Whether every line is."""
        return self.noise is None


class Retries(_Record):
    """Attempts after the first, and how often they happen."""

    seen: int
    attempts: int
    """First attempts of the same activities or steps."""
    causes: tuple[str, ...]
    """What was tried again."""
    rate: tuple[Coefficient, ...]
    """Retries per one more of a covariate."""
    low: float
    """Of the retries of the mean task, 95 %."""
    high: float
    mean: float
    """Retries per task in the sample."""


class WorstTask(_Record):
    """A task that its line fits badly."""

    task: str
    cluster: str
    reading: ReadingName
    units: float
    fitted: float
    retries: int

    @property
    def residual(self) -> float:
        """Units above its line."""
        return self.units - self.fitted


class Prediction(_Record):
    """Units of some tasks together."""

    total: float
    low: float | None
    """None where the sample gives no bound: see `unidentified`, and the profile's warnings."""
    high: float | None
    exact: bool
    """Whether the covariates alone say it: then low, total and high are one."""
    level: float
    unidentified: tuple[str, ...] = ()
    """What these tasks have that the sample could not tell, in words; `total` is then no better than a guess there."""
