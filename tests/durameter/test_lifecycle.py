"""What stays of a measurement, and of its servers, when something ends before its time: nothing but what it had found.

Every process here is a real one. The folder of a measurement is in the command line of each of its servers, which tells
them from all others of the machine.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest

from durameter import read_result
from durameter.results.folder import Result
from durameter.results.model import Measurement, count_kinds
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import Unit
from running import Command, Ended, alive, command, journal, patience, processes_in, run, within

pytestmark = pytest.mark.servers

ENGINES = ("temporal", "inngest")
LONG = ("--tasks", "6", "--concurrency", "2")
"""Enough to be in the middle when the first of them is done."""
SOON = 5.0
"""Seconds. The Temporal server takes 1.3 to end in good order, the Inngest server less than 0.1 (measured)."""


@dataclass(frozen=True)
class Stopped:
    """A measurement that was stopped in the middle."""

    folder: Path
    finished: list[dict[str, Any]]
    """Tasks in the journal just before."""
    processes: set[int]
    """Servers and guards."""
    left: set[int]
    """Those that still run soon after."""
    ended: Ended | None = None
    """None when it was killed."""
    seconds: float = 0.0
    """From the signal to the end of the last process."""


def middle(running: Command, engine: str) -> tuple[list[dict[str, Any]], set[int]]:
    """Wait for the middle; tasks that are done, and the processes that must not stay."""
    running.until_task(engine)
    servers, guards = running.servers(), running.guards()
    assert servers
    assert guards
    return [line for line in journal(running.folder) if line["event"] == "task"], servers | guards


def remaining(processes: set[int], *folders: Path) -> set[int]:
    """Those that still run soon after, and whoever else works in the folders."""

    def left() -> set[int]:
        return alive(processes) | {each.pid for folder in folders for each in processes_in(folder)}

    within(SOON, lambda: not left())
    return left()


def report(folder: Path, cwd: Path) -> tuple[int, dict[str, Any]]:
    shown = run("report", folder, "--json", cwd=cwd)
    assert shown.err == ""
    return shown.status, json.loads(shown.out)


# --- SIGKILL of the measuring process


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stopped]]:
    """One measurement killed on each engine; the first of them had both before it."""
    results = {}
    with ExitStack() as stack:
        runs = {}
        for engine in ENGINES:
            cwd = tmp_path_factory.mktemp(engine)
            only = () if engine == "temporal" else ("-e", engine)
            folder = cwd / "result"
            runs[engine] = stack.enter_context(command("run", *LONG, *only, "--out", folder, folder=folder, cwd=cwd))
        for engine, running in runs.items():
            finished, processes = middle(running, engine)
            killed_at = time.monotonic()
            running.process.kill()
            running.process.wait()
            left = remaining(processes, running.folder)
            seconds = time.monotonic() - killed_at
            results[engine] = Stopped(running.folder, finished, processes, left, seconds=seconds)
    yield results


@pytest.mark.parametrize("engine", ENGINES)
def test_no_server_stays_when_the_measuring_process_is_killed(killed: dict[str, Stopped], engine: str) -> None:
    # The server and its guard; the tap with its decoder and its guard.
    assert len(killed[engine].processes) == 5
    assert killed[engine].left == set()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_measurement_opens_as_incomplete_with_all_that_it_had(
    killed: dict[str, Stopped], engine: str, tmp_path: Path
) -> None:
    stopped = killed[engine]
    status, shown = report(stopped.folder, tmp_path)
    [found] = shown["engines"]
    units = {line["task"]["task"]: sum(Decimal(u["quantity"]) for u in line["units"]) for line in stopped.finished}

    assert status == 1  # interrupted
    assert (shown["state"], found["engine"], found["state"]) == ("incomplete", engine, "interrupted")
    assert found["task_states"]["completed"] >= len(stopped.finished) >= 1
    result = read_result(stopped.folder)
    assert result.measurement.state == "incomplete"
    assert {t.task for e in result.measurement.engines for t in e.tasks} >= set(units)
    assert {u.task for u in result.ledger} >= set(units)
    assert all(sum(u.quantity for u in result.ledger if u.task == task) == total for task, total in units.items())
    for form in ((), ("--markdown",)):
        text = run("report", stopped.folder, *form, cwd=tmp_path)
        assert (text.status, text.err) == (1, "")
        assert "not complete" in text.out


# --- Ctrl-C and SIGTERM


@pytest.fixture(
    scope="module",
    params=[("temporal", "Ctrl-C", "inngest", "SIGTERM"), ("temporal", "SIGTERM", "inngest", "Ctrl-C")],
    ids=["Ctrl-C,SIGTERM", "SIGTERM,Ctrl-C"],
)
def stopped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stopped]:
    """Two measurements at the same time, each asked to stop in its own way."""
    first, how, second, other = request.param
    ways = {first: how, second: other}
    results = {}
    with ExitStack() as stack:
        runs = {}
        for engine in ENGINES:
            cwd = tmp_path_factory.mktemp(engine)
            words = ("run", *LONG, "-e", engine, "--out", cwd / "result")
            runs[engine] = stack.enter_context(command(*words, folder=cwd / "result", cwd=cwd))
        for engine, running in runs.items():
            finished, processes = middle(running, engine)
            asked = time.monotonic()
            if ways[engine] == "Ctrl-C":
                running.ctrl_c()
            else:
                running.process.terminate()
            ended = running.end(20)
            seconds = time.monotonic() - asked
            results[ways[engine]] = Stopped(
                running.folder, finished, processes, remaining(processes, running.folder), ended, seconds
            )
    return results


@pytest.mark.parametrize(("way", "status"), [("Ctrl-C", 130), ("SIGTERM", 143)])
def test_asked_to_stop_it_closes_the_measurement_and_leaves_nothing_running(
    stopped: dict[str, Stopped], way: str, status: int, tmp_path: Path
) -> None:
    found = stopped[way]
    assert found.ended is not None
    assert found.ended.status == status
    assert found.ended.out == ""
    assert "Traceback" not in found.ended.err
    assert f"durameter report {found.folder}" in found.ended.err
    assert found.left == set()
    assert found.seconds < 15 * patience()

    measurement = Measurement.model_validate_json((found.folder / "measurement.json").read_text())
    [engine] = measurement.engines
    states = {task.task: task.state for task in engine.tasks}
    assert (measurement.state, engine.state) == ("incomplete", "interrupted")
    assert len(states) == 6  # also those that had not begun: nothing is dropped
    assert set(states.values()) == {"completed", "interrupted"}
    assert {line["task"]["task"] for line in found.finished} <= {t for t, s in states.items() if s == "completed"}
    assert report(found.folder, tmp_path)[0] == 1


# --- The death of a server, or of its guard


@pytest.fixture(scope="module")
def bereft(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stopped]:
    """Two measurements on both engines: one loses the guard of its first server, one its second server."""
    results = {}
    with ExitStack() as stack:
        runs = {}
        for victim in ("guard", "server"):
            cwd = tmp_path_factory.mktemp(victim)
            words = ("run", "--tasks", "3", "--concurrency", "2", "--out", cwd / "result")
            runs[victim] = stack.enter_context(command(*words, folder=cwd / "result", cwd=cwd))
        for victim, engine in (("guard", "temporal"), ("server", "inngest")):
            running = runs[victim]
            finished, processes = middle(running, engine)
            died = time.monotonic()
            word = "start-dev" if engine == "temporal" else "dev"  # not the tap, which has a guard of its own
            [server] = [each for each in map(psutil.Process, running.servers()) if word in each.cmdline()]
            processes = {server.pid, server.ppid()}
            pid = server.ppid() if victim == "guard" else server.pid
            os.kill(pid, signal.SIGKILL)
            left = remaining(processes)
            seconds = time.monotonic() - died
            ended = None if victim == "guard" else running.end()
            results[victim] = Stopped(running.folder, finished, processes, left, ended, seconds)
        guard = results["guard"]
        results["guard"] = Stopped(
            guard.folder, guard.finished, guard.processes, guard.left, runs["guard"].end(), guard.seconds
        )
    return results


@pytest.mark.skipif(not os.path.exists("/proc"), reason="only Linux ends a child with its parent")  # noqa: PTH110
def test_a_server_dies_with_its_guard(bereft: dict[str, Stopped]) -> None:
    assert bereft["guard"].left == set()


@pytest.mark.parametrize(("victim", "lost", "other"), [("guard", *ENGINES), ("server", "inngest", "temporal")])
def test_when_a_server_dies_the_run_says_so_with_its_log_and_the_other_engine_is_measured(
    bereft: dict[str, Stopped], victim: str, lost: str, other: str
) -> None:
    found = bereft[victim]
    assert found.ended is not None
    engines = {engine.engine: engine for engine in read_result(found.folder).measurement.engines}
    log = (found.folder / "servers" / lost / "server.log").read_text().splitlines()

    assert found.ended.status == 1
    assert "Traceback" not in found.ended.err
    assert "ended by itself" in found.ended.err
    assert log[-1] in found.ended.err
    assert engines[lost].state == "interrupted"
    assert "ended by itself" in engines[lost].problem
    assert log[-1] in engines[lost].problem
    assert {task.state for task in engines[lost].tasks} <= {"completed", "interrupted"}
    assert len(engines[lost].tasks) == 3
    assert engines[other].state == "measured"
    assert {task.state for task in engines[other].tasks} == {"completed"}
    assert {proof.state for proof in engines[other].reconciliations} == {"agrees"}


def test_the_run_ends_soon_after_its_last_server_died(bereft: dict[str, Stopped]) -> None:
    finished = bereft["server"].ended
    assert finished is not None
    written = (bereft["server"].folder / "measurement.json").stat().st_mtime
    last_words = (bereft["server"].folder / "servers" / "inngest" / "server.log").stat().st_mtime
    assert written - last_words < 20


# --- Two measurements at the same time, in one folder, after all of that; and in nobody's surroundings

NONSENSE = {
    # What the servers read.
    "INNGEST_PORT": "1",
    "INNGEST_HOST": "192.0.2.1",
    "INNGEST_CONFIG": "/nowhere",
    "INNGEST_SDK_URL": "http://127.0.0.1:1/api/inngest",
    "TEMPORAL_ADDRESS": "127.0.0.1:1",
    "TEMPORAL_NAMESPACE": "other",
    "TEMPORAL_CONFIG_FILE": "/nowhere",
    "TEMPORAL_PROFILE": "other",
    "TEMPORAL_ENV": "other",
    "TEMPORAL_TLS": "true",
    # What the SDKs read: each of the next five broke the measurement before it was hidden from them.
    "INNGEST_SERVE_PATH": "/elsewhere",
    "INNGEST_EVENT_KEY": "a/b",
    "INNGEST_SIGNING_KEY": "signkey-branch-0",
    "INNGEST_STREAMING": "force",
    "http_proxy": "http://127.0.0.1:1",
    "https_proxy": "http://127.0.0.1:1",
    "all_proxy": "http://127.0.0.1:1",
    "INNGEST_DEV": "http://127.0.0.1:1",
    "INNGEST_BASE_URL": "http://127.0.0.1:1",
    "INNGEST_ENV": "other",
    "INNGEST_THREAD_POOL_MAX_WORKERS": "0",
    "TEMPORAL_DEBUG": "1",
}
BAD_FILE = {"port": 1, "host": "192.0.2.1", "sdk-url": ["http://127.0.0.1:1/x"], "tick": 5000, "queue-workers": 1}


@dataclass(frozen=True)
class Pair:
    """Two measurements side by side."""

    ended: list[Ended]
    results: list[Result]
    cwd: Path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Two at once in one working folder, without --out: one in a shell full of nonsense, one without a word."""
    cwd = tmp_path_factory.mktemp("pair")
    (cwd / "inngest.json").write_text(json.dumps(BAD_FILE))
    words = ("run", "--tasks", "2", "--seed", "3", "--json")
    with (
        command(*words, folder=cwd, cwd=cwd, **NONSENSE) as first,
        command(*words, folder=cwd, cwd=cwd) as second,
    ):
        ended = [first.end(), second.end()]
    assert [each.status for each in ended] == [0, 0], [each.err for each in ended]
    folders = [cwd / json.loads(each.out)["folder"] for each in ended]
    return Pair(ended, [read_result(folder) for folder in folders], cwd)


