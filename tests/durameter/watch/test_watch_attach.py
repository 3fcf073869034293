"""`durameter watch --attach`: on a server that others work on too, where nothing of theirs may be touched."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from small_agent import Empty, Waits, worker
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError
from watching import kinds, watch

from durameter.engines.base import RunningServer
from durameter.engines.task_key import safe_id
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.server import connect, register
from running import alive, command, within

AGENT = (sys.executable, str(Path(__file__).with_name("small_agent.py")))
FREE = "--no-usual-ports"
pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
async def others(temporal_server: RunningServer) -> AsyncIterator[Client]:
    """A namespace in which somebody has a workflow that runs on, and three that have ended."""
    client = await connect(TemporalConfig(), temporal_server.info.address, "watched-attach")
    await register(client, "watched-attach")
    async with worker(client):
        await client.start_workflow(Waits.run, id="theirs", task_queue="small")
        for number in range(3):
            await client.execute_workflow(
                Empty.run, id=f"old-{number}", task_queue="small", memo={"talk": ("é", 1)[number % 2]}
            )
        await client.get_workflow_handle("old-0").query(Empty.word)
        while not [each async for each in client.list_workflows("WorkflowId = 'old-2' AND CloseTime IS NOT NULL")]:
            await asyncio.sleep(0.1)
    yield client
    await client.get_workflow_handle("theirs").terminate()


async def _still_theirs(client: Client) -> bool:
    return (await client.get_workflow_handle("theirs").describe()).status == WorkflowExecutionStatus.RUNNING


async def _begun(client: Client, workflow: str) -> bool:
    try:
        await client.get_workflow_handle(workflow).describe()
    except RPCError:
        return False
    return True


async def test_a_command_on_their_server_is_counted_alone_and_checked(
    others: Client, temporal_server: RunningServer, tmp_path: Path
) -> None:
    done = watch(
        tmp_path,
        FREE,
        "--attach",
        temporal_server.info.address,
        command=[*AGENT, "three"],
        DURAMETER_TEMPORAL_NAMESPACE=others.namespace,
        DURAMETER_TEMPORAL_METRICS_URL=temporal_server.settings["DURAMETER_TEMPORAL_METRICS_URL"],
    )
    assert done.status == 0, done.errors
    assert {root: kinds(task) for root, task in done.by_root.items()} == {
        f"talk-{number}": {"start_workflow": 1} for number in range(3)
    }
    assert {each.state for each in done.engine.reconciliations} == {"agrees"}
    assert ["what other programs than this command did" in each for each in done.engine.unseen] == [True]
    assert done.result.measurement.about["address"] == temporal_server.info.address
    assert await _still_theirs(others)


async def test_a_workflow_of_others_that_was_signalled_is_not_the_commands(
    others: Client, temporal_server: RunningServer, tmp_path: Path
) -> None:
    done = watch(
        tmp_path,
        FREE,
        "--attach",
        temporal_server.info.address,
        command=[*AGENT, "telling"],
        DURAMETER_TEMPORAL_NAMESPACE=others.namespace,
    )
    assert done.status == 0, done.errors
    # Without the start and the timer of `theirs`, which began before and runs on.
    assert kinds(done.by_root["tells"]) == {"start_workflow": 1, "signal_external_workflow": 1}
    assert len(done.by_root["tells"].runs) == 1
    assert await _still_theirs(others)


async def test_records_of_a_window_grouped_by_memo(
    others: Client, temporal_server: RunningServer, tmp_path: Path
) -> None:
    """No command and no tap: the query of `old-0` is in no record, and the report says that such are not seen."""
    done = watch(
        tmp_path,
        "--attach",
        temporal_server.info.address,
        "--since",
        "1h",
        "--until",
        datetime.now(UTC).isoformat(),
        "--query",
        "WorkflowId STARTS_WITH 'old-' OR WorkflowId = 'theirs'",
        "--task-key",
        "memo:talk",
        DURAMETER_TEMPORAL_NAMESPACE=others.namespace,
    )
    assert done.status == 1, done.errors  # one still runs
    tasks = {task.task: task for task in done.engine.tasks}
    assert {name: kinds(task) for name, task in tasks.items()} == {
        safe_id("é"): {"start_workflow": 2},  # old-0 and old-2
        "1": {"start_workflow": 1},
        "theirs": {"start_workflow": 1, "start_timer": 1},
    }
    both = tasks[safe_id("é")]
    assert (both.roots, both.shape) == (("old-0", "old-2"), {"task_key": "é"})  # which Python writes as an escape
    assert (tasks["theirs"].state, both.state) == ("interrupted", "completed")
    assert any(each.startswith("queries") for each in done.engine.unseen)
    assert {each.state for each in done.engine.reconciliations} == {"not checked"}
    assert await _still_theirs(others)


async def test_a_query_for_children_brings_their_roots(
    others: Client, temporal_server: RunningServer, tmp_path: Path
) -> None:
    async with worker(others):
        await others.execute_workflow("Parent", id="family", task_queue="small")
    done = watch(
        tmp_path,
        "--attach",
        temporal_server.info.address,
        "--query",
        "WorkflowId = 'family/child'",
        DURAMETER_TEMPORAL_NAMESPACE=others.namespace,
    )
    assert {root: kinds(task) for root, task in done.by_root.items()} == {
        "family": {"start_workflow": 1, "start_child_workflow": 2}
    }, done.errors


async def test_work_on_a_workflow_that_began_before_is_said(
    others: Client, temporal_server: RunningServer, tmp_path: Path
) -> None:
    """A worker that is started for a workflow which waits since before: its task is nobody's here."""
    await others.start_workflow("Greeting", "you", id="before", task_queue="small")
    done = watch(
        tmp_path,
        FREE,
        "--attach",
        temporal_server.info.address,
        command=[*AGENT, "three"],
        DURAMETER_TEMPORAL_NAMESPACE=others.namespace,
    )
    assert set(done.by_root) == {"talk-0", "talk-1", "talk-2"}, done.errors
    assert done.status == 0, done.engine.reconciliations
    told = [each for each in done.engine.unseen if "began before the watch" in each]
    assert [each.startswith("1 calls of the command on 1 workflows") for each in told] == [True]  # it schedules `greet`
    assert told[0].endswith(": before")


