"""What becomes of each attempt: held, failed by an outage, by a seeded fault or a rate limit, or answered."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from durameter_workloads.model_server.faults import Faults, Outage, faults_of_call, outage_of

__all__ = ["GONE", "Status", "Verdict", "Verdicts"]

Status = Literal[200, 429, 499, 500, 503]
GONE: Status = 499
"""Of an attempt that was held until nobody waited for it any more, as some web servers log it."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of one attempt."""

    attempt: int
    """From 1."""
    status: Status
    retry_after: int = 0
    """Of a 429: seconds."""
    outage: bool = False
    """The provider is down."""


class Verdicts:
    """Judges attempts as they come."""

    def __init__(self, faults: Faults, *, seed: int, requests_per_minute: int | None) -> None:
        self.outages: dict[str, Outage] = {}
        """By conversation: those that have been met."""
        self._faults = faults
        self._seed = seed
        self._attempts: Counter[tuple[str, int]] = Counter()
        self._unseeded: Counter[tuple[str, int]] = Counter()
        """Of these, those that met an outage or were held: seeded faults are as without them."""
        self._down_since: dict[str, float] = {}
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerMinute(requests_per_minute) if requests_per_minute else None

    def judge(self, user: str, position: int, *, calls: int) -> Verdict:
        """The next attempt of one call.

        Args:
            user: the conversation.
            position: which of its calls, from 0.
            calls: how many it has.
        """
        call = user, position
        self._attempts[call] += 1
        attempt = self._attempts[call]
        if position == 0 and attempt <= self._faults.held_attempts and " / " not in user:
            self._unseeded[call] += 1
            return Verdict(attempt, GONE)
        if self._down(user, position, calls):
            self._unseeded[call] += 1
            return Verdict(attempt, 500 if self._unseeded[call] % 2 else 503, outage=True)
        if self._limit is not None and not self._limiter.hit(self._limit):
            wait = self._limiter.get_window_stats(self._limit).reset_time - time.time()
            return Verdict(attempt, 429, retry_after=max(1, round(wait)))
        return self._seeded(call, attempt, last=position == calls - 1)

    def _seeded(self, call: tuple[str, int], attempt: int, *, last: bool) -> Verdict:
        user, position = call
        if last and user in self._faults.fails_for_good:
            return Verdict(attempt, 500)
        statuses = faults_of_call(self._faults, seed=self._seed, user=user, position=position)
        number = attempt - self._unseeded[call]
        if number > len(statuses):
            return Verdict(attempt, 200)
        if statuses[number - 1] == 429:
            return Verdict(attempt, 429, retry_after=self._faults.retry_after_seconds)
        return Verdict(attempt, 500)

    def _down(self, user: str, position: int, calls: int) -> bool:
        outage = outage_of(self._faults, seed=self._seed, user=user, calls=calls)
        if outage is None or position != outage.position:
            return False
        self.outages[user] = outage
        now = time.monotonic()
        return now - self._down_since.setdefault(user, now) < outage.seconds
