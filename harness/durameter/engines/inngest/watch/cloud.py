"""Watching on an Inngest server that gives its runs by the REST API alone: Inngest Cloud. No tap can be before it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
from ulid import ULID

from durameter.engines.base import Progress, Session, TaskCount
from durameter.engines.discovery import Found, Watched, WatchOptions
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.past_runs import RestPast, Window, one_source, records_of
from durameter.engines.inngest.root_tasks import parentless, tasks_of
from durameter.engines.inngest.watch.options import UNSEEN_WITHOUT_TAP, check_fits, value_at, variables
from durameter.engines.task_key import safe_id
from durameter.errors import EngineMissingError, UsageError
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import ENDED, InngestApiError, Run
from durameter_collectors.inngest.descendants import RunGraph
from durameter_collectors.units import Elsewhere, TaskLabel, Unit, nowhere

__all__ = ["WatchedRecords"]

_CLOUD = "inngest.com"
"""The domain of Inngest Cloud, to which the SDKs go by themselves."""
_LOOK_SECONDS = 1.0
_TASKS_SECONDS = 5.0
"""How often tasks are looked for while the command runs: each look reads every run."""
_STILL_SECONDS = 60.0
"""How long open runs may show nothing new before they are given up."""
_AHEAD = timedelta(days=1)
"""A window without an end ends so long after now: the server's clock may be another."""
_REST = timedelta(seconds=2)
_EVERYBODY = (
    "which of the runs are the command's: all that were queued on that server since it began are counted. "
    "--query APP counts those of one app"
)
_EVENTS = "events that were sent: they have a price of their own"


class RecordsSession(Session):
    """Counts from a server's records."""

    def __init__(self, past: RestPast) -> None:
        self.info = past.info
        self._past = past

    async def abandon(self, roots: Sequence[str]) -> None:
        """Runs on somebody else's server are left alone."""

    async def count(self, roots: Sequence[str], label: TaskLabel, *, elsewhere: Elsewhere = nowhere) -> TaskCount:
        """Count what these events started; without an event there is nothing that could be counted."""
        del elsewhere  # what several tasks led to is the first one's
        if not roots:
            return TaskCount(counted=False)
        counted = await self._past.count(roots, label)
        return TaskCount(
            units=[unit for run in counted.runs for unit in run.count.units],
            gaps=list(counted.gaps),
            runs=[run.record.id for run in counted.runs],
            records=records_of(counted),
        )

    async def reconcile(self, units: Sequence[Unit]) -> tuple[Reconciliation, ...]:
        """There is one source."""
        del units
        return (one_source(),)