async def test_what_others_do_meanwhile_is_no_difference(
    others: Client, temporal_server: RunningServer, tmp_path: Path
) -> None:
    """Another worker beside the tap takes part: nobody can check what passed where, and that is said."""
    async with worker(others):
        work = asyncio.create_task(
            asyncio.to_thread(
                watch,
                tmp_path,
                FREE,
                "--attach",
                temporal_server.info.address,
                command=[*AGENT, "start_and_go"],
                DURAMETER_TEMPORAL_NAMESPACE=others.namespace,
                DURAMETER_TEMPORAL_METRICS_URL=temporal_server.settings["DURAMETER_TEMPORAL_METRICS_URL"],
            )
        )
        while not work.done() and not await _begun(others, "in-background"):
            await asyncio.sleep(0.1)
        for number in range(3):  # at once: the watch ends when nothing new comes, and the meter has to settle
            await others.execute_workflow(Empty.run, id=f"meanwhile-{number}", task_queue="small")
        done = await work
    assert done.status == 0, done.errors
    assert {root: kinds(task) for root, task in done.by_root.items()} == {
        "in-background": {"start_workflow": 1, "schedule_activity": 1}
    }
    states = {(each.source, each.other): each.state for each in done.engine.reconciliations}
    assert set(states.values()) <= {"agrees", "not checked"}
    assert states["history", "wire"] == "not checked", "the other worker scheduled the activity"
    assert any("another program's" in each for each in done.engine.unseen), done.engine.unseen


async def test_a_killed_watch_leaves_nothing_of_its_command(
    others: Client, temporal_server: RunningServer, tmp_path: Path
) -> None:
    out = tmp_path / "result"
    words = ("watch", FREE, "--attach", temporal_server.info.address, "--out", out, "--", *AGENT, "orders")
    namespace = {"DURAMETER_TEMPORAL_NAMESPACE": others.namespace}
    with command(*words, folder=out, cwd=tmp_path, **namespace) as running:
        assert await asyncio.to_thread(within, 60, lambda: "order 0 done" in running.err), running.err
        family = {each.pid for each in psutil.Process(running.process.pid).children(recursive=True)}
        assert len(family) >= 2
        running.process.kill()
        assert await asyncio.to_thread(within, 20, lambda: not alive(family))


async def test_a_command_that_works_in_another_namespace(
    others: Client, temporal_server: RunningServer, tmp_path: Path
) -> None:
    done = watch(
        tmp_path,
        FREE,
        "--attach",
        temporal_server.info.address,
        command=["env", f"TEMPORAL_NAMESPACE={others.namespace}", *AGENT, "three"],
        DURAMETER_TEMPORAL_NAMESPACE="default",
    )
    assert done.status == 2
    assert f"the command worked in {others.namespace}" in done.errors
    assert f"DURAMETER_TEMPORAL_NAMESPACE={others.namespace}" in done.errors
