"""`durameter servers up | status | down`: servers that stay, and nothing that stays without being known."""

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from temporalio.api.workflowservice.v1 import ListNamespacesRequest
from temporalio.client import Client

from durameter import read_result
from durameter.results.model import EngineResult
from running import DURAMETER, alive, command, environment, patience, processes_in, run, servers_in, within

pytestmark = pytest.mark.servers

KILLED = -signal.SIGKILL


def exported(out: str) -> dict[str, str]:
    """What a shell would have after `eval`."""
    shell = subprocess.run(["sh", "-c", f'{out}\nenv'], env={}, capture_output=True, text=True, check=True)  # fmt: skip
    pairs = dict(line.split("=", 1) for line in shell.stdout.splitlines())
    return {name: value for name, value in pairs.items() if name.startswith("DURAMETER_")}


def status(cwd: Path) -> dict[str, dict[str, Any]]:
    shown = run("servers", "status", "--json", cwd=cwd)
    assert (shown.status, shown.err) == (0, "")
    return {each["engine"]: each for each in json.loads(shown.out)}


@pytest.fixture(scope="module")
def cwd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with both servers up, started from a shell that has ended since."""
    cwd = tmp_path_factory.mktemp("up")
    words = f'eval "$({shlex.quote(DURAMETER)} servers up)" && env > exported'
    subprocess.run(["sh", "-c", words], cwd=cwd, env=environment(cwd / "state"), check=True, start_new_session=True)
    yield cwd
    run("servers", "down", cwd=cwd)
    assert not processes_in(cwd)


@pytest.fixture(scope="module")
def variables(cwd: Path) -> dict[str, str]:
    """What `eval "$(durameter servers up)"` exported."""
    pairs = dict(line.split("=", 1) for line in (cwd / "exported").read_text().splitlines() if "=" in line)
    return {k: v for k, v in pairs.items() if k.startswith(("DURAMETER_TEMPORAL_", "DURAMETER_INNGEST_"))}


def engine(folder: Path) -> EngineResult:
    [found] = read_result(folder).measurement.engines
    return found


def test_servers_stay_when_the_shell_has_ended(cwd: Path, variables: dict[str, str]) -> None:
    found = status(cwd)
    assert [each["running"] for each in found.values()] == [True, True]
    assert {each["pid"] for each in found.values()} == servers_in(cwd)
    assert set(variables) == {
        "DURAMETER_TEMPORAL_ADDRESS",
        "DURAMETER_TEMPORAL_METRICS_URL",
        "DURAMETER_INNGEST_ADDRESS",
        "DURAMETER_INNGEST_STORE",
    }
    assert Path(variables["DURAMETER_INNGEST_STORE"]).stat().st_size
    assert variables["DURAMETER_TEMPORAL_ADDRESS"] == found["temporal"]["info"]["address"]
    assert variables["DURAMETER_INNGEST_ADDRESS"] == found["inngest"]["info"]["address"]
    assert httpx.get(f"{variables['DURAMETER_INNGEST_ADDRESS']}/dev").is_success
    assert "action" in httpx.get(variables["DURAMETER_TEMPORAL_METRICS_URL"]).text


def test_status_names_addresses_and_logs(cwd: Path, variables: dict[str, str]) -> None:
    shown = run("servers", "status", cwd=cwd)
    assert shown.status == 0
    for name in ("temporal", "inngest"):
        [line] = [line for line in shown.out.splitlines() if line.startswith(name)]
        assert variables[f"DURAMETER_{name.upper()}_ADDRESS"] in line
        assert str(cwd / "state" / name / "server.log") in line


def test_a_second_up_says_that_they_run_and_exports_the_same(cwd: Path, variables: dict[str, str]) -> None:
    before = status(cwd)
    again = run("servers", "up", cwd=cwd)
    assert again.status == 0
    assert again.err.count("runs already at") == 2
    assert exported(again.out) == variables
    assert status(cwd) == before


def test_temporal_listens_on_the_loopback_interface_only(cwd: Path) -> None:
    assert {ip for ip, _ in listening(status(cwd)["temporal"]["pid"])} == {"127.0.0.1"}


def test_inngest_listens_on_all_interfaces_at_its_three_connect_ports_only_and_says_so(cwd: Path) -> None:
    server = status(cwd)["inngest"]
    process = psutil.Process(server["pid"]).cmdline()
    connect = {int(process[process.index(flag) + 1]) for flag in process if flag.startswith("--connect-")}
    everywhere = {port for ip, port in listening(server["pid"]) if ip != "127.0.0.1"}
    assert len(connect) == 3
    assert everywhere == connect
    assert "opens its three Connect ports on all interfaces" in server["info"]["notes"][0]


def listening(pid: int) -> set[tuple[str, int]]:
    sockets = psutil.Process(pid).net_connections("inet")
    return {(each.laddr.ip, each.laddr.port) for each in sockets if each.status == psutil.CONN_LISTEN}


async def test_measurements_on_one_temporal_server_have_namespaces_of_their_own(
    cwd: Path, variables: dict[str, str]
) -> None:
    words = ("run", "--tasks", "1", "-e", "temporal", "--out")
    with (
        command(*words, cwd / "one", folder=cwd / "one", cwd=cwd, **variables) as one,
        command(*words, cwd / "two", folder=cwd / "two", cwd=cwd, **variables) as two,
    ):
        assert [one.end().status, two.end().status] == [0, 0], one.err + two.err

    found = [engine(cwd / name) for name in ("one", "two")]
    runs = {run for each in found for task in each.tasks for run in task.runs}
    assert len(runs) == 2
    for each in found:
        assert each.server is not None
        assert (each.server.origin, each.server.address) == ("address", variables["DURAMETER_TEMPORAL_ADDRESS"])
        assert each.server.tested
        # The meter counts a namespace: with a stranger's Actions in it the two would differ.
        assert each.reconciliations
        assert {proof.state for proof in each.reconciliations} == {"agrees"}
    client = await Client.connect(variables["DURAMETER_TEMPORAL_ADDRESS"])
    answer = await client.workflow_service.list_namespaces(ListNamespacesRequest())
    names = [each.namespace_info.name for each in answer.namespaces if each.namespace_info.name.startswith("durameter")]
    assert len(names) == 2
    in_namespaces = [
        {each.run_id async for each in (await connected(variables, name)).list_workflows()} for name in names
    ]
    assert [len(each) for each in in_namespaces] == [1, 1]
    assert set.union(*in_namespaces) == runs


async def connected(variables: dict[str, str], namespace: str) -> Client:
    return await Client.connect(variables["DURAMETER_TEMPORAL_ADDRESS"], namespace=namespace)


def test_on_one_inngest_server_an_app_in_use_is_left_alone_and_a_dead_ones_runs_are_ended(
    cwd: Path, variables: dict[str, str]
) -> None:
    """The server keeps one address per app: what a killed measurement left going would call the next one's app."""
    words = ("run", "-e", "inngest", "--tasks", "4", "--out")
    # Two at a time of so many that it still runs when the next one has been refused.
    long = ("run", "-e", "inngest", "--tasks", "60", "--concurrency", "2", "--out")
    with command(*long, cwd / "killed", folder=cwd / "killed", cwd=cwd, **variables) as first:
        first.until_task("inngest")
        refused = run(*words, cwd / "refused", cwd=cwd, **variables)
        first.process.kill()
        assert first.process.wait() == KILLED
    assert refused.status == 3
    assert "served by another program" in refused.err
    assert "Traceback" not in refused.err

    after = run(*words, cwd / "after", cwd=cwd, **variables)

    assert after.status == 0, after.err
    found = engine(cwd / "after")
    assert found.server is not None
    assert (found.server.origin, found.server.version) == ("address", "1.44.0")
    assert found.reconciliations
    assert {proof.state for proof in found.reconciliations} == {"agrees"}