class WatchedRecords(Watched):
    """A server's runs of a window, or of the time while a command ran."""

    def __init__(
        self, past: RestPast, options: WatchOptions, progress: Progress, inngest: InngestConfig, begun: datetime
    ) -> None:
        """Take `begun`, the server's time before the command starts."""
        self.session = RecordsSession(past)
        self._past = past
        self._options = options
        self._progress = progress
        self._begun = options.since or begun
        self._over: datetime | None = None
        """The server's time when the command had ended: what others start after it is not the command's."""
        self._settled = False
        self._last: tuple[float, Sequence[Found]] = (0.0, ())
        self.hidden = ("INNGEST_DEV",)
        if options.command:
            found = variables(past.info.address, inngest, keyed=True)
            own = (httpx.URL(past.info.address).host or "").endswith(_CLOUD)
            # The cloud takes events at another host than its API's.
            self.environment = {name: value for name, value in found.items() if not own or name.endswith("_KEY")}
            self.notes = (
                f"{past.info.address} has the REST API alone: no tap is before it, its records are what is counted",
            )
        else:
            self.environment = {}

    @property
    def unseen(self) -> tuple[str, ...]:  # type: ignore[override]  # as in the other watches
        """What the records cannot show."""
        everybody = (_EVERYBODY,) if self._options.command and not self._options.query else ()
        return (*UNSEEN_WITHOUT_TAP, *self._past.unseen, _EVENTS, *everybody)

    async def begin(self) -> None:
        """Nothing has to be looked for: the server knows its apps."""

    async def settle(self) -> None:
        """Wait until the runs that began meanwhile have ended and none has come for a while."""
        try:
            if self._options.command:
                self._over = await self._past.now()
                await self._until_still(self._over)
        except InngestApiError as error:
            raise _silent(self.session.info.address, error) from error
        self._settled = True

    async def tasks(self) -> Sequence[Found]:
        """Root runs, grouped by the task key."""
        clock = asyncio.get_running_loop()
        if not self._settled and clock.time() - self._last[0] < _TASKS_SECONDS:
            return self._last[1]
        try:
            graph = await self._past.graph(self._window(), self._progress)
            found = await self._found(graph)
        except InngestApiError as error:
            if not self._settled:
                return self._last[1]
            raise _silent(self.session.info.address, error) from error
        self._last = (clock.time(), found)
        if self._settled and not found:
            raise UsageError(self._nothing())
        return found

    def _window(self) -> Window:
        return Window(self._begun, self._options.until or datetime.now(UTC) + _AHEAD)

    async def _until_still(self, over: datetime) -> None:
        """Until the command's runs and what they led to have ended; others may go on for ever there (a cron)."""
        clock = asyncio.get_running_loop()
        before: dict[str, str] = {}
        known, changed, told = set[str](), clock.time(), False
        while True:
            runs = await self._past.inside(self._window())
            known |= {run.id for run in runs if not _after(run, over)}
            now = {run.id: run.status for run in runs if run.id in known}
            if now != before:
                before, changed = now, clock.time()
            going = sum(status not in ENDED for status in now.values())
            quiet = clock.time() - changed
            if quiet >= (_STILL_SECONDS if going else self._options.idle_seconds):
                if len(now) == len(runs):
                    return
                later = self._mine(await self._past.graph(self._window(), self._progress)).runs.keys() - known
                if not later:
                    return
                known |= later
                changed = clock.time()
            if going and quiet > self._options.idle_seconds and not told:
                self._progress(f"{going} runs have not ended: waiting, until nothing changes for {_STILL_SECONDS:g} s")
                told = True
            await asyncio.sleep(min(_LOOK_SECONDS, self._options.idle_seconds))

    async def _found(self, graph: RunGraph) -> list[Found]:
        mine = self._mine(graph)
        self._past.narrow(mine)
        found = tasks_of(mine, self._keyed(mine), {}, rest=timedelta(0) if self._settled else _REST)
        if not self._settled:
            return found
        roots = [run.id for run in mine.roots()]
        cut = {child: parent for child in roots for parent in mine.parents(child) if parent in graph.runs}
        rest = mine.only(set(roots) - cut.keys())
        whole: list[Found] = []
        for task in found:
            gaps = [*await parentless(rest, task, self._past.has_origin), *_cut_off(cut, graph, task)]
            whole.append(replace(task, gaps=(*task.gaps, *gaps)))
        return whole + [_unread(problem.what) for problem in graph.problems]

    def _mine(self, graph: RunGraph) -> RunGraph:
        """What `--query` names, as far up as it does, and all that descends from it; else all of the command's time."""
        over = self._over
        tops = {run.id: run for run in graph.roots()}
        if self._options.query:
            tops = {run.id: run for run in graph.runs.values() if self._named(run)}
            below = [graph.runs[child] for run_id in tops for child in graph.children(run_id) if child in graph.runs]
            for run_id in graph.descendants(below):
                tops.pop(run_id, None)
        if over is not None:
            tops = {run_id: run for run_id, run in tops.items() if not _after(run, over)}
        events = {event for run in tops.values() for event in run.trigger_ids}
        beside = [run for run in graph.runs.values() if events & {*run.trigger_ids}]  # a task is all that one starts
        return graph.only(graph.descendants([*tops.values(), *beside]))

    def _named(self, run: Run) -> bool:
        return self._options.query in {"", run.function.slug, self._past.app_of(run)}

    def _keyed(self, graph: RunGraph) -> Mapping[str, str]:
        key = self._options.key
        if key is None:
            return {}
        roots = {event for run in graph.roots() for event in run.trigger_ids}
        events = {event: payload for event, payload in self._past.payloads().items() if event in roots}
        values = {event: value_at(payload, key.value) for event, payload in events.items()}
        groups = {event: value for event, value in values.items() if value is not None}
        if self._settled:
            check_fits(key, events, groups)
        return groups

    def _nothing(self) -> str:
        address, only = self.session.info.address, f" of {self._options.query}" if self._options.query else ""
        until = f" until {self._options.until:%Y-%m-%d %H:%M:%S %Z}" if self._options.until else ""
        none = (
            f"The Inngest server at {address} has no run{only} that was queued since {self._begun:%Y-%m-%d %H:%M:%S %Z}"
        )
        if not self._options.command:
            return f"{none}{until}. Choose an earlier --since, or another --attach."
        return (
            f"{none}, when the command began. Is its app synced with that server, at a URL that the server can reach? "
            "Are INNGEST_EVENT_KEY and INNGEST_SIGNING_KEY of the same environment? And does the command send an event "
            "to which one of the app's functions listens?"
        )


def _after(run: Run, moment: datetime) -> bool:
    """Whether a run and the events that started it came after a moment."""
    if run.queued_at is None or run.queued_at <= moment:
        return False
    return not any(made <= moment for event in run.trigger_ids if (made := _time_of(event)) is not None)


def _time_of(event: str) -> datetime | None:
    """When the server gave an event its id; None for an id of another form, which its sender made."""
    try:
        return ULID.from_str(event).datetime
    except ValueError:
        return None


def _cut_off(cut: Mapping[str, str], graph: RunGraph, task: Found) -> list[str]:
    """Say which roots of a task are none: `--query` does not match what led to them."""
    return [
        f"run {child} of {graph.runs[child].function.slug} was led to by run {parent} of "
        f"{graph.runs[parent].function.slug}, which --query does not match: it is a task of its own here"
        for child, parent in cut.items()
        if {*graph.runs[child].trigger_ids} & {*task.roots}
    ]


def _unread(problem: str) -> Found:
    """A row for what could not be read: no task can be named, and some may be missing."""
    now = datetime.now(UTC)
    return Found(
        id=safe_id(problem),
        type="unknown",
        roots=(),
        shape={},
        state="failed",
        error=problem,
        started=now,
        ended=now,
        gaps=(problem,),
    )


def _silent(address: str, error: InngestApiError) -> EngineMissingError:
    return EngineMissingError(f"The Inngest server at {address} does not tell what it ran: {error}. Measure again.")
