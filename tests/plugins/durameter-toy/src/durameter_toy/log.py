"""The toy's record of a job, line by line, and what the rules make of it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from durameter.engines import Rulebook, TaskLabel, Unit, cause_of

__all__ = ["METER", "Entry", "by_job", "measures_of", "units_of"]

METER = {"start": "jobs", "step": "steps", "retry": "retries"}
"""What happened → the meter's name for it. An end is not billed."""
_RULES = {"start": "job", "step": "step", "retry": "retry"}


class Entry(BaseModel):
    """One line: something happened to a job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: str
    what: Literal["start", "step", "retry", "end"]
    step: str = ""
    at: datetime


def by_job(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Job → its entries, in order."""
    jobs: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        jobs[entry.job].append(entry)
    return dict(jobs)


def units_of(entries: Iterable[Entry], label: TaskLabel, rules: Rulebook) -> list[Unit]:
    """The units of one job: one for its start, one for each step, and what a retry is by the open question."""
    return [
        unit
        for number, entry in enumerate(entries, 1)
        if entry.what in _RULES
        for unit in rules.units(
            _RULES[entry.what],
            label,
            run=entry.job,
            cause=cause_of(entry.step) or entry.what,
            step=entry.step,
            time=entry.at,
            source="log",
            evidence=f"line {number}",
        )
    ]


def measures_of(entries: Iterable[Entry]) -> dict[str, Decimal]:
    """What is measured beside units: the lines of the log."""
    return {"lines": Decimal(sum(1 for _ in entries))}
