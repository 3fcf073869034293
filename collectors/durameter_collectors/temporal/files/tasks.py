"""Runs whose histories are in files → units, and what each run says of the others: by that they make tasks."""

from array import array
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from temporalio.api.history.v1 import HistoryEvent

from durameter_collectors.temporal.files.read import HistoryPlace, ReadHistory
from durameter_collectors.temporal.history import HistoryCount, count_history
from durameter_collectors.temporal.integrity import ENDS, in_order, name_of
from durameter_collectors.temporal.links import RunLink, lineage_of
from durameter_collectors.union_find import Groups
from durameter_collectors.units import Gap, TaskLabel

__all__ = [
    "RunInFile",
    "RunsInFiles",
    "TaskInFiles",
    "tasks_of",
]

_PREFIX = "WORKFLOW_EXECUTION_"
_KINDS = 1000
"""More than there are event types: an event's number and type in one number."""


@dataclass(frozen=True)
class RunInFile:
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


class RunsInFiles:
    """All runs that were read so far, each once."""

    def __init__(self, *, workload: str, variant: str) -> None:
        """Begin with none.

        Args:
            workload: the name under which their units stand in a ledger.
            variant: and the variant. Tasks are not known yet; `tasks_of` makes them.
        """
        self._label = TaskLabel(workload, variant, "")
        self.by_key: dict[str, RunInFile] = {}
        self.again: dict[str, list[str]] = {}
        """Runs that were read more than once: key → the places that were not taken."""
        self.contradictions: list[tuple[str, str]] = []
        """Key of a run of which two files say different things, and the place that was not taken."""

    def take(self, filed: HistoryPlace) -> RunInFile | None:
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


def _counted(place: str, history: ReadHistory, label: TaskLabel) -> RunInFile:
    count = count_history(history.events, workflow=history.workflow, run=history.run, label=label)
    # Of an event type that the reader of JSON does not know, the count has a number only, and the file its name.
    named = {damage.evidence for damage in history.damages}
    count.gaps = [
        *(gap for gap in count.gaps if gap.evidence not in named),
        *(Gap(engine="temporal", task="", run=history.run, what=d.what, evidence=d.evidence) for d in history.damages),
    ]
    events, _ = in_order(history.events)
    first = history.events[0]
    lineage = lineage_of(first, events)
    times = [event.event_time.ToDatetime(tzinfo=UTC) for event in (events[:1] + events[-1:])]
    return RunInFile(
        place=place,
        key=history.run or _digest(history.events),
        workflow=history.workflow,
        run=history.run,
        type=first.workflow_execution_started_event_attributes.workflow_type.name,
        chain=lineage.chain or history.run,
        parent=lineage.parent,
        root=lineage.root,
        came_from=lineage.came_from,
        count=count,
        end=next((name_of(event).removeprefix(_PREFIX) for event in reversed(events) if name_of(event) in ENDS), ""),
        started=times[0] if times else datetime.fromtimestamp(0, UTC),
        ended=times[-1] if times else datetime.fromtimestamp(0, UTC),
        events=array("q", (event.event_id * _KINDS + event.event_type for event in events)),
    )


def _digest(events: Sequence[HistoryEvent]) -> str:
    whole = sha256()
    for event in events:
        whole.update(event.SerializeToString(deterministic=True))
    return f"unnamed-{whole.hexdigest()[:16]}"


# Runs out of files, grouped into tasks: a root workflow with everything that descends from it.


@dataclass(frozen=True)
class TaskInFiles:
    """One task: a root run and all that belongs to it, as far as it was among the files."""

    root: RunInFile
    runs: tuple[RunInFile, ...]
    """All of them in order of their start, the root first."""
    gaps: tuple[Gap, ...]
    """What is missing of it, and what was damaged."""
    end: str
    """How its root workflow ended, in the last run of its chain (`COMPLETED`, ...); empty where that is not known: it
    still ran, its record was cut off, or it went on in a run that is not among the files."""