def test_two_measurements_at_once_in_one_folder_do_not_meet(pair: Pair) -> None:
    one, two = pair.results
    assert one.folder != two.folder
    assert one.folder.parent == two.folder.parent == pair.cwd / "durameter-results"
    addresses = [e.server.address for r in pair.results for e in r.measurement.engines if e.server is not None]
    assert len(set(addresses)) == len(addresses) == 4
    assert not processes_in(pair.cwd)


def test_what_the_users_shell_says_changes_no_count(pair: Pair) -> None:
    """A retry that the network alone brings about would be billed too; there is none between two local processes."""
    counts = [
        {(e.engine, t.task): t.kinds for e in result.measurement.engines for t in e.tasks} for result in pair.results
    ]
    assert len(counts[0]) == 4
    assert counts[0] == counts[1]
    for result in pair.results:
        for engine in result.measurement.engines:
            assert engine.reconciliations
            assert {proof.state for proof in engine.reconciliations} == {"agrees"}


def test_an_inngest_json_above_the_result_is_not_read(pair: Pair) -> None:
    for result in pair.results:
        server = result.folder / "servers" / "inngest"
        [configured] = [json.loads(w) for w in (server / "server.log").read_text().splitlines() if "using config" in w]
        assert configured["file"] == str(server / "inngest.json")
        assert json.loads((server / "inngest.json").read_text()) == {}


