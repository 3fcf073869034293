"""Rows of the wire as they come, put together run by run."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from durameter_collectors.inngest.wire.record import (
    WireCheckpoint,
    WireEvents,
    WireFunction,
    WireProblem,
    WireRequest,
    WireRow,
    WireSync,
    WireUnreached,
)
from durameter_collectors.inngest.wire.runs import RunOnWire, runs_on_wire, sent_by_steps

__all__ = ["WireIndex"]


class WireIndex:
    """Everything that passed a tap until now; runs are put together anew only when rows of theirs came."""

    def __init__(self) -> None:
        self.runs: dict[str, RunOnWire] = {}
        """By run id."""
        self.sent: dict[str, Mapping[str, Sequence[str]]] = {}
        """Run id → step id → ids of the events that it sent; every run that passed is named."""
        self.events: list[WireEvents] = []
        """Events that clients and apps sent, in order."""
        self.functions: dict[str, WireFunction] = {}
        """Functions as they were registered last, by id."""
        self.registered: dict[str, datetime] = {}
        """When each function was registered for the first time, by id."""
        self.problems: list[WireProblem] = []
        """What could not be read and belongs to no run that is known."""
        self.unreached: list[WireUnreached] = []
        """Connections that came to nothing."""
        self._rows: dict[str, list[WireRequest | WireCheckpoint | WireProblem]] = defaultdict(list)
        self._taken = 0

    def take(self, rows: Sequence[WireRow]) -> None:
        """Take in what is new.

        Args:
            rows: all rows so far, in order; a longer version of what was given before.
        """
        changed: set[str] = set()
        for row in rows[self._taken :]:
            if isinstance(row, WireRequest | WireCheckpoint | WireProblem) and row.run:
                self._rows[row.run].append(row)
                changed.add(row.run)
            elif isinstance(row, WireEvents):
                self.events.append(row)
            elif isinstance(row, WireSync):
                self.functions |= {function.id: function for function in row.functions}
                self.registered = {function.id: row.time for function in row.functions} | self.registered
            elif isinstance(row, WireUnreached):
                self.unreached.append(row)
            elif isinstance(row, WireProblem):
                self.problems.append(row)
        self._taken = len(rows)
        for run in changed:
            self.runs |= runs_on_wire(self._rows[run])
        self.sent |= sent_by_steps({run: self.runs[run] for run in changed if run in self.runs})

    def rows_of(self, run: str) -> Sequence[WireRequest | WireCheckpoint | WireProblem]:
        """What passed for a run, in order."""
        return self._rows.get(run, ())

    def run_until(self, run: str, moment: datetime) -> RunOnWire:
        """A run as it was at a moment: what was asked later is not there, what was answered later is unanswered."""
        rows = [_as_of(row, moment) for row in self.rows_of(run)]
        return runs_on_wire(row for row in rows if row is not None).get(run, RunOnWire())


def _as_of(
    row: WireRequest | WireCheckpoint | WireProblem, moment: datetime
) -> WireRequest | WireCheckpoint | WireProblem | None:
    if isinstance(row, WireProblem) or row.time <= moment:
        return row
    if isinstance(row, WireRequest) and row.asked <= moment:
        return row.model_copy(update={"status": 0, "operations": ()})
    return None
