"""What somebody's first workload does wrong is noticed and said: nothing is silently uncounted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import inngest
import pytest
from measuring import Silent
from pydantic import BaseModel, ValidationError
from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from durameter import (
    Driver,
    Implementation,
    InngestSession,
    Measured,
    Result,
    RunContext,
    Task,
    TemporalSession,
    Workload,
    plugins,
    registry,
    wait_for_runs,
)
from durameter.cli._process import exit_code
from durameter.config import Config
from durameter.cost.prices import load_books
from durameter.cost.prices.books import Pricing
from durameter.engines.inngest.engine import InngestEngine
from durameter.engines.temporal.engine import TemporalEngine
from durameter.errors import UsageError
from durameter.report import build_report
from durameter.runner.run import Plan, Subject, measure
from durameter.telemetry import open_telemetry


@workflow.defn
class Slow:
    @workflow.run
    async def run(self, seconds: float) -> None:
        await workflow.sleep(timedelta(seconds=seconds))


Drive = Callable[[TemporalSession, Task, Measured], Awaitable[None]]


class Mine(Implementation[TemporalSession]):
    engine = "temporal"
    variant = "mine"

    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    @asynccontextmanager
    async def running(self, session: TemporalSession, tasks: Sequence[Task], run: RunContext) -> AsyncIterator[Driver]:
        async def drive(task: Task, measured: Measured) -> None:
            await self._drive(session, task, measured)

        runner = UnsandboxedWorkflowRunner()
        async with Worker(session.client, task_queue=session.task_queue, workflows=[Slow], workflow_runner=runner):
            yield drive


async def _measured(config: Config, folder: Path, drive: Drive, *names: str) -> Result:
    plan = Plan(
        workload="tests/mine",
        options={},
        tasks=[Task(id=name) for name in names],
        subjects=[Subject(TemporalEngine(), Mine(drive))],
        concurrency=2,
        timeout=60,
        seed=0,
        folder=folder / "result",
    )
    return await measure(plan, config, Silent(), open_telemetry("none"))


async def _work(session: TemporalSession, task: Task, measured: Measured, seconds: float = 0.1) -> None:
    measured.started(task.id)
    await session.client.execute_workflow(Slow.run, seconds, id=task.id, task_queue=session.task_queue)


@pytest.mark.servers
async def test_a_workflow_that_outlives_its_task_is_a_gap(shared_servers: Config, tmp_path: Path) -> None:
    """Its start 1 and timer 1 are counted, and the result says that more would have come."""

    async def early(session: TemporalSession, task: Task, measured: Measured) -> None:
        measured.started(task.id)
        handle = await session.client.start_workflow(Slow.run, 600.0, id=task.id, task_queue=session.task_queue)
        while len((await handle.fetch_history()).events) < 5:
            await asyncio.sleep(0.1)

    result = await _measured(shared_servers, tmp_path, early, "t")
    [task] = result.measurement.engines[0].tasks
    assert {kind: int(count.documented) for kind, count in task.kinds.items()} == {
        "start_workflow": 1,
        "start_timer": 1,
    }
    [gap] = task.gaps
    assert "still runs though its task is said to be done" in gap.what
    assert exit_code(result.measurement) == 4


@pytest.mark.servers
async def test_a_driver_that_exits_is_a_failed_task(shared_servers: Config, tmp_path: Path) -> None:
    async def leaving(session: TemporalSession, task: Task, measured: Measured) -> None:
        if task.id == "leaver":
            raise SystemExit(3)
        await _work(session, task, measured)

    result = await _measured(shared_servers, tmp_path, leaving, "leaver", "worker")
    tasks = {task.task: task for task in result.measurement.engines[0].tasks}
    assert (tasks["leaver"].state, tasks["worker"].state) == ("failed", "completed")
    assert "SystemExit" in tasks["leaver"].error
    assert exit_code(result.measurement) == 1


@pytest.mark.servers
async def test_a_failed_task_is_shown_apart_and_not_in_the_mean(shared_servers: Config, tmp_path: Path) -> None:
    """The one that completes: start 1 + timer 1 = 2. The other raises before it makes anything: 0."""

    async def raising(session: TemporalSession, task: Task, measured: Measured) -> None:
        if task.id == "bad":
            raise ValueError("no")
        await _work(session, task, measured)

    result = await _measured(shared_servers, tmp_path, raising, "bad", "good")
    report = build_report(result, volume=Decimal(1000), pricing=Pricing(books=load_books(None)))
    [engine] = report.engines
    assert engine.per_task is not None
    assert engine.per_task_others is not None
    assert (engine.per_task.mean, engine.per_task_others.mean) == (2, 0)
    assert report.verdict.endswith("1 task did not complete and is shown apart.")


@pytest.mark.servers
async def test_an_implementation_that_cannot_start_says_why(shared_servers: Config, tmp_path: Path) -> None:
    class Broken(Mine):
        @asynccontextmanager
        async def running(
            self, session: TemporalSession, tasks: Sequence[Task], run: RunContext
        ) -> AsyncIterator[Driver]:
            try:
                raise ValueError("the real reason")
            except ValueError as error:
                raise RuntimeError("could not start") from error
            yield

    plan = Plan("tests/mine", {}, [Task(id="t")], [Subject(TemporalEngine(), Broken(_work))], 1, 60, 0, tmp_path / "r")
    result = await measure(plan, shared_servers, Silent(), open_telemetry("none"))
    [engine] = result.measurement.engines
    assert engine.state == "interrupted"
    assert "could not start" in engine.problem
    assert "caused by ValueError('the real reason')" in engine.problem
    assert "durameter.log" in engine.problem


@pytest.mark.parametrize("name", ["../t", "a/b", "", "ü"])
def test_a_task_id_that_would_leave_its_folder_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Task(id=name)


class Options(BaseModel):
    pass


class Tiny(Workload):
    options_model = Options

    def tasks(self, count: int, seed: int, options: Any) -> Sequence[Task]:
        return [Task(id="same")] * count

    def implementations(self, options: Any) -> Sequence[Implementation[Any]]:
        return []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module:workload", "cannot be loaded from no_such_module:workload"),
        (f"{__name__}:Tiny", "names the class Tiny. It must name an instance"),
        (f"{__name__}:Drive", "must name an instance"),
    ],
)
def test_an_entry_point_that_names_no_workload(monkeypatch: pytest.MonkeyPatch, value: str, said: str) -> None:
    point = EntryPoint("mine/broken", value, plugins.WORKLOADS)
    monkeypatch.setattr(registry, "points", lambda group: {point.name: point})
    with pytest.raises(UsageError, match=said):
        registry.load_workload("broken")


@pytest.mark.servers
async def test_a_driver_that_forgets_to_say_what_it_started(shared_servers: Config, tmp_path: Path) -> None:
    """Nothing is counted for the task, the sources say that there was something, and what to do."""

    async def forgetful(session: TemporalSession, task: Task, measured: Measured) -> None:
        await session.client.execute_workflow(Slow.run, 0.1, id=task.id, task_queue=session.task_queue)

    result = await _measured(shared_servers, tmp_path, forgetful, "t")
    [engine] = result.measurement.engines
    assert engine.tasks[0].units == 0
    said = [note for each in engine.reconciliations for note in each.notes]
    assert any("workflow t " in line and "did its driver forget Measured.started?" in line for line in said), said
    assert exit_code(result.measurement) == 4


@pytest.mark.servers
async def test_an_event_that_nothing_listens_to(shared_servers: Config, tmp_path: Path) -> None:
    """The task waits in vain until its time is over, and the result says why."""

    class Misnamed(Implementation[InngestSession]):
        engine = "inngest"

        @asynccontextmanager
        async def running(
            self, session: InngestSession, tasks: Sequence[Task], run: RunContext
        ) -> AsyncIterator[Driver]:
            client = session.client("misnamed")

            @client.create_function(fn_id="agent", trigger=inngest.TriggerEvent(event="order/placed"))
            async def agent(ctx: inngest.Context) -> None: ...

            async def drive(task: Task, measured: Measured) -> None:
                [event] = await client.send(inngest.Event(name="order/plased"))
                measured.started(event)
                await wait_for_runs(session, event)

            async with session.serve(client, [agent]):
                yield drive

    plan = Plan("tests/mine", {}, [Task(id="t")], [Subject(InngestEngine(), Misnamed())], 1, 3, 0, tmp_path / "r")
    result = await measure(plan, shared_servers, Silent(), open_telemetry("none"))
    [task] = result.measurement.engines[0].tasks
    assert task.state == "timed_out"
    [gap] = task.gaps
    assert "its events (order/plased) started no run, and no function that has registered listens to them" in gap.what
    assert exit_code(result.measurement) != 0
