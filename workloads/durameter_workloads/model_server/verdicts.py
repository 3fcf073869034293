"""What becomes of each attempt: held, failed by an outage, by a seeded fault or a rate limit, or answered."""

import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Literal

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
        self._limit = requests_per_minute
        self._within_a_minute: deque[float] = deque()
        """When the requests came that were let through; the oldest first."""

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
        if wait := self._seconds_over_the_limit():
            return Verdict(attempt, 429, retry_after=wait)
        return self._seeded(call, attempt, last=position == calls - 1)

    def _seconds_over_the_limit(self) -> int:
        """0 where a request is within the limit of a minute that moves along; else until one more is."""
        if not self._limit:
            return 0
        now, let_through = time.monotonic(), self._within_a_minute
        while let_through and let_through[0] <= now - 60:
            let_through.popleft()
        if len(let_through) < self._limit:
            let_through.append(now)
            return 0
        return max(1, round(let_through[0] + 60 - now))

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