def tasks_of(found: RunsInFiles) -> list[TaskInFiles]:
    """Every task, in order of its start.

    Each run is in one task. Where a part of a task is not among the files, a gap says so: a run that a history leads
    to, the parent of a child (which then is a task of its own, unless the workflow at the top of its tree is there), a
    run without its end.
    """
    runs = found.by_key
    groups = Groups()
    of_chain: dict[str, str] = {}
    for key, run in runs.items():
        groups.join(key, of_chain.setdefault(run.chain or key, key))
    for key, run in runs.items():
        ancestors = (run.parent.run if run.parent else "", run.root, *run.came_from)
        for other in (*ancestors, *(link.run for link in run.count.links)):
            if other in runs:
                groups.join(key, other)
            elif other in of_chain:  # a later run of the one that is meant
                groups.join(key, of_chain[other])
    members: dict[Hashable, list[RunInFile]] = defaultdict(list)
    for key, run in runs.items():
        members[groups.of(key)].append(run)
    return sorted(
        (_task(each, found) for each in members.values()), key=lambda task: (task.root.started, task.root.key)
    )


def _task(members: list[RunInFile], found: RunsInFiles) -> TaskInFiles:
    runs = {run.key: run for run in members}
    led_to = {link.run for run in members for link in run.count.links if link.run not in run.came_from}
    roots = [
        run
        for run in members
        if run.key not in led_to and not (run.came_from & set(runs)) and not (run.parent and run.parent.run in runs)
    ]
    order = sorted(members, key=lambda run: (run.started, run.ended, run.key))
    # A child whose parent is missing may have begun before its own root, by the clocks of two machines.
    root = min(roots or order, key=lambda run: (run.parent is not None, run.started, run.ended, run.key))
    gaps: list[Gap] = []
    for run in order:
        gaps += run.count.gaps
        gaps += _missing(run, root, runs)
    gaps += [
        _gap(runs[key], f"two records of this run say different things: the one in {place} is not counted")
        for key, place in found.contradictions
        if key in runs
    ]
    return TaskInFiles(root, (root, *(run for run in order if run is not root)), tuple(_once(gaps)), _end(root, runs))


def _missing(run: RunInFile, root: RunInFile, runs: Mapping[str, RunInFile]) -> list[Gap]:
    """What this run says that there is, and that is not among the files."""
    gaps = []
    if not run.end:
        gaps.append(_gap(run, f"{run.name} has no end: it still ran, or its record was cut off. A count so far"))
    if not run.run and not run.workflow:
        gaps.append(_gap(run, f"the history in {run.place} does not say which run it is of: it is a task of its own"))
    for link in run.count.links:
        if link.run not in runs:
            where = f" (namespace {link.namespace})" if link.namespace else ""
            what = f"the history of workflow {link.workflow}, run {link.run}{where}, is not among the files: its units"
            gaps.append(_gap(run, f"{what} are missing here"))
    if run.parent is not None and run.parent.run not in runs:
        what = f"its parent, workflow {run.parent.workflow}, run {run.parent.run}, is not among the files: "
        own = "it is a task of its own, without its start" if run is root else "its units are missing here"
        gaps.append(_gap(run, f"workflow {run.workflow} is a child; {what}{own}"))
    if run.end:
        gaps += [
            _gap(
                run,
                "an activity was given up while no worker had it: its retries, if any, are in no record but the meter",
                evidence,
            )
            for evidence in run.count.unstarted.values()
        ]
    return gaps


def _end(root: RunInFile, runs: Mapping[str, RunInFile]) -> str:
    chain = [run for run in runs.values() if (run.workflow, run.chain) == (root.workflow, root.chain)] or [root]
    last = max(chain, key=lambda run: (run.ended, run.key))
    next_runs = (link for link in last.count.links if link.workflow == last.workflow and link.run not in last.came_from)
    return "" if any(link.run not in runs for link in next_runs) else last.end


def _gap(run: RunInFile, what: str, evidence: str = "") -> Gap:
    return Gap(engine="temporal", task="", run=run.run, what=what, evidence=evidence)


def _once(gaps: list[Gap]) -> list[Gap]:
    """A missing run may be named by several: it is missing once."""
    return list({(gap.what, gap.evidence, gap.run if gap.evidence else ""): gap for gap in gaps}.values())
