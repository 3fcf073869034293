"""One measurement on a reached Temporal server: count tasks, then compare the sources."""

import asyncio
import contextlib
import gzip
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from durameter.engines.base import Session, TaskCount
from durameter.engines.tap import first_end
from durameter.engines.temporal.proof import Evidence, prove
from durameter.engines.temporal.tap import RunningTap
from durameter.processes.server import GuardedProcess
from durameter.results.model import ServerInfo
from durameter.results.reconcile import Reconciliation
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.links import SCHEDULED_BY, RunLink
from durameter_collectors.temporal.merge_sources import history_units, is_of, only_on_wire, units_on_wire
from durameter_collectors.temporal.meter import Meter, MeterError
from durameter_collectors.temporal.runs import CountedRun, count_runs, quoted
from durameter_collectors.temporal.server_traffic import batch_operations, server_traffic
from durameter_collectors.temporal.storage import measures_of
from durameter_collectors.temporal.wire.rows import WireAction, WireProblem
from durameter_collectors.units import Elsewhere, Gap, TaskLabel, Unit, nowhere

__all__ = ["TemporalSession"]

_END_SECONDS = 5.0
"""How long workflows of a task that is said to be done are waited for."""
_LOOK_SECONDS = 0.25
_SYSTEM_TRIES = 5
_STARTS = frozenset({"start", "update_with_start", "signal_with_start"})
"""Rules of calls whose answer names the run that they started."""


