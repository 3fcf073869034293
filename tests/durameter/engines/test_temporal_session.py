"""A Temporal session as a workload of a user's uses it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from durameter import TemporalSession
from durameter.config import Config
from durameter.engines.base import TaskCount
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.engine import TemporalEngine
from durameter.results.reconcile import Reconciliation
from durameter_collectors.units import TaskLabel
from running import patience

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


@activity.defn
async def nothing() -> None: ...


def _worker(session: TemporalSession) -> Worker:
    return Worker(
        session.client,
        task_queue=session.task_queue,
        workflows=[Empty, Parent],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


def _with(config: Config, **changes: object) -> Config:
    return config.model_copy(update={"temporal": TemporalConfig.of(config).model_copy(update=changes)})


def _silent(_line: str) -> None: ...


def _by(found: Sequence[Reconciliation]) -> dict[tuple[str, str], Reconciliation]:
    return {(each.source, each.other): each for each in found}


ALL = {("ledger", "meter"), ("history", "wire"), ("wire", "meter"), ("ledger", "wire")}


async def test_a_run_without_a_unit_belongs_to_its_task(shared_servers: Config, tmp_path: Path) -> None:
    """An empty child: the start 1 and the child 2 are its parent's; its own history has none."""
    async with TemporalEngine().session(shared_servers, tmp_path, _silent) as session:
        async with _worker(session):
            await session.client.execute_workflow(Parent.run, id="parent", task_queue=session.task_queue)
        count = await session.count(["parent"], LABEL)
        found = _by(await session.reconcile(count.units))
    assert Counter(unit.kind for unit in count.units) == {"start_workflow": 1, "start_child_workflow": 2}
    assert len(count.runs) == 2
    assert set(found) == ALL
    assert {(each.state, each.notes) for each in found.values()} == {("agrees", ())}


async def test_a_workflow_of_nobody_is_reported(shared_servers: Config, tmp_path: Path) -> None:
    """Two workflows run, and the task names one: the other is neither forgotten nor taken for the task's."""
    async with TemporalEngine().session(shared_servers, tmp_path, _silent) as session:
        async with _worker(session):
            for name in ("mine", "nobodys"):
                await session.client.execute_workflow(Empty.run, id=name, task_queue=session.task_queue)
        count = await session.count(["mine"], LABEL)
        found = _by(await session.reconcile(count.units))
    assert [unit.kind for unit in count.units] == ["start_workflow"]
    ledger = found["ledger", "meter"]
    assert ledger.state == "differs"
    workflow, call = ledger.notes
    assert workflow.startswith("workflow nobodys ")
    assert call.startswith("start 1 times on nobodys ")
    [line] = ledger.lines
    assert (line.kind, line.ours, line.other, line.unexplained) == ("start_workflow", 1, 2, 1)
    # The wire saw it as well, so it is no fault of the meter's.
    assert {found[pair].state for pair in ALL - {("ledger", "meter")}} == {"agrees"}


async def _asked_twice(session: TemporalSession) -> TaskCount:
    """One query that is answered, and one that fails, which costs nothing."""
    async with _worker(session):
        handle = await session.client.start_workflow(Empty.run, id="asked", task_queue=session.task_queue)
        await handle.result()
        assert await handle.query(Empty.word) == "yes"
        with pytest.raises(WorkflowQueryFailedError):
            await handle.query("no such query")
        return await session.count(["asked"], LABEL)


async def test_a_query_is_laid_to_its_task_by_the_wire(shared_servers: Config, tmp_path: Path) -> None:
    """Start 1 and query 1; the failed query is an open question, free by default."""
    async with TemporalEngine().session(shared_servers, tmp_path, _silent) as session:
        count = await _asked_twice(session)
        found = _by(await session.reconcile(count.units))
    headline = [unit for unit in count.units if unit.reading == "documented"]
    assert [(unit.kind, unit.source, unit.cause) for unit in headline] == [
        ("start_workflow", "history", "Empty"),
        ("query_workflow", "wire", "word"),
    ]
    [failed] = [unit for unit in count.units if unit.reading == "upper"]
    assert (failed.rule, failed.cause) == ("query_failed", "no such query")
    assert {(each.state, each.notes) for each in found.values()} == {("agrees", ())}


