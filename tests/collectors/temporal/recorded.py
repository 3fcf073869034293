"""The stored histories, and counting one."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from durameter_collectors.temporal.history import HistoryCount, count_history
from durameter_collectors.units import TaskLabel

LABEL = TaskLabel("tests/histories", "default", "task 1")


@dataclass(frozen=True)
class Recorded:
    """A run as a real server recorded it (`make_histories.py`)."""

    workflow: str
    run: str
    events: tuple[HistoryEvent, ...] = field(repr=False)

    def count(self, events: Iterable[HistoryEvent] | None = None) -> HistoryCount:
        """Count it, or other events in its place."""
        taken = self.events if events is None else events
        return count_history(taken, workflow=self.workflow, run=self.run, label=LABEL)


def load(name: str) -> Recorded:
    record = json.loads(Path(__file__).with_name("histories").joinpath(f"{name}.json").read_text())
    history = WorkflowHistory.from_json(record["workflow"], record["history"])
    return Recorded(record["workflow"], record["run"], tuple(history.events))