class TemporalSession(Session):
    """What a Temporal implementation gets: a client in a namespace of this measurement's own."""

    def __init__(
        self,
        client: Client,
        reader: Client,
        info: ServerInfo,
        *,
        tap: RunningTap | None,
        meter: Meter | None,
        own_namespace: bool,
        processes: Sequence[GuardedProcess] = (),
        ends_work: bool = True,
    ) -> None:
        self.client = client
        """Connected to the namespace of this measurement, through the tap if there is one."""
        self.task_queue = "durameter"
        self.info = info
        self.address = tap.address if tap else info.address
        """Where workers and clients in other programs should connect: the tap's `host:port`."""
        self._reader = reader
        self._tap = tap
        self._meter = meter
        self._before: dict[str, Decimal] = {}
        self._meter_problem = "" if meter else "no metrics page is configured (DURAMETER_TEMPORAL_METRICS_URL)"
        self._own_namespace = own_namespace
        self._ends_work = ends_work
        """Whether workflows that still run when their task is counted are waited for, and terminated then."""
        self._processes = processes
        self._begun = datetime.now(UTC)
        self._runs: dict[str, CountedRun] = {}
        """Every run that belongs to a task, also one without a unit of its own, such as an empty child."""
        self._history: list[Unit] = []
        self._lost: list[WireAction] = []
        self._taken: set[int] = set()
        """Places of the actions that belong to a task, in the list of all that the tap saw here."""
        self._by_owner: dict[str, list[int]] = defaultdict(list)
        self._indexed = 0
        self._task_of: dict[str, str] = {}
        """Root → the task that named it first."""

    async def begin(self) -> None:
        """Read the meter before anything is measured. In a namespace that was made for this it has nothing yet."""
        if self._meter and not self._own_namespace:
            try:
                self._before = await self._meter.read(self.client.namespace)
            except MeterError as error:
                self._meter_problem = str(error)

    async def abandon(self, roots: Sequence[str]) -> None:
        """Terminate the workflows, children included by their parent-close policy; free of charge."""
        for workflow in roots:
            try:
                await self._reader.get_workflow_handle(workflow).terminate("abandoned by durameter: out of time")
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:  # it has ended, or never started
                    raise

    async def count(self, roots: Sequence[str], label: TaskLabel, *, elsewhere: Elsewhere = nowhere) -> TaskCount:
        """Histories of all runs that descend from these roots, once they have ended, and what the tap saw of them.

        What still runs after some seconds is a gap, and is terminated: all sources would agree on too little. A session
        that does not end what others began waits for nothing, and terminates nothing.

        Args:
            roots: ids of workflows, schedules and standalone activities that the driver made.
            label: whose units these are.
            elsewhere: whether the driver of another task has named this: a signal does not make it this task's then.
        """

        def foreign(name: str) -> bool:
            return name not in roots and (name in self._runs or elsewhere(name))

        await self._settle()
        links = await self._workflows_of(roots)
        deadline = time.monotonic() + (_END_SECONDS if self._ends_work else 0)
        while True:
            runs, gaps = await count_runs(self._reader, links, label=label, elsewhere=foreign)
            going = [run for run in runs if run.running]
            if not going or time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        # A run that cannot be read is in no sum: then there is none, for a part would pass for the whole.
        unread = {gap.run for gap in gaps} - {run.link.run for run in runs}
        what = "still runs" + (" though its task is said to be done" if self._ends_work else "")
        what += ": what it would do from here on is in no count"
        for run in going:
            found = f"workflow {run.link.workflow} {what}"
            gaps.append(Gap(engine="temporal", task=label.task, run=run.link.run, what=found))
            if self._ends_work and not run.helper:  # which may be at work for others
                await self.abandon([run.link.workflow])
        await self._settle()
        # Another task may have taken a helper meanwhile. No await from here on until it is taken.
        runs = [run for run in runs if not (run.helper and (foreign(run.link.run) or foreign(run.link.workflow)))]
        self._runs |= {run.link.run: run for run in runs}
        for root in roots:
            if self._task_of.setdefault(root, label.task) != label.task or elsewhere(root):
                what = f"{root} is a root of another task too: whose its calls are, nobody can say. Use ids of its own"
                gaps.append(Gap(engine="temporal", task=label.task, run="", what=what))
        calls = self._take(runs, roots)
        units = self._units_of(runs, calls, label)
        if self._tap is None:
            what = (
                "an activity was given up while no worker had it: its retries, if any, are in no record but the meter"
            )
            gaps += [
                Gap(engine="temporal", task=label.task, run=run.link.run, what=what, evidence=evidence)
                for run in runs
                for evidence in run.given_up.values()
            ]
        return TaskCount(
            units=units,
            gaps=gaps,
            runs=[run.link.run for run in runs],
            records=_records(runs, calls),
            measures={} if unread else measures_of(runs),
        )

    def _take(self, runs: Sequence[CountedRun], roots: Sequence[str]) -> list[WireAction]:
        """What the tap saw of this task and no other task has."""
        seen = self._seen()
        owners = {*roots, *(run.link.workflow for run in runs)}
        places = {place for owner in owners for place in self._by_owner[owner]} - self._taken
        mine = sorted(place for place in places if is_of(seen[place], runs, roots))
        self._taken.update(mine)
        return [seen[place] for place in mine]

    def _units_of(self, runs: Sequence[CountedRun], calls: Sequence[WireAction], label: TaskLabel) -> list[Unit]:
        """The task's units; notes what they were made from, for the proof."""
        ours = history_units(runs, calls)
        never, lost = only_on_wire(runs, calls)
        activities = {(run.link.run, name): activity for run in runs for name, activity in run.count.activities.items()}
        self._history += ours
        self._lost += lost
        return ours + units_on_wire(never + lost, label, activities)

    async def _workflows_of(self, roots: Sequence[str]) -> list[RunLink]:
        """Where to begin to read: a schedule's workflows for a schedule, nothing for a standalone activity."""
        seen = self._seen()
        links: list[RunLink] = []
        for root in roots:
            subjects = {seen[place].subject for place in self._by_owner[root]}
            if "schedule" in subjects:
                fired = self._reader.list_workflows(f"{SCHEDULED_BY} = {quoted(root)}")
                links += [RunLink(each.id, each.run_id) async for each in fired]
            if "workflow" in subjects or not subjects:
                links.append(RunLink(root, ""))
                links += [RunLink(root, run) for run in self._started(root)]
        return links

    def _started(self, workflow: str) -> list[str]:
        """Runs that clients started under this id and no other task has: an id may be used again."""
        seen = self._seen()
        actions = [seen[place] for place in self._by_owner[workflow] if place not in self._taken]
        return list(dict.fromkeys(action.run for action in actions if action.rule in _STARTS and action.run))

    def _seen(self) -> Sequence[WireAction]:
        return self._tap.log.actions(self.client.namespace) if self._tap else ()

    async def _settle(self) -> None:
        """Take in what the tap has seen until now."""
        if self._tap is None:
            return
        await self._tap.log.settle()
        seen = self._seen()
        for place in range(self._indexed, len(seen)):
            self._by_owner[seen[place].owner].append(place)
        self._indexed = len(seen)

    async def reconcile(self, units: Sequence[Unit]) -> tuple[Reconciliation, ...]:
        """Compare the sources with each other and with the ledger, per kind."""
        metered, traffic = await self._metered()
        await self._settle()
        seen = self._seen()
        said = self._tap.log.problems(self.client.namespace) if self._tap else []
        rest = [seen[place] for place in range(len(seen)) if place not in self._taken]
        return prove(
            Evidence(
                ledger=units,
                history=self._history,
                runs=self._runs,
                wire=seen if self._tap else None,
                taken=self._taken,
                lost=self._lost,
                wire_problems=[_told(each) for each in said if each.grave and not each.metered],
                wire_unknown=[_told(each) for each in said if each.metered],
                wire_notices=[_told(each) for each in said if not each.grave],
                meter=metered,
                meter_problem=self._meter_problem,
                system=traffic,
                batch=await batch_operations(self._reader, None if self._own_namespace else self._begun),
                unattributed=await self._unattributed()
                + _unattributed_calls(self._expected_in_tasks(rest), {r.link.workflow for r in self._runs.values()}),
            )
        )

    async def _metered(self) -> tuple[dict[str, Decimal], dict[str, dict[str, Decimal]]]:
        """What the meter counted since the beginning, and what of it system workflows did.

        These may still work: read both until the histories say the same before and after the meter.
        """
        if self._meter is None or self._meter_problem:
            return {}, {}
        since = None if self._own_namespace else self._begun
        traffic = await server_traffic(self._reader, since)
        for _ in range(_SYSTEM_TRIES):
            try:
                after = await self._meter.read_stable(self.client.namespace)
            except MeterError as error:
                self._meter_problem = str(error)
                return {}, {}
            before, traffic = traffic, await server_traffic(self._reader, since)
            if before == traffic:
                break
        metered = {kind: count - self._before.get(kind, Decimal(0)) for kind, count in after.items()}
        return {kind: count for kind, count in metered.items() if count}, traffic

    def _expected_in_tasks(self, actions: Sequence[WireAction]) -> Sequence[WireAction]:
        """Of the calls that no task has, those that should be in one: all."""
        return actions

    async def _unattributed(self) -> list[str]:
        """Workflows of this namespace that belong to no task, if the namespace is this measurement's own."""
        if not self._own_namespace:
            return []
        lines = [
            f"workflow {each.id} (run {each.run_id}) belongs to no task: its units are in no count "
            "(did its driver forget Measured.started?)"
            async for each in self._reader.list_workflows()
            if each.run_id not in self._runs
        ]
        seen = self._seen()
        started = {seen[place].run for place in self._taken if seen[place].rule == "standalone_start"}
        with contextlib.suppress(RPCError):  # a server that has no standalone activities
            lines += [
                f"standalone activity {each.activity_id} belongs to no task, or was started beside the tap: "
                "its units are in no count"
                async for each in self._reader.list_activities("")
                if each.activity_run_id not in started
            ]
        return lines

    async def died(self) -> str:
        """Waits for the server's process, if it is ours, and for the tap's."""
        return await first_end(self._processes, self._tap)


