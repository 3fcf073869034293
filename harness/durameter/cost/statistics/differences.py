"""How sure the difference of two means is."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from durameter.cost.statistics.sample import quantile, sample_of_differences, standard_error, too_few

__all__ = ["LEVEL", "Sureness", "of_pairs", "of_two"]

LEVEL = 0.95


class Sureness(BaseModel):
    """An interval of the difference of two means, in units per task."""

    model_config = ConfigDict(frozen=True)

    low: float | None = None
    """None when there is no interval; equal to `high` when every task differs by the same."""
    high: float | None = None
    level: float = LEVEL
    exact: bool = False
    """Every task differs by the same: one number, and no interval."""
    why_not: str = ""
    """Why there is no interval."""

    @property
    def sure(self) -> bool:
        """Whether zero, no difference at all, lies outside."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def of_pairs(differences: Sequence[Decimal], clusters: Sequence[str]) -> Sureness:
    """Of tasks that were measured on both sides.

    mean ± t · s.e., with the standard error of `statistics.standard_error`, robust against likeness within clusters.
    Not on the logarithm, as means are: a difference may be negative.

    Args:
        differences: (n,) units of the task in head minus in base.
        clusters: (n,) names of clusters; an empty name is a cluster of its own.
    """
    sample = sample_of_differences(differences, clusters)
    mean = float(sum(differences, Decimal(0)) / len(differences))
    if sample.n > 1 and sample.constant:
        return Sureness(low=mean, high=mean, exact=True)
    if why := too_few(sample):
        return Sureness(why_not=why)
    error = standard_error(sample)
    reach = quantile(error.freedom, LEVEL) * error.value
    return Sureness(low=mean - reach, high=mean + reach)


def of_two(
    base: Sequence[Decimal], base_clusters: Sequence[str], head: Sequence[Decimal], head_clusters: Sequence[str]
) -> Sureness:
    """Of two samples of different tasks.

    Difference of the means ± t · √(s.e.₁² + s.e.₂²), degrees of freedom after Welch and Satterthwaite.

    Args:
        base: (n,) units per task.
        base_clusters: (n,) names of clusters.
        head: (m,) units per task.
        head_clusters: (m,) names of clusters.
    """
    samples = (sample_of_differences(base, base_clusters), sample_of_differences(head, head_clusters))
    difference = float(sum(head, Decimal(0)) / len(head) - sum(base, Decimal(0)) / len(base))
    parts: list[tuple[float, float]] = []
    for name, sample in zip(("base", "head"), samples, strict=True):
        if sample.n > 1 and sample.constant:
            continue  # no error, as far as was seen
        if why := too_few(sample):
            return Sureness(why_not=f"{name}: {why}")
        error = standard_error(sample)
        parts.append((error.value**2, error.freedom))
    if not parts:
        return Sureness(low=difference, high=difference, exact=True)
    variance = sum(each for each, _ in parts)
    freedom = variance**2 / sum(each**2 / freedom for each, freedom in parts)
    reach = float(quantile(freedom, LEVEL) * variance**0.5)
    return Sureness(low=difference - reach, high=difference + reach)
