"""What the statistics say, as records: intervals, tasks still needed, and warnings."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Certainty", "Interval", "Needed", "NextTask"]

MeanMethod = Literal["exact", "t on log mean", "clustered t on log mean", "none"]
NextMethod = Literal["exact", "conformal", "log-t", "clustered log-t", "none"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Record):
    """A confidence interval of the mean units per task."""

    mean: float
    low: float | None
    """None when there is no interval; equal to `high` when the sample never varies."""
    high: float | None
    level: float
    n: int
    """Tasks."""
    clusters: int
    """Independent groups of tasks; `n` when every task is like no other."""
    method: MeanMethod
    exact: bool = False
    """The sample never varies: one number, and no interval."""
    why_not: str = ""
    """Why there is no interval."""

    @property
    def half_width(self) -> float | None:
        """Half of the interval's length, relative to the mean; None when there is no interval, 0 when exact."""
        if self.low is None or self.high is None:
            return None
        return (self.high - self.low) / 2 / self.mean if self.mean else 0.0


class NextTask(_Record):
    """A prediction interval for the units of one further task, of a cluster that is not in the sample."""

    low: float | None
    high: float | None
    level: float
    n: int
    clusters: int
    method: NextMethod
    why_not: str = ""


class Needed(_Record):
    """How many further tasks narrow the interval of the mean to ± `relative`."""

    relative: float
    """Half-width over the mean: 0.05 is ±5 %."""
    tasks: int | None
    """Further tasks, in clusters of the sample's sizes; 0 when it is reached. An estimate: the sample's own spread goes
    into it. None when the sample cannot say."""
    clusters: int | None
    """Further clusters that these tasks must come from."""
    why_not: str = ""


class Certainty(_Record):
    """How sure the mean of one reading is."""

    mean: Interval
    next_task: NextTask
    needed: tuple[Needed, ...]
    warnings: tuple[str, ...]
    """Sentences about what the sample cannot support."""
