"""When an engine tries again: the closed form of its retry policy.

An attempt fails at second 0; the policy says how long is waited after it, and after each further one that fails. What a
failed attempt itself takes is not in it: a provider that is down answers at once.
"""

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["RetryPolicy"]


class RetryPolicy(BaseModel):
    """Waits between attempts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """What it is, for people."""
    waits: tuple[float, ...] = Field(min_length=1)
    """Seconds waited after the first failed attempt, the second, ...; the last one goes on."""
    jitter: float = Field(default=0.0, ge=0)
    """Seconds that each wait may be longer: drawn by the server, or the time that it takes to begin an attempt."""
    most_retries: int | None = Field(default=None, ge=0)
    """After which it gives up; None for never."""

    @model_validator(mode="after")
    def _no_loop(self) -> Self:
        if min(self.waits) <= 0:
            raise ValueError("a wait between attempts must be longer than nothing")
        return self

    @classmethod
    def exponential(
        cls, name: str, *, first: float, factor: float, longest: float, jitter: float = 0.0
    ) -> "RetryPolicy":
        """`first` seconds, `factor` times as much each time, up to `longest`, without end."""
        waits = [min(first, longest)]
        while factor > 1 and waits[-1] < longest:
            waits.append(min(waits[-1] * factor, longest))
        return cls(name=name, waits=tuple(waits), jitter=jitter)

    @cached_property
    def _sums(self) -> tuple[float, ...]:
        return tuple(accumulate(self.waits))

    def begins(self, retry: int, *, jitter: float = 0.0) -> float:
        """Seconds from the first attempt to the nth retry, from 1, if each wait is longer by `jitter`."""
        told = self._sums[min(retry, len(self.waits)) - 1]
        return told + max(0, retry - len(self.waits)) * self.waits[-1] + retry * jitter

    def retries_within(self, seconds: float, *, jitter: float = 0.0) -> int:
        """Retries that begin within so many seconds of the first attempt, if every one of them fails.

        Args:
            seconds: how long the provider stays down after the first attempt began.
            jitter: by how much each wait is longer.
        """
        told = [begun + (number + 1) * jitter for number, begun in enumerate(self._sums)]
        retries = bisect_right(told, seconds)
        if retries == len(told):
            retries += int((seconds - told[-1]) / (self.waits[-1] + jitter))
        return retries if self.most_retries is None else min(retries, self.most_retries)

    def retries_until_over(self, seconds: float, *, jitter: float = 0.0) -> int:
        """Retries of a call whose provider is down for so many seconds from its first attempt, until one succeeds.

        Every attempt within the outage fails, and each that fails is tried again: one more than `retries_within`,
        unless the policy gives up before. An outage of no length meets no call.
        """
        if seconds <= 0:
            return 0
        retries = 1 + self.retries_within(seconds, jitter=jitter)
        return retries if self.most_retries is None else min(retries, self.most_retries)

    def outlives(self, seconds: float) -> bool:
        """Whether a retry is left when an outage of this length is over."""
        return self.most_retries is None or self.retries_within(seconds) < self.most_retries

    def mean_retries(self, seconds: float, *, jitter: float = 0.0) -> float:
        """Mean of `retries_until_over` of a call that begins at any time of an outage of this length.

        A call that begins u seconds into an outage of D still meets D - u of it. With u uniform on (0, D), a retry
        that begins t seconds after the call follows a failed one if the attempt before it, at t', was within the
        outage: with probability (D - t') / D. Their sum over all attempts before a retry is the mean.
        """
        if seconds <= 0:
            return 0.0
        retries = self.retries_until_over(seconds, jitter=jitter)
        before = [self.begins(retry, jitter=jitter) if retry else 0.0 for retry in range(retries)]
        return sum(max(0.0, seconds - begun) for begun in before) / seconds
