"""A Temporal server of durameter's own that is killed in the middle: what it had said to be done is in its database."""

import asyncio
import contextlib
import os
import signal
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from durameter.config import make_config
from durameter.engines.temporal.engine import TemporalEngine

pytestmark = pytest.mark.servers

ENOUGH = 20
"""Workflows that have ended when the server is killed; more go on."""
AT_ONCE = 10


@activity.defn
async def double(text: str) -> str:
    return text * 2


@workflow.defn
class Doubling:
    @workflow.run
    async def run(self, text: str) -> str:
        for _ in range(3):
            text = await workflow.execute_activity(double, text, start_to_close_timeout=timedelta(seconds=60))
        return text


async def until_killed(client: Client, pid: int) -> dict[str, WorkflowHistory]:
    """Keep the server busy, and kill it once enough has ended.

    Returns:
        Histories of what had ended, as they were read before, by workflow.
    """
    ended: dict[str, WorkflowHistory] = {}
    enough = asyncio.Event()

    async def work(lane: int) -> None:
        for number in range(1000):
            handle = await client.start_workflow(Doubling.run, "x" * 500, id=f"{lane}/{number}", task_queue="killed")
            await handle.result()
            ended[handle.id] = await handle.fetch_history()
            if len(ended) >= ENOUGH:
                enough.set()

    async with Worker(
        client,
        task_queue="killed",
        workflows=[Doubling],
        activities=[double],
        workflow_runner=UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=timedelta(0),
    ):
        busy = asyncio.gather(*(work(lane) for lane in range(AT_ONCE)), return_exceptions=True)
        await enough.wait()
        os.kill(pid, signal.SIGKILL)
        found = dict(ended)
        busy.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await busy
    return found


async def test_what_had_ended_is_there_after_a_kill_whole_and_as_it_was(tmp_path: Path) -> None:
    server = await TemporalEngine().start(make_config(), tmp_path, print)
    try:
        ended = await until_killed(await Client.connect(server.info.address), server.process.pid)
        await server.process.died()
    finally:
        await server.process.stop()
    assert len(ended) >= ENOUGH
    assert (tmp_path / "temporal.db-wal").stat().st_size > 0  # nobody closed the database

    again = await TemporalEngine().start(make_config(), tmp_path, print)
    try:
        client = await Client.connect(again.info.address)
        for name, history in ended.items():
            handle = client.get_workflow_handle(name, run_id=history.run_id)
            assert (await handle.describe()).status == WorkflowExecutionStatus.COMPLETED
            assert (await handle.fetch_history()).to_json() == history.to_json()
    finally:
        await again.process.stop()
    with closing(sqlite3.connect(tmp_path / "temporal.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
