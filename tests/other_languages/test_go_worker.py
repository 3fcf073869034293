"""A worker in Go, unchanged, through the tap: two tasks at the same time, each counted as derived by hand."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from durameter.config import Config
from durameter.engines.base import TaskCount
from durameter.engines.temporal.engine import TemporalEngine
from durameter.results.folder import read_result
from durameter_collectors.units import TaskLabel
from running import run

FETCH_SECONDS, WORK_SECONDS = 600, 240
SOURCE = Path(__file__).with_name("go_worker")
pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
]  # its first build compiles the whole SDK

# `order` in main.go, and its child `Parcel`.
ORDER = {
    "start_workflow": 1,
    # The local activity, with the version's marker in the same workflow task; the side effect in a later one.
    "record_activity_markers": 2,
    "schedule_activity": 2,  # Charge, and Pack in the child
    "retry_activity": 2,  # Charge fails twice
    "record_activity_heartbeat": 1,  # of Pack's three the first; it succeeds, which drops what the SDK held back
    "start_timer": 1,
    "start_child_workflow": 2,
    "accept_workflow_update": 1,
    "reject_workflow_update": 1,
    "query_workflow": 1,
    "signal_workflow": 1,
}
# `survey`: two runs and a child `Helper`.
SURVEY = {
    "signal_workflow_with_start": 1,  # both halves
    "continue_as_new_workflow": 1,
    "schedule_activity": 4,  # Ask three times, Pack
    "retry_activity": 1,  # Pack fails once
    "record_activity_heartbeat": 3,  # the first and, as it fails, the last of attempt 1; the first of attempt 2
    "start_timer": 1,
    "start_child_workflow": 2,
    "signal_external_workflow": 1,  # done
    "accept_workflow_update": 1,
    "reject_workflow_update": 2,
    "query_workflow": 2,  # of a workflow that has ended
    "signal_workflow": 1,  # enough
}
# The search attribute that the SDK sets beside a version; in `survey` the version's marker is alone in its task.
OPEN_ORDER = {"upsert_workflow_search_attributes": 1}
OPEN_SURVEY = {"upsert_workflow_search_attributes": 1, "record_activity_markers": 1}


@pytest.fixture(scope="module")
def go_worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built program."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go toolchain: there is no program `go` on the PATH")
    fetched = subprocess.run(
        [go, "mod", "download"], check=False, cwd=SOURCE, capture_output=True, text=True, timeout=FETCH_SECONDS
    )
    if fetched.returncode:
        pytest.skip(f"the Go modules cannot be had: {fetched.stderr.strip()[-300:]}")
    program = tmp_path_factory.mktemp("go") / "worker"
    built = subprocess.run([go, "build", "-o", program, "."], check=False, cwd=SOURCE, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return program


def kinds(count: TaskCount, reading: str) -> dict[str, int]:
    assert all(unit.quantity == 1 and unit.evidence for unit in count.units)
    return dict(Counter(unit.kind for unit in count.units if unit.reading == reading))


def causes(count: TaskCount, kind: str) -> set[str]:
    return {unit.cause for unit in count.units if unit.kind == kind}


async def test_two_tasks_of_a_go_worker_are_counted_apart(
    go_worker: Path, shared_servers: Config, tmp_path: Path
) -> None:
    async with (
        TemporalEngine().reached(shared_servers, tmp_path, print) as reached,
        reached.session() as session,
    ):
        process = await asyncio.create_subprocess_exec(
            go_worker,
            env=os.environ
            | {
                "TEMPORAL_ADDRESS": session.address,
                "TEMPORAL_NAMESPACE": session.client.namespace,
                "TEMPORAL_TASK_QUEUE": "go",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(WORK_SECONDS):  # it gives up after 90 s by itself
                _, said = await process.communicate()
        except TimeoutError:
            # Go prints the stacks of all its goroutines then: where it hangs.
            process.send_signal(signal.SIGQUIT)
            _, said = await process.communicate()
            pytest.fail(f"the worker did not end: {said.decode()[-5000:]}")
        assert process.returncode == 0, said.decode()[-2000:]
        order = await session.count(["order"], TaskLabel("tests/go", "default", "order"))
        survey = await session.count(["survey"], TaskLabel("tests/go", "default", "survey"))
        reconciliations = await session.reconcile([*order.units, *survey.units])

    assert kinds(order, "documented") == ORDER
    assert kinds(survey, "documented") == SURVEY
    assert kinds(order, "upper") == OPEN_ORDER
    assert kinds(survey, "upper") == OPEN_SURVEY
    for count in (order, survey):
        assert count.gaps == []
        assert causes(count, "record_activity_heartbeat") == {"Pack"}
        assert causes(count, "query_workflow") == {"notes"}
        assert causes(count, "reject_workflow_update") == {"note"}
    # At the same time: each began before the other's last unit.
    times = [[unit.time for unit in count.units] for count in (order, survey)]
    assert max(min(each) for each in times) < min(max(each) for each in times)

    assert reconciliations
    for each in reconciliations:
        assert each.state == "agrees", each


def test_the_same_program_watched(go_worker: Path, tmp_path: Path) -> None:
    """Door 1: nobody tells the command line what the program does."""
    out = tmp_path / "result"
    words = ("watch", "--no-usual-ports", "--out", out, "--", go_worker)
    ended = run(*words, cwd=tmp_path, TEMPORAL_TASK_QUEUE="go")
    assert ended.status == 0, ended.err
    engine = read_result(out).measurement.engines[0]
    counts = {
        task.roots[0]: {name: kind.documented for name, kind in task.kinds.items() if kind.documented}
        for task in engine.tasks
    }
    assert counts == {"order": ORDER, "survey": SURVEY}
    assert [each.state for each in engine.reconciliations] == ["agrees"] * 4
