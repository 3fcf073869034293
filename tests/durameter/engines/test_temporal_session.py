"""A Temporal session as a workload of a user's uses it."""

from collections import Counter
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowQueryFailedError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from durameter import TemporalSession
from durameter.config import Config
from durameter.engines.temporal import TemporalEngine
from durameter_collectors.units import TaskLabel

pytestmark = pytest.mark.servers

LABEL = TaskLabel("tests/session", "default", "task")


@workflow.defn
class Empty:
    @workflow.run
    async def run(self) -> None: ...

    @workflow.query
    def word(self) -> str:
        return "yes"


@workflow.defn
class Parent:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_child_workflow(Empty.run, id=f"{workflow.info().workflow_id}/child")


def _worker(session: TemporalSession) -> Worker:
    return Worker(
        session.client,
        task_queue=session.task_queue,
        workflows=[Empty, Parent],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


async def test_a_run_without_a_unit_belongs_to_its_task(shared_servers: Config, tmp_path: Path) -> None:
    """An empty child: the start 1 and the child 2 are its parent's; its own history has none."""
    async with TemporalEngine().session(shared_servers, tmp_path, lambda _line: None) as session:
        async with _worker(session):
            await session.client.execute_workflow(Parent.run, id="parent", task_queue=session.task_queue)
        count = await session.count(["parent"], LABEL)
        [found] = await session.reconcile(count.units)
    assert Counter(unit.kind for unit in count.units) == {"start_workflow": 1, "start_child_workflow": 2}
    assert len(count.runs) == 2
    assert (found.state, found.notes) == ("agrees", ())


async def test_a_workflow_of_nobody_is_reported(shared_servers: Config, tmp_path: Path) -> None:
    """Two workflows run, and the task names one: the other is neither forgotten nor taken for the task's."""
    async with TemporalEngine().session(shared_servers, tmp_path, lambda _line: None) as session:
        async with _worker(session):
            for name in ("mine", "nobodys"):
                await session.client.execute_workflow(Empty.run, id=name, task_queue=session.task_queue)
        count = await session.count(["mine"], LABEL)
        [found] = await session.reconcile(count.units)
    assert [unit.kind for unit in count.units] == ["start_workflow"]
    assert found.state == "differs"
    [note] = found.notes
    assert note.startswith("workflow nobodys ")
    [line] = found.lines
    assert (line.kind, line.ours, line.other, line.unexplained) == ("start_workflow", 1, 2, 1)


async def test_a_query_is_noticed_though_no_history_shows_it(shared_servers: Config, tmp_path: Path) -> None:
    """Start 1 in the history; the meter has the start and one answered query. A query that fails costs nothing."""
    async with TemporalEngine().session(shared_servers, tmp_path, lambda _line: None) as session:
        async with _worker(session):
            handle = await session.client.start_workflow(Empty.run, id="asked", task_queue=session.task_queue)
            await handle.result()
            assert await handle.query(Empty.word) == "yes"
            with pytest.raises(WorkflowQueryFailedError):
                await handle.query("no such query")
        count = await session.count(["asked"], LABEL)
        [found] = await session.reconcile(count.units)
    assert found.state == "differs"
    assert {line.kind: line.unexplained for line in found.lines} == {"start_workflow": 0, "query_workflow": 1}
    [note] = found.notes
    assert note.startswith("query_workflow: no history shows these")


async def test_without_a_meter_the_result_says_that_nothing_proves_it(shared_servers: Config, tmp_path: Path) -> None:
    bare = shared_servers.model_copy(
        update={"temporal": shared_servers.temporal.model_copy(update={"metrics_url": ""})}
    )
    async with TemporalEngine().session(bare, tmp_path, lambda _line: None) as session:
        [found] = await session.reconcile([])
    assert found.state == "not checked"
    assert "DURAMETER_TEMPORAL_METRICS_URL" in found.notes[0]
