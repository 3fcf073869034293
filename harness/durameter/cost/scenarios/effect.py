"""What a bad day adds to a task that it hits: the record that projections take."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["READINGS", "Extra", "Reading", "ScenarioEffect"]

Reading = Literal["documented", "upper", "lower"]
READINGS: tuple[Reading, ...] = ("documented", "upper", "lower")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Extra(_Record):
    """Something per task that is hit, beyond the same task on a normal day."""

    extra_mean: float
    extra_error: float | None
    """Standard error of the mean, clustered; None when it cannot be known, with one cluster. 0 where every task had the
    same extra, and where it follows from a closed form."""
    freedom: float | None = None
    """Degrees of freedom of that error, for Student's t; None where it is 0 or not known."""
    low: float | None = None
    high: float | None = None
    """Extrapolated by a policy that draws its waits: the mean at the longest and at the shortest waits."""


class ScenarioEffect(_Record):
    """One scenario on one engine."""

    name: str
    engine: str
    variant: str
    unit: str
    description: str
    readings: dict[Reading, Extra]
    """Units per task that is hit."""
    measures: dict[str, Extra] = Field(default_factory=dict)
    """What was measured beside units, such as `sdk_requests`, per task that is hit."""
    n: int
    """Pairs of a task in the scenario and the same task in the base."""
    clusters: int
    extrapolated: bool
    """Whether the measured effect was extended by a closed form."""
    measured: dict[Reading, Extra]
    """As measured, before any extension."""
    default_share: float
    """Of a month's tasks that are hit."""
    why: str
    """Why that share."""
    differs: str = ""
    """What is not as in production, in words."""
    notes: tuple[str, ...] = ()
    """What was left out, and why a closed form was or was not used."""
