"""Tasks on engines: drive every task, count it as it ends, keep what was found whatever happens."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import JsonValue

from durameter.config import Config
from durameter.engines.base import Engine, Session, TaskCount
from durameter.errors import EngineMissingError
from durameter.registry import answered_rulebook, engine_packages, load_engine
from durameter.results.folder import LOG, Result
from durameter.results.logs import logging_to
from durameter.results.model import EngineResult, Reached, TaskResult, TaskState, count_kinds
from durameter.results.writer import ResultWriter
from durameter.runner.until import Batches, Until
from durameter.workload import Driver, Implementation, Measured, RunContext, Task, TaskFailedError
from durameter_collectors.rulebook import Rulebook
from durameter_collectors.units import Gap, TaskLabel, Unit

if TYPE_CHECKING:
    from durameter.telemetry import Telemetry

__all__ = ["Observer", "Plan", "Subject", "measure"]

_log = logging.getLogger(__name__)

_NOTICE_SECONDS = 1.0
"""Before a task is said to have failed, or not to be countable: if the server has died, the task was interrupted."""


class Observer(Protocol):
    """Is told how the measurement goes; the command line shows it."""

    def note(self, line: str) -> None:
        """Something long has begun."""

    def begin(self, engine: str, variant: str, tasks: int) -> None:
        """Tasks of one engine start: all of them, or one batch after the other."""

    def task(self, engine: str, result: TaskResult) -> None:
        """A task has been counted."""

    def end(self, result: EngineResult) -> None:
        """An engine is done."""


@dataclass(frozen=True)
class Subject:
    """One engine with the implementation to run on it."""

    engine: Engine
    implementation: Implementation[Any]


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    workload: str
    options: dict[str, Any]
    """As recorded: validated, with defaults, without secrets."""
    tasks: Sequence[Task]
    subjects: Sequence[Subject]
    concurrency: int
    timeout: float
    """Seconds per task."""
    seed: int
    folder: Path
    until: Until | None = None
    """When to stop; `tasks` are then as many as its cap."""
    about: dict[str, JsonValue] = field(default_factory=dict)
    """As recorded, see `Measurement.about`."""


@dataclass
class _State:
    """What has been found so far."""

    writer: ResultWriter
    telemetry: "Telemetry"
    observer: Observer
    results: list[EngineResult] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    stopping: list[Reached] = field(default_factory=list)


async def measure(plan: Plan, config: Config, observer: Observer, telemetry: "Telemetry") -> Result:
    """Measure every subject, one after the other, and write the result folder.

    Args:
        plan: what to measure.
        config: where the servers are.
        observer: is told of the progress.
        telemetry: where units are exported to, besides.

    Returns:
        The finished result. When cancelled (Ctrl-C) the folder is completed with state `incomplete` first.

    Raises:
        ResultError: the folder cannot be written.
    """
    writer = ResultWriter(
        plan.folder,
        door="run",
        workload=plan.workload,
        about=plan.about,
        seed=plan.seed,
        task_count=len(plan.tasks),
        stopping=plan.until.record() if plan.until else None,
        concurrency=plan.concurrency,
        timeout_seconds=plan.timeout,
        options=plan.options,
        packages=engine_packages(),
    )
    state = _State(writer, telemetry, observer)
    done = False
    try:
        with logging_to(plan.folder / LOG):
            for subject in plan.subjects:
                await _measure_engine(plan, subject, config, state)
        done = True
    finally:
        await asyncio.to_thread(telemetry.close)
        until = plan.until
        written = writer.finish(
            state.results,
            state.units,
            complete=done,
            task_count=max((each.tasks for each in state.stopping), default=0) if until else None,
            stopping=until.record(state.stopping) if until else None,
            telemetry_problems=telemetry.warnings,
        )
    return written


async def _measure_engine(plan: Plan, subject: Subject, config: Config, state: _State) -> None:
    """Measure one engine; its result is in `state` on every way out."""
    engine, implementation = subject.engine, subject.implementation
    rules = answered_rulebook(engine.name, config.answers)
    running = _EngineRun(plan, subject, state, rules)
    result = EngineResult(
        engine=engine.name,
        unit=engine.unit,
        variant=implementation.variant,
        state="interrupted",
        problem="the measurement was stopped before this engine was done",
        rulebook=rules.version,
        answers=config.answers.get(engine.name, {}),
        started=datetime.now(UTC),
    )
    state.writer.engine(result)
    try:
        folder = plan.folder.absolute() / "servers" / engine.name  # servers run in it
        folder.mkdir(parents=True)
        async with engine.session(config, folder, state.observer.note) as session:
            result = result.model_copy(update={"server": session.info})
            state.writer.engine(result)
            problem = await running.all_tasks(session)
            proof = () if problem else await session.reconcile(running.units)
            result = result.model_copy(
                update={
                    "state": "interrupted" if problem else "measured",
                    "problem": problem,
                    "reconciliations": proof,
                }
            )
    except EngineMissingError as error:
        result = result.model_copy(update={"state": "missing", "problem": str(error)})
    except Exception as error:  # noqa: BLE001 - a user's implementation may raise anything when it starts
        _log.exception("engine %s", engine.name)
        log = plan.folder / LOG
        advice = _advice(engine.name, error)
        problem = f"{implementation.variant} could not be run to its end: {_chain(error)}. {advice}See {log}."
        result = result.model_copy(update={"problem": problem})
    finally:
        result = result.model_copy(update={"ended": datetime.now(UTC), "tasks": tuple(running.in_order())})
        state.results.append(result)
        state.units.extend(running.units)
        if running.batches is not None:
            state.stopping.append(running.batches.reached(engine.name, implementation.variant))
        state.writer.engine(result)
        state.observer.end(result)


def _chain(error: BaseException | None) -> str:
    """An error and what caused it, in one line."""
    words = []
    while error is not None:
        words.append(repr(error))
        error = error.__cause__
    return ", caused by ".join(words)


def _advice(engine: str, error: BaseException | None) -> str:
    """What helps against an error that many meet with their first workload."""
    while error is not None:
        if said := load_engine(engine).advice(error):
            return said
        error = error.__cause__
    return ""


class _EngineRun:
    """The tasks of one engine."""

    def __init__(self, plan: Plan, subject: Subject, state: _State, rules: Rulebook) -> None:
        self._rules = rules
        self._plan = plan
        self._subject = subject
        self._state = state
        self._measured: list[Measured] = []
        self._slots = asyncio.Semaphore(plan.concurrency)
        self._places = {task.id: place for place, task in enumerate(plan.tasks)}
        self.results: list[TaskResult] = []
        self.units: list[Unit] = []
        earlier = max((each.tasks for each in state.stopping), default=0)
        self.batches = Batches(plan.until, plan.tasks, earlier) if plan.until else None

    def in_order(self) -> list[TaskResult]:
        """The results in the order of the tasks that were asked for, whichever of them ended first."""
        return sorted(self.results, key=lambda result: self._places[result.task])

    async def all_tasks(self, session: Session) -> str:
        """Drive and count every task. Returns why it stopped early, or an empty string."""
        name, implementation = self._subject.engine.name, self._subject.implementation
        folder = self._plan.folder / "workload" / name
        folder.mkdir(parents=True)
        context = RunContext(folder, self._plan.seed)
        async with implementation.running(session, self._plan.tasks, context) as driver:
            death = asyncio.create_task(session.died())
            async with _cancelled_at_exit(death):
                if self.batches is None:
                    return await self._batch(self._plan.tasks, session, driver, death)
                while batch := self.batches.next():
                    if problem := await self._batch(batch, session, driver, death):
                        return problem
                    self._state.observer.note(f"{name}: {self.batches.look(self.results)}")
                return ""

    async def _batch(
        self, tasks: Sequence[Task], session: Session, driver: Driver, death: "asyncio.Future[str]"
    ) -> str:
        self._state.observer.begin(self._subject.engine.name, self._subject.implementation.variant, len(tasks))
        work = asyncio.gather(*(self._one(task, session, driver) for task in tasks))
        async with _cancelled_at_exit(work):
            both: set[asyncio.Future[Any]] = {work, death}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
                return ""
            return death.result()

    async def _one(self, task: Task, session: Session, driver: Driver) -> None:
        measured = Measured(task)
        self._measured.append(measured)
        started: datetime | None = None
        try:
            async with self._slots:
                started = datetime.now(UTC)
                outcome = await self._drive(task, measured, driver)
                count = await self._count(session, outcome[0], measured)
                if count.gaps:
                    await asyncio.sleep(_NOTICE_SECONDS)
                self._keep(measured, started, outcome, count)
        except asyncio.CancelledError:
            if started is None:
                outcome, gaps = ("interrupted", "the measurement was stopped before this task began"), []
            else:
                what = "stopped before it was counted"
                gaps = [Gap(engine=self._subject.engine.name, task=task.id, run="", what=what)]
                outcome = ("interrupted", "the measurement was stopped")
            self._keep(measured, started or datetime.now(UTC), outcome, TaskCount(gaps=gaps))
            raise

    async def _drive(self, task: Task, measured: Measured, driver: Driver) -> tuple[TaskState, str]:
        late = f"not done after {self._plan.timeout:g} s"
        try:
            async with asyncio.timeout(self._plan.timeout) as limit:
                await driver(task, measured)
        except TimeoutError as error:
            return ("timed_out", late) if limit.expired() else ("failed", f"the driver raised {error!r}")
        except TaskFailedError as error:
            return "failed", str(error)
        except (Exception, SystemExit) as error:  # a user's driver may raise anything: the others go on
            me = asyncio.current_task()
            if me is not None and me.cancelling():  # SDKs turn a cancellation into errors of their own
                raise asyncio.CancelledError from error
            if limit.expired():
                return "timed_out", late
            _log.exception("task %s", task.id)
            await asyncio.sleep(_NOTICE_SECONDS)
            return "failed", f"the driver raised {error!r}"
        return "completed", ""

    async def _count(self, session: Session, state: TaskState, measured: Measured) -> TaskCount:
        label = TaskLabel(self._plan.workload, self._subject.implementation.variant, measured.task.id)

        def elsewhere(name: str) -> bool:
            return any(name in each.roots for each in self._measured if each is not measured)

        try:
            if state != "completed":
                await session.abandon(measured.roots)
            count = await session.count(measured.roots, label, elsewhere=elsewhere)
        except Exception as error:  # noqa: BLE001 - a task that could not be counted is said, not lost
            _log.exception("counting task %s", measured.task.id)
            what = f"this task could not be counted: {error!r}"
            gap = Gap(engine=self._subject.engine.name, task=label.task, run="", what=what)
            return TaskCount(gaps=[gap], counted=False)
        return replace(count, units=self._rules.read(count.units))

    def _keep(self, measured: Measured, started: datetime, outcome: tuple[TaskState, str], count: TaskCount) -> None:
        task, (state, error) = measured.task, outcome
        name, implementation = self._subject.engine.name, self._subject.implementation
        result = TaskResult(
            task=task.id,
            state=state,
            error=error,
            shape=task.shape,
            covariates={**task.covariates, **self._subject.implementation.covariates(task)},
            cluster=task.cluster,
            observed=measured.observed,
            roots=tuple(measured.roots),
            runs=tuple(count.runs),
            kinds=count_kinds(count.units, self._rules),
            measures=count.measures,
            gaps=tuple(count.gaps),
            counted=count.counted,
            started=started,
            ended=datetime.now(UTC),
        )
        self.results.append(result)
        self.units.extend(count.units)
        self._state.writer.records(name, task.id, count.records)
        self._state.writer.task(name, implementation.variant, result, count.units, self._places[task.id])
        label = TaskLabel(self._plan.workload, implementation.variant, task.id)
        if self._state.telemetry.units is not None:
            self._state.telemetry.units.record_task(
                count.units, task=label, engine=name, state=state, started=result.started, ended=result.ended
            )
        self._state.observer.task(name, result)


@asynccontextmanager
async def _cancelled_at_exit(*futures: "asyncio.Future[Any]") -> AsyncIterator[None]:
    try:
        yield
    finally:
        for future in futures:
            future.cancel()
        await asyncio.gather(*futures, return_exceptions=True)
