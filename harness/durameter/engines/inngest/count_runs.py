"""Runs that an Inngest server has → tasks, units and what is missing of them, by its API."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx

from durameter.engines.base import Progress
from durameter.engines.counting import Counting, CountRequest
from durameter.engines.discovery import Found
from durameter.engines.inngest.past_runs import Past, Window, one_source, reached, records_of
from durameter.engines.inngest.root_tasks import parentless, tasks_of
from durameter.errors import EngineMissingError, UsageError
from durameter.results.answers import answered
from durameter.results.estimates import estimates
from durameter.results.folder import Result
from durameter.results.model import EngineResult, TaskResult, count_kinds
from durameter.results.writer import WORKLOAD, ResultWriter
from durameter.times import parse_moment
from durameter_collectors.inngest import trace
from durameter_collectors.inngest.api.graphql import InngestApiError
from durameter_collectors.inngest.descendants import RunGraph
from durameter_collectors.inngest.runs import TaskRuns
from durameter_collectors.rulebook import Rulebook, load_rulebook
from durameter_collectors.units import Gap, TaskLabel, Unit

__all__ = ["CountRuns", "window_of"]

_VARIANT = "runs"
_AT_ONCE = 16
_DAY = timedelta(days=1)
_LAST_PORT = 65535
_OTHER_BLIND_SPOTS = (
    "steps that were planned but never requested: traces list them as steps, and here they are counted",
    "step_retry: retries of planned steps that failed as errors of the function (Python: RetryAfterError)",
    "events that were sent: they have a price of their own",
)


def window_of(since: str | None, until: str | None, *, now: datetime) -> Window:
    """A window by what the user wrote, see `parse_moment`.

    Args:
        since: by default 24 hours before the end.
        until: by default now.
        now: the moment.

    Raises:
        UsageError: one is no time, or the window is empty.
    """
    end = parse_moment(until, "--until", now=now) if until else now
    begin = parse_moment(since, "--since", now=now) if since else end - _DAY
    if begin >= end:
        raise UsageError(f"--since {begin.isoformat()} is not before --until {end.isoformat()}: no run is between.")
    return Window(begin, end)


class CountRuns(Counting):
    """Counts the runs that a server has, by its API."""

    async def count_server(self, request: CountRequest, note: Progress) -> Result:
        """Count the runs of a window and write a result folder.

        Raises:
            UsageError: no such function, or no run of it in the window.
            EngineMissingError: nothing that speaks Inngest answers there.
            ResultError: the folder cannot be written.
        """
        window = window_of(request.since, request.until, now=datetime.now(UTC))
        return await _count(request, window, note)


async def _count(request: CountRequest, window: Window, note: Progress) -> Result:
    config, functions = request.config, request.functions
    rules = answered(load_rulebook("inngest"), config.answers)
    started = datetime.now(UTC)
    address = _address(request.server)
    async with reached(address, config) as past:
        try:
            await _check_functions(past, functions)
            graph = await past.graph(window, note)
        except InngestApiError as error:
            raise EngineMissingError(f"{error} Is it an Inngest server, and does it still run?") from error
        found, left_out = _chosen(graph, functions, window)
        writer = ResultWriter(
            request.folder(),
            door="count",
            workload=WORKLOAD,
            packages=request.packages,
            started=started,
            about={
                "server": address,
                "functions": list(functions),
                "since": window.since.isoformat(),
                "until": window.until.isoformat(),
            },
        )
        note(f"{len(found)} tasks of {len(graph.runs)} runs")
        turns = asyncio.Semaphore(_AT_ONCE)
        ledger: list[Unit] = []

        async def one(task: Found) -> tuple[TaskResult, int]:
            async with turns:
                label = TaskLabel(WORKLOAD, _VARIANT, task.id)
                counted = await past.count(task.roots, label)
            gaps = [_gap(task, what) for what in (*task.gaps, *await parentless(graph, task, past.has_origin))]
            units = rules.read(unit for run in counted.runs for unit in run.count.units)
            ledger.extend(units)
            writer.records("inngest", task.id, records_of(counted))
            return _result(task, counted, units, gaps, rules), len(counted.runs)

        results = await asyncio.gather(*(one(task) for task in found))
    tasks = [result for result, _ in results]
    problems = [_problem(each.what, number, started) for number, each in enumerate(graph.problems, 1)]
    ended = datetime.now(UTC)
    steps = sum(unit.kind.startswith("step.") for unit in ledger)
    engine = EngineResult(
        engine="inngest",
        unit=rules.unit,
        variant=_VARIANT,
        state="measured",
        server=past.info,
        rulebook=rules.version,
        answers=config.answers.get("inngest", {}),
        started=started,
        ended=ended,
        tasks=(*tasks, *problems),
        reconciliations=(one_source(),),
        unseen=(*trace.BLIND_SPOTS, *past.unseen, *_OTHER_BLIND_SPOTS),
        estimates=estimates(
            request.rates, {"task": len(tasks), "run": sum(runs for _, runs in results), "step": steps}
        ),
        failed_too=True,
    )
    order = {task.task: number for number, task in enumerate(tasks)}
    ledger.sort(key=lambda unit: (order[unit.task], unit.time))
    about = {
        "runs": sum(runs for _, runs in results),
        "tasks": len(tasks),
        "runs_of_other_tasks": left_out,
        "skipped_runs": graph.skipped,
    }
    writer.engine(engine)
    return writer.finish([engine], ledger, complete=True, ended=ended, task_count=len(tasks), about=about)


def _address(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    has_more = parsed.userinfo or parsed.query or parsed.fragment
    is_base = parsed.scheme in {"http", "https"} and parsed.host and (parsed.port or 80) <= _LAST_PORT
    if not is_base or has_more:
        raise UsageError(
            f"--inngest is the base URL of a server, without a password in it, such as http://127.0.0.1:8288, "
            f"and not {parsed.copy_with(userinfo=b'') if parsed.userinfo else url}."
        )
    return url.rstrip("/")


async def _check_functions(past: Past, asked: Sequence[str]) -> None:
    known = await past.slugs()
    for slug in asked:
        if known and slug not in known:
            raise UsageError(
                f"The server at {past.info.address} has no function {slug}. A slug is APP-FUNCTION. "
                f"It has: {', '.join(known)}."
            )


def _chosen(graph: RunGraph, functions: Sequence[str], window: Window) -> tuple[list[Found], int]:
    """Tasks that begin with one of the functions, and how many runs of these belong to other tasks.

    Raises:
        UsageError: there is none.
    """
    tasks = tasks_of(graph, {}, {})
    if not tasks:
        raise UsageError(f"The server has no run that was queued {window}. Look further with --since and --until.")
    if not functions:
        return tasks, 0
    roots = {run.id: run for run in graph.roots()}
    chosen = [task for task in tasks if set(_slugs(task)) & set(functions)]
    others = [r for r in graph.runs.values() if r.function.slug in functions and r.id not in roots]
    if not chosen:
        begins = ", ".join(sorted({slug for task in tasks for slug in _slugs(task)}))
        what = f"{len(others)} runs of it were led to by other functions" if others else "it did not run"
        raise UsageError(
            f"No task begins with {' or '.join(functions)} {window}: {what}. Tasks begin with: {begins}. "
            "Name one of these, or look further with --since and --until."
        )
    return chosen, len(others)


def _slugs(task: Found) -> list[str]:
    slugs = task.shape.get("functions")
    return [str(slug) for slug in slugs] if isinstance(slugs, list) else [task.type]


def _result(task: Found, counted: TaskRuns, units: Sequence[Unit], gaps: Sequence[Gap], rules: Rulebook) -> TaskResult:
    return TaskResult(
        task=task.id,
        type=task.type,
        state=task.state,
        error=task.error,
        shape=task.shape,
        roots=task.roots,
        runs=tuple(run.record.id for run in counted.runs),
        kinds=count_kinds(units, rules),
        gaps=(*counted.gaps, *gaps),
        started=task.started,
        ended=task.ended,
    )


def _gap(task: Found, what: str) -> Gap:
    return Gap(engine="inngest", task=task.id, run="", what=what)


def _problem(what: str, number: int, now: datetime) -> TaskResult:
    """A row for what could not be asked: no task can be named, and some may be missing or be two."""
    name = f"not-asked-{number}"
    gap = Gap(engine="inngest", task=name, run="", what=what)
    return TaskResult(task=name, state="failed", error=what, gaps=(gap,), counted=False, started=now, ended=now)
