"""Faults of a model provider, seeded per call: the same call meets the same faults on every engine."""

import random
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Faults", "Outage", "breaks_off", "faults_of_call", "outage_of"]


class Faults(BaseModel):
    """How often a call fails before it succeeds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_limited: float = Field(default=0.0, ge=0, le=1)
    """Probability that an attempt is answered with 429 and Retry-After."""
    server_errors: float = Field(default=0.0, ge=0, le=1)
    """Probability that an attempt is answered with 500."""
    retry_after_seconds: int = Field(default=1, ge=0)
    broken_streams: float = Field(default=0.0, ge=0, le=1)
    """Probability that the first streamed answer of a call breaks off half-way; the next one does not."""
    most_in_a_row: int = Field(default=3, ge=0)
    """Seeded faults of one call end after so many, so that they alone never fail a task."""
    fails_for_good: tuple[str, ...] = ()
    """Conversations whose last scripted call always fails with 500."""
    outage_seconds: float = Field(default=0.0, ge=0)
    """Length of an outage that each conversation meets once: it is under way when one of the conversation's calls
    begins, and from then to its end every attempt is answered with 500 or 503 in turn. Which call, and how much of the
    outage is left, is drawn by seed (both uniform). Real time; beside the other faults, which are as without it."""
    held_attempts: int = Field(default=0, ge=0)
    """So many attempts of the first call of each conversation are never answered: the connection is kept until the
    caller is gone."""


class Outage(NamedTuple):
    """How one conversation meets its outage."""

    position: int
    """Which call, from 0."""
    seconds: float
    """From that call's first attempt to the end of the outage."""


def faults_of_call(faults: Faults, *, seed: int, user: str, position: int) -> list[int]:
    """Statuses with which the first attempts of one call are answered, before it succeeds.

    Each attempt fails with the given probabilities, independently, until one does not or `most_in_a_row` is reached.
    """
    chance = random.Random(f"{seed}/{user}/{position}")  # noqa: S311 - reproducible, not secret
    statuses: list[int] = []
    while len(statuses) < faults.most_in_a_row:
        draw = chance.random()
        if draw < faults.rate_limited:
            statuses.append(429)
        elif draw < faults.rate_limited + faults.server_errors:
            statuses.append(500)
        else:
            break
    return statuses


def breaks_off(faults: Faults, *, seed: int, user: str, position: int) -> bool:
    """Whether the first streamed answer of one call breaks off."""
    chance = random.Random(f"broken/{seed}/{user}/{position}")  # noqa: S311 - reproducible, not secret
    return chance.random() < faults.broken_streams


def outage_of(faults: Faults, *, seed: int, user: str, calls: int) -> Outage | None:
    """The outage that a conversation of so many calls meets; None where there is none.

    Calls of a sub-agent (` / ` in its name) meet none: they stand for their conversation's own.
    """
    if not faults.outage_seconds or " / " in user:
        return None
    chance = random.Random(f"outage/{seed}/{user}")  # noqa: S311 - reproducible, not secret
    return Outage(chance.randrange(calls), chance.uniform(0, faults.outage_seconds))