async def test_without_the_tap_a_query_is_noticed_though_no_history_shows_it(
    shared_servers: Config, tmp_path: Path
) -> None:
    """Start 1 in the history; the meter has the start and one answered query."""
    async with TemporalEngine().session(_with(shared_servers, tap=False), tmp_path, _silent) as session:
        count = await _asked_twice(session)
        [found] = await session.reconcile(count.units)
    assert found.state == "differs"
    assert {line.kind: line.unexplained for line in found.lines} == {"start_workflow": 0, "query_workflow": 1}
    [note] = found.notes
    assert note.startswith("query_workflow: no history shows these")


async def test_a_call_after_the_count_is_in_no_task_and_is_named(shared_servers: Config, tmp_path: Path) -> None:
    async with TemporalEngine().session(shared_servers, tmp_path, _silent) as session, _worker(session):
        handle = await session.client.start_workflow(Empty.run, id="early", task_queue=session.task_queue)
        await handle.result()
        count = await session.count(["early"], LABEL)
        await handle.query(Empty.word)
        found = _by(await session.reconcile(count.units))
    [note] = found["ledger", "meter"].notes
    assert note.startswith("query 1 times on early ")
    assert "after its task was counted" in note
    assert found["ledger", "meter"].state == "differs"
    assert found["wire", "meter"].state == "agrees"


async def test_without_a_meter_histories_and_wire_still_prove_what_both_see(
    shared_servers: Config, tmp_path: Path
) -> None:
    async with TemporalEngine().session(_with(shared_servers, metrics_url=""), tmp_path, _silent) as session:
        count = await _asked_twice(session)
        found = _by(await session.reconcile(count.units))
    assert found["history", "wire"].state == "agrees"
    assert [line.kind for line in found["history", "wire"].lines] == ["start_workflow"]
    for pair in (("ledger", "meter"), ("wire", "meter")):
        assert found[pair].state == "not checked"
        assert "DURAMETER_TEMPORAL_METRICS_URL" in found[pair].notes[0]


async def test_neither_meter_nor_tap(shared_servers: Config, tmp_path: Path) -> None:
    bare = _with(shared_servers, metrics_url="", tap=False)
    async with TemporalEngine().session(bare, tmp_path, _silent) as session:
        [found] = await session.reconcile([])
    assert found.state == "not checked"


async def test_a_standalone_activity_beside_the_tap_is_noticed(shared_servers: Config, tmp_path: Path) -> None:
    """The meter counts no such start, and the wire did not see it: only the server's list has it."""
    async with TemporalEngine().session(shared_servers, tmp_path, _silent) as session:
        beside = await Client.connect(session.info.address, namespace=session.client.namespace)
        async with Worker(beside, task_queue="q", activities=[nothing]):
            await beside.execute_activity(
                nothing, id="beside", task_queue="q", start_to_close_timeout=timedelta(seconds=9)
            )
        found = _by(await session.reconcile([]))
    assert found["ledger", "meter"].state == "differs"
    [note] = found["ledger", "meter"].notes
    assert note.startswith("standalone activity beside belongs to no task, or was started beside the tap")


async def test_a_root_of_two_tasks_is_a_gap(shared_servers: Config, tmp_path: Path) -> None:
    """An id that is used again: whose the calls without a run id are, nobody can say."""
    async with TemporalEngine().session(shared_servers, tmp_path, _silent) as session:
        async with _worker(session):
            for _ in range(2):
                await session.client.execute_workflow(Empty.run, id="again", task_queue=session.task_queue)
        first = await session.count(["again"], LABEL)
        second = await session.count(["again"], LABEL._replace(task="another"))
    assert first.gaps == []
    [gap] = second.gaps
    assert gap.what.startswith("again is a root of another task too")


async def test_a_decoder_that_dies_ends_the_measurement(shared_servers: Config, tmp_path: Path) -> None:
    async with TemporalEngine().session(shared_servers, tmp_path, _silent) as session:
        decoder = next(
            each
            for each in psutil.process_iter(["cmdline"])
            if "durameter_collectors.temporal.wire.calls" in (words := each.info["cmdline"] or [])
            and any(str(tmp_path) in word for word in words)
        )
        decoder.kill()
        said = await asyncio.wait_for(session.died(), 30 * patience())
    assert "decoder" in said


async def test_a_tap_that_dies_ends_the_measurement(shared_servers: Config, tmp_path: Path) -> None:
    """Calls that nobody copied would be missing silently."""
    async with TemporalEngine().session(shared_servers, tmp_path, _silent) as session:
        tap = next(
            each
            for each in psutil.process_iter(["cmdline"])
            if any(str(tmp_path) in word for word in each.info["cmdline"] or ())
        )
        tap.kill()
        said = await asyncio.wait_for(session.died(), 30 * patience())
    assert "The tap" in said
