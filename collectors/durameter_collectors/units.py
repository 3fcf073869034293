"""The unit record: one billable unit, with the evidence for it.

Everything else that Durameter says (tables, reconciliations, profiles, bills) is a query on these records.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

__all__ = [
    "Elsewhere",
    "Gap",
    "Reading",
    "TaskLabel",
    "Unit",
    "cause_of",
    "nowhere",
    "total",
]

# Names of agent-level steps, and the cause that many steps share.

_COUNTER = re.compile(r"[\s_:#.\-]*\d+(?:\.\d+)*$")


def cause_of(step: str) -> str:
    """What a step name says without its place and its counter.

    `message 2 / call_model 3` is the third `call_model` of message 2; `fetch-page-12` is one `fetch-page` of many.
    A name that is nothing but a counter is kept.
    """
    last = step.rsplit("/", 1)[-1].strip()
    return _COUNTER.sub("", last) or last


Reading = Literal["documented", "upper"]
"""`documented`: what the vendor's documents say is billed; `upper`: what an open question would add to it."""


Elsewhere = Callable[[str], bool]
"""Whether something belongs to another task, by its id."""


def nowhere(_name: str) -> bool:
    """Nothing belongs to another task."""
    return False


class TaskLabel(NamedTuple):
    """Whose units these are: the words that every unit of one task shares."""

    workload: str
    variant: str
    task: str


class Unit(BaseModel):
    """One billable unit of an engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    """Its name, as in its entry point."""
    workload: str
    """`package/workload`, as its entry point names it."""
    variant: str
    """Which implementation pattern of the workload ran."""
    task: str
    """The piece of work that the user's business counts; every run that descends from it belongs to it."""
    run: str
    """The engine's run id."""
    kind: str
    """The vendor's own name for what is billed, such as `schedule_activity`."""
    cause: str
    """What in the agent made it: an activity type, a step, a signal. Low cardinality."""
    step: str
    """The agent-level step, where the workload names it ("message 2 / model 1"); else empty."""
    attempt: int = Field(ge=1)
    """Which attempt of its activity or step this unit belongs to; 1 is the first."""
    quantity: Decimal = Field(gt=0)
    """In units. Usually 1; fractional where a rule says so."""
    reading: Reading
    rule: str
    """Id of the rule in the engine's rulebook."""
    time: AwareDatetime
    """The server's own time of the evidence."""
    source: str
    """The source of the count: `history`, `describe`, `trace`, `replies`, ..."""
    evidence: str
    """Where to look it up: an event id, a span or step id, a call."""


class Gap(BaseModel):
    """Something that a source could not see or did not understand. Never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    task: str
    run: str
    what: str
    """In words, with what to do about it where something can be done."""
    evidence: str = ""


def total(units: Iterable[Unit], *, upper: bool = False) -> Decimal:
    """Sum of quantities, in units: the documented reading, or with `upper` both readings together."""
    return sum((u.quantity for u in units if upper or u.reading == "documented"), Decimal(0))