def _records(runs: Sequence[CountedRun], calls: Sequence[WireAction]) -> dict[str, bytes]:
    """Histories by run id, and the task's calls: what its count can be made from again."""
    records = {f"{run.link.run}.json.gz": run.record.to_json() for run in runs}
    if calls:
        records["wire.jsonl.gz"] = "".join(call.model_dump_json() + "\n" for call in calls)
    return {name: gzip.compress(text.encode(), mtime=0) for name, text in records.items()}


def _told(problem: WireProblem) -> str:
    call = f"call {problem.call}, {problem.method}: " if problem.call else ""
    return f"the tap: {call}{problem.what}"


def _unattributed_calls(actions: Sequence[WireAction], workflows: set[str]) -> list[str]:
    """Calls that no task's count has, one line per rule and owner."""
    lines: dict[tuple[str, str], list[int]] = defaultdict(list)
    rules = load_rulebook("temporal")
    for action in (each for each in actions if rules.rule(each.rule).quantity):
        lines[action.rule, action.owner].append(action.call)
    return [
        f"{rule} {len(calls)} times on {owner or 'an unknown workflow'} (call {calls[0]}"
        f"{' and later' if len(calls) > 1 else ''}) "
        + ("came after its task was counted" if owner in workflows else "belongs to no task")
        + ": in no task's count"
        for (rule, owner), calls in lines.items()
    ]
