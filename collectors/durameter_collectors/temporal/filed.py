"""Runs whose histories lie in files → units, and what each run says of the others: what tasks are joined by."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from temporalio.api.history.v1 import HistoryEvent

from durameter_collectors.temporal.events import ENDS, in_order, name_of
from durameter_collectors.temporal.files import Filed, ReadHistory
from durameter_collectors.temporal.history import HistoryCount, RunLink, count_history
from durameter_collectors.units import Gap, TaskLabel

__all__ = ["FiledRun", "FiledRuns"]

_PREFIX = "WORKFLOW_EXECUTION_"
_KINDS = 1000
"""More than there are event types: an event's number and type in one number."""


@dataclass(frozen=True)
class FiledRun:
    """One run, counted. Its history is not kept."""

    place: str
    """Where it was read."""
    key: str
    """Its run id; where the file does not say it, a name made from what it holds."""
    workflow: str
    """Workflow id; empty where the file does not say."""
    run: str
    """Run id; empty where the file does not say."""
    type: str
    """Workflow type."""
    chain: str
    """Id of the first run of its chain (continued as new, retried, by cron, reset)."""
    parent: RunLink | None
    """The run that started it as its child."""
    root: str
    """Run id of the workflow at the top of the tree; empty where the file does not say."""
    came_from: frozenset[str]
    """Ids of the runs that it continues, or that it is a reset of."""
    count: HistoryCount
    end: str
    """How it ended (`COMPLETED`, ...); empty for one that still ran, or whose record was cut off."""
    started: datetime
    ended: datetime
    """Times of its first and last event."""
    events: "array[int]" = field(repr=False)
    """Number and type of each of its events."""

    @property
    def name(self) -> str:
        """What to call it."""
        return f"workflow {self.workflow or '(no id)'}, run {self.run or '(no id)'}"


class FiledRuns:
    """All runs that were read so far, each once."""

    def __init__(self, *, workload: str, variant: str) -> None:
        """Begin with none.

        Args:
            workload: the name under which their units stand in a ledger.
            variant: and the variant. Tasks are not known yet; `joined.tasks_of` makes them.
        """
        self._label = TaskLabel(workload, variant, "")
        self.by_key: dict[str, FiledRun] = {}
        self.again: dict[str, list[str]] = {}
        """Runs that were read more than once: key → the places that were not taken."""
        self.contradictions: list[tuple[str, str]] = []
        """Key of a run of which two files say different things, and the place that was not taken."""

    def take(self, filed: Filed) -> FiledRun | None:
        """Count what was read at a place. None where there was no history.

        Of two records of one run, such as one made while it still ran and one made later, that with more events is
        taken.
        """
        if filed.history is None:
            return None
        run = _counted(filed.place, filed.history, self._label)
        known = self.by_key.setdefault(run.key, run)
        if known is run:
            return run
        less, more = sorted((known, run), key=lambda each: (len(each.events), -len(each.count.gaps), each is known))
        self.by_key[run.key] = more
        self.again.setdefault(run.key, []).append(less.place)
        if not set(less.events) <= set(more.events):
            self.contradictions.append((run.key, less.place))
        return more


def _counted(place: str, history: ReadHistory, label: TaskLabel) -> FiledRun:
    count = count_history(history.events, workflow=history.workflow, run=history.run, label=label)
    # Of an event type that the reader of JSON does not know, the count has a number only, and the file its name.
    named = {damage.evidence for damage in history.damages}
    count.gaps = [
        *(gap for gap in count.gaps if gap.evidence not in named),
        *(Gap(engine="temporal", task="", run=history.run, what=d.what, evidence=d.evidence) for d in history.damages),
    ]
    events, _ = in_order(history.events)
    first = history.events[0].workflow_execution_started_event_attributes
    parent = first.parent_workflow_execution
    came_from = {first.continued_execution_run_id, *_bases(events)} - {""}
    times = [event.event_time.ToDatetime(tzinfo=UTC) for event in (events[:1] + events[-1:])]
    return FiledRun(
        place=place,
        key=history.run or _digest(history.events),
        workflow=history.workflow,
        run=history.run,
        type=first.workflow_type.name,
        chain=first.first_execution_run_id or history.run,
        parent=RunLink(parent.workflow_id, parent.run_id) if parent.run_id else None,
        root=first.root_workflow_execution.run_id,
        came_from=frozenset(came_from),
        count=count,
        end=next((name_of(event).removeprefix(_PREFIX) for event in reversed(events) if name_of(event) in ENDS), ""),
        started=times[0] if times else datetime.fromtimestamp(0, UTC),
        ended=times[-1] if times else datetime.fromtimestamp(0, UTC),
        events=array("q", (event.event_id * _KINDS + event.event_type for event in events)),
    )


def _bases(events: Iterable[HistoryEvent]) -> list[str]:
    """Runs that a reset was made of: every reset of a chain is in the history of the last one."""
    return [event.workflow_task_failed_event_attributes.base_run_id for event in events]


def _digest(events: Sequence[HistoryEvent]) -> str:
    whole = sha256()
    for event in events:
        whole.update(event.SerializeToString(deterministic=True))
    return f"unnamed-{whole.hexdigest()[:16]}"
