"""Which tasks a watched program has, how it ends, and that nothing of it is in no task."""

import os
import signal
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from watching import Watch, agreed, kinds, the_usual_ports, watch

from durameter.results.folder import read_result
from running import alive, command, servers_in, within

AGENT = (sys.executable, str(Path(__file__).with_name("small_agent.py")))
FREE = "--no-usual-ports"
pytestmark = pytest.mark.servers


def test_every_kind_of_root_is_a_task_and_all_that_descends_from_it_is_in_it(tmp_path: Path) -> None:
    """Chains and reused ids, children, Nexus handlers, schedules, standalone activities."""
    done = watch(tmp_path, FREE, command=[*AGENT, "everything"])
    agreed(done)  # which says that the lists of the server hold nothing else
    assert {root: kinds(task) for root, task in done.by_root.items()} == {
        "chain": {"start_workflow": 1, "continue_as_new_workflow": 1},  # two runs
        "reused": {"start_workflow": 2, "query_workflow": 1},  # started again when it had ended
        "parent": {"start_workflow": 1, "start_child_workflow": 2},
        "alone": {"start_standalone_activity": 1},  # its first attempt is free
        # The workflow that the handler starts has no parent, and is the caller's all the same.
        "caller": {"start_workflow": 2, "schedule_nexus_operation": 1, "schedule_activity": 1},
        # Created and triggered; the fire is 2 and the workflow's start 1.
        "nightly": {"schedule_operation": 2, "schedule_workflow": 2, "start_workflow": 1},
    }
    assert done.by_root["caller"].type == "Caller"
    assert done.by_root["nightly"].type == "Empty"
    assert len(done.by_root["chain"].runs) == 2


def test_what_fails_and_what_still_runs_is_said(tmp_path: Path) -> None:
    done = watch(tmp_path, FREE, command=[*AGENT, "failing"])
    assert done.status == 1, done.errors
    waits, fails = done.by_root["waits"], done.by_root["fails"]
    assert kinds(waits) == {"start_workflow": 1, "start_timer": 1}
    assert (waits.state, waits.error) == ("interrupted", "workflow waits still ran when the watch ended")
    assert ["still runs" in gap.what for gap in waits.gaps] == [True]
    assert kinds(fails) == {"start_workflow": 1}
    assert (fails.state, fails.error) == ("failed", "workflow fails failed: no such order")
    assert {each.state for each in done.engine.reconciliations} == {"agrees"}, "what it did until then is all there"


def test_a_worker_in_the_background_finishes_its_tasks(tmp_path: Path) -> None:
    """In a namespace with another name, which is registered."""
    both = f"{sys.executable} {AGENT[1]} wait_for_work & {sys.executable} {AGENT[1]} start_and_go"
    done = watch(tmp_path, FREE, command=["sh", "-c", both], DURAMETER_TEMPORAL_NAMESPACE="orders.acme")
    agreed(done)
    assert {root: kinds(task) for root, task in done.by_root.items()} == {
        "in-background": {"start_workflow": 1, "schedule_activity": 1}
    }


def test_ctrl_c_ends_the_command_and_counts_what_it_did(tmp_path: Path) -> None:
    """The program's words are on our standard error; the report is alone on standard output."""
    out = tmp_path / "result"
    with command("watch", FREE, "--json", "--out", out, "--", *AGENT, "orders", folder=out, cwd=tmp_path) as running:
        assert within(60, lambda: "order 0 done" in running.err), running.err
        assert within(60, lambda: servers_in(out))
        servers = running.servers()
        os.kill(running.process.pid, signal.SIGINT)
        ended = running.end()
    assert ended.status == 0, ended.err
    done = Watch(ended.status, ended.out, ended.err, out)
    agreed(done)
    assert done.result.measurement.about["ended"] == "stopped"
    assert done.engine.tasks
    assert all(kinds(task) == {"start_workflow": 1} for task in done.engine.tasks)
    assert not alive(servers)
    assert "order 0 done" not in ended.out


def test_so_many_tasks_and_a_taken_port(tmp_path: Path) -> None:
    """`--tasks 2` ends a program without end; that another program has 7233 is said."""
    import socket

    with the_usual_ports(), socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 7233))
        other.listen()
        done = watch(tmp_path, "--tasks", "2", command=[*AGENT, "orders"])
    agreed(done)
    assert len(done.engine.tasks) >= 2
    assert "127.0.0.1:7233 is taken by another program" in done.errors
    assert "a program that hard-codes it is not seen" in done.errors
    assert done.result.measurement.about["ended"] == "2 tasks have ended (--tasks)"
    assert read_result(done.folder).measurement.task_count == len(done.engine.tasks)
    assert sum(task.units for task in done.engine.tasks) == Decimal(len(done.engine.tasks))