def test_the_servers_keep_their_state_in_the_measurements_folder(pair: Pair) -> None:
    """Also when that folder was named relative to another one than the servers work in."""
    for result in pair.results:
        servers = result.folder / "servers"
        assert (servers / "inngest" / ".inngest" / "main.db").stat().st_size > 100_000
        assert (servers / "temporal" / "temporal.db").stat().st_size > 100_000
        assert not list(servers.rglob("durameter-results"))


# --- What is written, and what is read back


def test_a_result_is_read_back_as_it_was_written(pair: Pair) -> None:
    """Journal and final files are written apart from each other, at different times, and say the same."""
    for result in pair.results:
        lines = journal(result.folder)
        tasks = {(e.engine, t.task): t for e in result.measurement.engines for t in e.tasks}
        assert result.measurement == Measurement.model_validate_json((result.folder / "measurement.json").read_text())
        assert result.measurement.state == "complete"
        written = [line for line in lines if line["event"] == "task"]
        assert len(written) == len(tasks) == 4
        for line in written:
            task = tasks[line["engine"], line["task"]["task"]]
            assert task.model_dump(mode="json") == line["task"]
            units = [u for u in result.ledger if (u.engine, u.task) == (line["engine"], task.task)]
            assert units == [Unit.model_validate(unit) for unit in line["units"]]
            assert count_kinds(units, load_rulebook(line["engine"])) == task.kinds