def test_down_ends_them_and_twice_is_no_error(cwd: Path) -> None:
    running = status(cwd)
    first, second = run("servers", "down", cwd=cwd), run("servers", "down", cwd=cwd)
    assert (first.status, first.err) == (0, "temporal stopped\ninngest stopped\n")
    assert (second.status, second.err) == (0, "No servers to stop.\n")
    assert not alive({each[key] for each in running.values() for key in ("pid", "guard")})
    assert run("servers", "status", cwd=cwd).out.startswith("No servers.")


# --- State that is out of date, or damaged


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A working folder with a Temporal server of its own up."""
    started = run("servers", "up", "-e", "temporal", cwd=tmp_path)
    assert started.status == 0, started.err
    yield tmp_path
    run("servers", "down", cwd=tmp_path)
    assert not processes_in(tmp_path)


def test_a_server_that_is_gone_is_said_to_be_and_started_again(own: Path) -> None:
    before = status(own)["temporal"]
    os.kill(before["guard"], signal.SIGKILL)
    assert within(5, lambda: not alive({before["pid"]}))

    assert status(own)["temporal"]["running"] is False
    assert "gone" in run("servers", "status", cwd=own).out
    again = run("servers", "up", "-e", "temporal", cwd=own)
    after = status(own)
    assert again.status == 0
    assert list(after) == ["temporal"]
    assert after["temporal"]["running"] is True
    assert after["temporal"]["pid"] != before["pid"]


def test_a_process_id_that_was_given_to_another_program_is_left_alone(own: Path) -> None:
    file = own / "state" / "servers.json"
    before = file.read_text()
    [entry] = json.loads(before)
    file.write_text(json.dumps([entry | {"guard": os.getpid(), "pid": os.getpid()}]))  # this test, if it is ended

    assert status(own)["temporal"]["running"] is False
    assert run("servers", "down", cwd=own).err == "temporal was gone already\n"
    file.write_text(before)


@pytest.mark.parametrize("content", ["", "{", "[{}]", '[{"engine": "temporal"}]', "\0"])
@pytest.mark.parametrize("words", [("up",), ("status",), ("down",)], ids=" ".join)
def test_a_damaged_state_file_is_not_taken_for_no_servers(tmp_path: Path, content: str, words: tuple[str, ...]) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "servers.json").write_text(content)
    shown = run("servers", *words, cwd=tmp_path)
    assert shown.status == 2
    assert "servers.json is damaged" in shown.err
    assert "then remove the file" in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert not processes_in(tmp_path)


def test_unknown_engines_are_said_to_be(tmp_path: Path) -> None:
    for word in ("up", "down"):
        shown = run("servers", word, "-e", "nobody", cwd=tmp_path)
        assert shown.status == 2
        assert "There is no engine 'nobody'" in shown.err


# --- Starting that does not come to its end

HANGS = """#!/bin/sh
[ "$1" = --version ] && echo "temporal version 1.9.1 (Server 1.32.0, UI 2.51.0)" && exit
exec sleep 1000
"""


@pytest.mark.parametrize(
    ("how", "status"), [(signal.SIGKILL, KILLED), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)]
)
def test_up_that_is_stopped_before_the_server_is_ready_leaves_none(tmp_path: Path, how: int, status: int) -> None:
    """A server that nobody knows of could never be taken down."""
    program = tmp_path / "bin" / "temporal"
    program.parent.mkdir()
    program.write_text(HANGS)
    program.chmod(0o755)
    state = tmp_path / "state"
    words = ("servers", "up", "-e", "temporal")
    with command(*words, folder=state, cwd=tmp_path, DURAMETER_TEMPORAL_BINARY=str(program)) as up:
        assert within(20, up.servers), up.err
        servers = up.servers()
        os.kill(up.process.pid, how)
        assert up.process.wait(20 * patience()) == status
        assert within(5, lambda: not alive(servers)), alive(servers)
        assert "Traceback" not in up.err
    assert not (state / "servers.json").exists()


def test_two_ups_at_once_start_one_server(tmp_path: Path) -> None:
    words = ("servers", "up", "-e", "temporal")
    with (
        command(*words, folder=tmp_path, cwd=tmp_path) as one,
        command(*words, folder=tmp_path, cwd=tmp_path) as two,
    ):
        ended = [one.end(), two.end()]
    try:
        assert [each.status for each in ended] == [0, 0]
        assert ended[0].out == ended[1].out
        assert len(servers_in(tmp_path)) == 1
        assert sorted("runs already" in each.err for each in ended) == [False, True]
    finally:
        began = time.monotonic()
        run("servers", "down", cwd=tmp_path)
        assert time.monotonic() - began < 15 * patience()
    assert not processes_in(tmp_path)
