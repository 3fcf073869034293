"""The plug-in in pytest sessions of its own, as its users have them, on real servers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from durameter import read_result
from running import alive, environment, patience, processes_in, servers_in, within

pytestmark = pytest.mark.servers

AGENT = '''
"""A task of n turns is a start and n activities: n + 1 Actions. Tasks have 1, 2, 3 ... turns."""

from contextlib import asynccontextmanager
from datetime import timedelta

from durameter import Implementation, Task, Workload
from pydantic import BaseModel
from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker


class Options(BaseModel):
    seconds: float = 0
    wrong: bool = False


@activity.defn
async def turn() -> None: ...


@workflow.defn
class Agent:
    @workflow.run
    async def run(self, turns: int, seconds: float) -> None:
        for _ in range(turns):
            await workflow.execute_activity(turn, start_to_close_timeout=timedelta(seconds=10))
        if seconds:
            await workflow.sleep(seconds)


class OnTemporal(Implementation):
    engine, variant = "temporal", "default"

    def __init__(self, options):
        self.options = options

    @asynccontextmanager
    async def running(self, session, tasks, run):
        async def drive(task, measured):
            measured.started(task.id)
            arguments = [task.shape["turns"], self.options.seconds]
            await session.client.execute_workflow(
                Agent.run, args=arguments, id=task.id, task_queue=session.task_queue
            )
            if self.options.wrong:
                raise ValueError("the agent is wrong")

        runner = UnsandboxedWorkflowRunner()
        queue = session.task_queue
        async with Worker(
            session.client, task_queue=queue, workflows=[Agent], activities=[turn], workflow_runner=runner
        ):
            yield drive


class MyAgent(Workload):
    options_model = Options

    def tasks(self, count, seed, options):
        return [Task(id=f"t{n}", shape={"turns": n}) for n in range(1, count + 1)]

    def implementations(self, options):
        return [OnTemporal(options)]


workload = MyAgent()
'''

SETTINGS = "[pytest]\nfilterwarnings = error\n"
ASYNCIO = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")

PLAIN = """
import pytest
from my_agent import MyAgent

NAME = "./my_agent.py:workload"


@pytest.fixture(scope="module")
def measured(durameter_measure):
    return durameter_measure(MyAgent(), tasks=3)


def test_one_action_per_turn(measured):
    measured.assert_at_most(4)
    measured.assert_exactly(1, kind="start_workflow")
    assert [int(units) for _, units in sorted(measured.per_task().items())] == [2, 3, 4]


def test_too_many(measured):
    measured.assert_at_most(2)


def test_an_agent_that_fails(durameter_measure):
    durameter_measure(NAME, tasks=2, options={"wrong": True})


def test_an_agent_that_may_fail(durameter_measure):
    durameter_measure(NAME, tasks=1, engine="inngest")


def test_the_server_is_one(durameter_servers):
    assert durameter_servers.address("temporal") == durameter_servers.address("temporal")
    assert len(list(durameter_servers._folder.iterdir())) == 1
"""

ASYNCHRONOUS = """
import asyncio

NAME = "./my_agent.py:workload"


async def test_plain_call(durameter_measure):
    durameter_measure(NAME, tasks=1).assert_exactly(2)


async def test_own_loop_goes_on(durameter_measure):
    steps = 0

    async def work():
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0.01)

    working = asyncio.create_task(work())
    result = await durameter_measure.awaited(NAME, tasks=2)
    working.cancel()
    result.assert_at_most(3)
    assert steps > 20
"""

SLOW = """
def test_slow(durameter_measure):
    durameter_measure("./my_agent.py:workload", tasks=2, options={"seconds": 600})
"""


def _project(folder: Path, **tests: str) -> Path:
    for name, text in {"my_agent": AGENT, **tests}.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "pytest.ini").write_text(SETTINGS)
    return folder


def _command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={folder / 'base'}", *words]


def _pytest(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        _command(folder, *words),
        cwd=folder,
        env=environment(folder / "state"),
        capture_output=True,
        text=True,
        timeout=200 * patience(),
        check=False,
    )


def test_a_session_without_a_plug_in_for_async_tests(tmp_path: Path) -> None:
    done = _pytest(_project(tmp_path, test_plain=PLAIN), "-p", "no:asyncio", "-p", "no:anyio")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 failed, 2 passed" in done.stdout, done.stdout
    # 3 tasks of 1, 2, 3 turns: 2, 3, 4 Actions
    assert "at most 2 Actions in every task expected, task t3 has 4: 2 too many" in done.stdout, done.stdout
    assert "UntrustedError: Nothing can be concluded from this measurement:" in done.stdout, done.stdout
    assert "temporal: t1, t2 did not complete, and are in no figure" in done.stdout, done.stdout
    assert "the driver raised ValueError('the agent is wrong')" in done.stdout, done.stdout
    assert "has nothing for inngest. It has: temporal=default" in done.stdout, done.stdout
    assert servers_in(tmp_path) == set()


def test_async_tests_and_two_processes(tmp_path: Path) -> None:
    """Each process of pytest-xdist has a server of its own."""
    folder = _project(tmp_path, test_one=ASYNCHRONOUS, test_two=ASYNCHRONOUS)
    done = _pytest(folder, *ASYNCIO, "-n", "2", "--dist", "loadfile")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout, done.stdout
    assert len(list((tmp_path / "base").glob("popen-gw*/durameter-servers0/temporal-0"))) == 2
    assert servers_in(tmp_path) == set()


def test_ctrl_c_leaves_nothing_running_and_the_result_readable(tmp_path: Path) -> None:
    folder = _project(tmp_path, test_slow=SLOW)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            _command(folder, *ASYNCIO), cwd=folder, env=environment(folder / "state"), stdout=log, stderr=log
        )
    try:
        journal = tmp_path / "base" / "durameter0" / "result" / "journal.jsonl"
        assert within(90, (journal.parent / "servers" / "temporal" / "tap" / "wire.jsonl").exists)
        time.sleep(1)  # in the middle of the tasks
        servers = servers_in(tmp_path) - {process.pid}
        assert servers
        process.send_signal(signal.SIGINT)
        assert process.wait(60 * patience()) == pytest.ExitCode.INTERRUPTED
    finally:
        process.kill()
        process.wait()
    assert within(10, lambda: not alive(servers) and not {each.pid for each in processes_in(tmp_path)} - {os.getpid()})
    assert read_result(journal.parent).measurement.state == "incomplete"