def copy_without_end(result: Result, to: Path) -> Path:
    """As a killed process leaves it."""
    shutil.copytree(result.folder, to, ignore=shutil.ignore_patterns("servers", "records", "*.parquet"))
    (to / "measurement.json").unlink()
    return to / "journal.jsonl"


def test_a_journal_whose_last_line_was_cut_keeps_all_others(pair: Pair, tmp_path: Path) -> None:
    file = copy_without_end(pair.results[0], tmp_path / "cut")
    lines = file.read_bytes().splitlines(keepends=True)
    last_task = max(number for number, line in enumerate(lines) if b'"event": "task"' in line)
    file.write_bytes(b"".join(lines[:last_task]) + lines[last_task][: len(lines[last_task]) // 2])

    status, shown = report(file.parent, tmp_path)

    assert status == 1
    assert shown["state"] == "incomplete"
    assert [engine["task_states"] for engine in shown["engines"]] == [{"completed": 2}, {"completed": 1}]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds nothing yet"),
        (b'{"event": "measu', "holds nothing yet"),
        (b"\xff\xfe\n{}\n", "cannot be read"),
        (b'{"event": "task"}\n{}\n', "cannot be read"),
        (b"[1]\n[2]\n", "cannot be read"),
    ],
)
def test_a_journal_that_makes_no_sense_is_said_to(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "journal.jsonl").write_bytes(content)
    shown = run("report", tmp_path, cwd=tmp_path)
    assert shown.status == 2
    assert says in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("name", ["measurement.json", "ledger.parquet"])
def test_a_damaged_result_is_said_to_be(pair: Pair, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(pair.results[0].folder, folder, ignore=shutil.ignore_patterns("servers", "records"))
    (folder / name).write_bytes((folder / name).read_bytes()[:100] + b"\xff")
    shown = run("report", folder, cwd=tmp_path)
    assert shown.status == 2
    assert f"{folder} cannot be read" in shown.err
    assert "Traceback" not in shown.err


def test_no_measurement_is_written_over(pair: Pair) -> None:
    folder = pair.results[0].folder
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*")}
    refused = run("run", "--tasks", "1", "--out", folder, cwd=pair.cwd)
    assert refused.status == 2
    assert f"{folder} holds a measurement already. Choose another folder with --out." in refused.err
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*")} == before


def test_nothing_else_is_written_over_either(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    refused = run("run", "--tasks", "1", "--out", tmp_path / "mine", cwd=tmp_path)
    assert refused.status == 2
    assert "holds files already" in refused.err
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("by", ["--out", "DURAMETER_RUN_RESULTS"])
def test_a_folder_that_cannot_be_written_is_said_to_be_one(tmp_path: Path, by: str) -> None:
    """Below a file no folder can be made, not even by root."""
    (tmp_path / "file").write_text("")
    below = tmp_path / "file" / "result"
    if by == "--out":
        refused = run("run", "--tasks", "1", "--out", below, cwd=tmp_path)
    else:
        refused = run("run", "--tasks", "1", cwd=tmp_path, DURAMETER_RUN_RESULTS=str(below))
    assert refused.status == 2
    assert f"{below} cannot be written: Not a directory" in refused.err
    assert "Traceback" not in refused.err
