"""Runs out of files, joined into tasks: a root workflow with everything that descends from it.

By what the histories themselves say: parent and root of a child, the runs of a chain (continued as new, retried, by
cron, reset), and what a Nexus handler started. A workflow that was merely signalled is a task of its own.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from durameter_collectors.temporal.filed import FiledRun, FiledRuns
from durameter_collectors.units import Gap

__all__ = ["FiledTask", "tasks_of"]


@dataclass(frozen=True)
class FiledTask:
    """One task: a root run and all that belongs to it, as far as it was among the files."""

    root: FiledRun
    runs: tuple[FiledRun, ...]
    """All of them in order of their start, the root first."""
    gaps: tuple[Gap, ...]
    """What is missing of it, and what was damaged."""
    end: str
    """How its root workflow ended, in the last run of its chain (`COMPLETED`, ...); empty where that is not known: it
    still ran, its record was cut off, or it went on in a run that is not among the files."""


def tasks_of(found: FiledRuns) -> list[FiledTask]:
    """Every task, in order of its start.

    Each run is in one task. Where a part of a task is not among the files, a gap says so: a run that a history leads
    to, the parent of a child (which then is a task of its own, unless the workflow at the top of its tree is there), a
    run without its end.
    """
    runs = found.by_key
    groups = _Groups()
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
    members: dict[str, list[FiledRun]] = defaultdict(list)
    for key, run in runs.items():
        members[groups.of(key)].append(run)
    return sorted(
        (_task(each, found) for each in members.values()), key=lambda task: (task.root.started, task.root.key)
    )


class _Groups:
    """Names that belong together (a union-find with path halving)."""

    def __init__(self) -> None:
        self._over: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name that stands for its group."""
        while (over := self._over.setdefault(name, name)) != name:
            self._over[name] = self._over[over]
            name = self._over[name]
        return name

    def join(self, one: str, other: str) -> None:
        self._over[self.of(one)] = self.of(other)


def _task(members: list[FiledRun], found: FiledRuns) -> FiledTask:
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
    return FiledTask(root, (root, *(run for run in order if run is not root)), tuple(_once(gaps)), _end(root, runs))


def _missing(run: FiledRun, root: FiledRun, runs: Mapping[str, FiledRun]) -> list[Gap]:
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


def _end(root: FiledRun, runs: Mapping[str, FiledRun]) -> str:
    chain = [run for run in runs.values() if (run.workflow, run.chain) == (root.workflow, root.chain)] or [root]
    last = max(chain, key=lambda run: (run.ended, run.key))
    next_runs = (link for link in last.count.links if link.workflow == last.workflow and link.run not in last.came_from)
    return "" if any(link.run not in runs for link in next_runs) else last.end


def _gap(run: FiledRun, what: str, evidence: str = "") -> Gap:
    return Gap(engine="temporal", task="", run=run.run, what=what, evidence=evidence)


def _once(gaps: list[Gap]) -> list[Gap]:
    """A missing run may be named by several: it is missing once."""
    return list({(gap.what, gap.evidence, gap.run if gap.evidence else ""): gap for gap in gaps}.values())
