"""What a task's runs take of storage, from the server's own descriptions: bytes, events, and how long each was open.

Describing is free (0 Actions), and counting describes every run anyway: nothing here asks the server for more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from temporalio.client import WorkflowExecutionDescription

__all__ = ["RunStorage", "measures_of", "storage_of"]


@dataclass(frozen=True, slots=True)
class RunStorage:
    """One closed run, as `describe` has it (`WorkflowExecutionInfo`)."""

    history_bytes: int
    """`history_size_bytes`; on a server that does not tell it, 0, which no history has."""
    history_events: int
    """`history_length`."""
    external_bytes: int
    """`external_payload_size_bytes`: payloads that the user's own storage holds, no part of the history. A server that
    does not tell it cannot be told apart from a run without any: both are 0."""
    started: datetime
    closed: datetime

    @property
    def open_seconds(self) -> Decimal:
        """From its start to its end, to the microsecond."""
        return Decimal((self.closed - self.started) // timedelta(microseconds=1)) / 1_000_000


class HasStorage(Protocol):
    """A counted run."""

    @property
    def storage(self) -> RunStorage | None:
        """None while it goes on."""


def storage_of(description: WorkflowExecutionDescription) -> RunStorage | None:
    """What a description says of a run's storage; None for one that has not closed, whose history still grows."""
    info = description.raw_description.workflow_execution_info
    if not info.HasField("close_time"):
        return None
    return RunStorage(
        history_bytes=info.history_size_bytes,
        history_events=info.history_length,
        external_bytes=info.external_payload_size_bytes,
        started=info.start_time.ToDatetime(tzinfo=UTC),
        closed=info.close_time.ToDatetime(tzinfo=UTC),
    )


def measures_of(runs: Sequence[HasStorage]) -> dict[str, Decimal]:
    """Storage of all runs of a task: bytes, events, seconds. Empty where that is not known of every run.

    A part of a task would pass for the whole, so there is none then: also for a task without any run (a standalone
    activity has no history, and what it stores no record tells).

    Returns:
        `history_bytes` and `open_seconds`: sums over the runs; so is `external_payload_bytes`, which is there only if
        there are any. `active_byte_seconds`: sum of each run's bytes times its open seconds; an upper bound, since a
        history has its whole size only at the end. `history_bytes_longest`, `history_events_longest`: of the run that
        has most.
    """
    stored = [run.storage for run in runs]
    known = [each for each in stored if each is not None and each.history_bytes]
    if not known or len(known) < len(stored):
        return {}
    external = sum(each.external_bytes for each in known)
    found = {
        "history_bytes": Decimal(sum(each.history_bytes for each in known)),
        "history_bytes_longest": Decimal(max(each.history_bytes for each in known)),
        "history_events_longest": Decimal(max(each.history_events for each in known)),
        "open_seconds": sum((each.open_seconds for each in known), Decimal(0)),
        "active_byte_seconds": sum((each.history_bytes * each.open_seconds for each in known), Decimal(0)),
    }
    return found | ({"external_payload_bytes": Decimal(external)} if external else {})
