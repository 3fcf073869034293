"""How a dev server is started is read from its own help; real ones are started in tests of their versions."""

import contextlib
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from durameter.engines.inngest.server import PORTS, Start, how_to_start
from durameter.errors import EngineMissingError
from durameter.processes.server import GuardedProcess, clean_environment, free_ports

NEWER = """
OPTIONS:
   --config string                                              Path to an Inngest configuration file
   --host string                                                Inngest server host
   --no-discovery                                               Disable app auto-discovery (default: false)
   --no-poll                                                    Disable polling of apps for updates (default: false)
   --port int, -p int                                           Inngest server port (default: 8288)

   Advanced

   --connect-executor-grpc-port int   Port to expose connect executor grpc endpoint (default: 50053)
   --connect-gateway-grpc-port int    Port to expose connect gateway grpc endpoint (default: 50052)
   --connect-gateway-port int         Port to expose connect gateway endpoint (default: 8289)
   --persist                          Persist data in between restarts (default: false)
   --retry-interval int               Retry interval in seconds for linear backoff (default: 0)
   --tick int                         The interval (in milliseconds) (default: 150)
"""
"""From 1.44.0."""
OLDER = "".join(
    line + "\n"
    for line in NEWER.splitlines()
    if not any(new in line for new in ("--persist", "-grpc-port", "Advanced"))
)
"""1.12.1 offers the same without these."""
BARE = "OPTIONS:\n   --port string, -p string  Inngest server port\n"

Help = Callable[[str], Path]


@pytest.fixture
def program(tmp_path: Path) -> Help:
    def write(says: str) -> Path:
        path = tmp_path / "inngest"
        path.write_text(f"#!/bin/sh\n[ \"$*\" = 'dev --help' ] || exit 2\ncat <<'END'\n{says}END\n")
        path.chmod(0o755)
        return path

    return write


def options(start: Start) -> dict[str, str]:
    """What is asked for, by option; a switch has no value."""
    found: dict[str, str] = {}
    name = ""
    for word in start.argv[2:]:
        if word.startswith("--"):
            name = word[2:]
            found[name] = ""
        else:
            found[name] = word
    return found


CALM = {"no-discovery": "", "no-poll": "", "host": "127.0.0.1", "retry-interval": "1", "tick": "50"}


async def test_newer_server_is_told_all_its_ports_and_to_persist(program: Help, tmp_path: Path) -> None:
    start = await how_to_start(program(NEWER), tmp_path / "server", [1, 2, 3, 4])
    assert start.argv[:2] == (str(tmp_path / "inngest"), "dev")
    ports = {
        "port": "1",
        "connect-gateway-port": "2",
        "connect-gateway-grpc-port": "3",
        "connect-executor-grpc-port": "4",
    }
    assert options(start) == CALM | ports | {"persist": ""}
    assert start.environment == {"DO_NOT_TRACK": "1"}
    assert start.harmless == ()
    assert len(start.notes) == 1


async def test_older_server_persists_by_its_environment_and_keeps_its_own_connect_ports(
    program: Help, tmp_path: Path
) -> None:
    start = await how_to_start(program(OLDER), tmp_path / "server", [1, 2, 3, 4])
    assert options(start) == CALM | {"port": "1", "connect-gateway-port": "2"}
    assert start.environment == {"DO_NOT_TRACK": "1", "INNGEST_IN_MEMORY": "false"}
    assert any("50052 and 50053" in note for note in start.notes)


async def test_what_a_server_cannot_be_told_is_said(program: Help, tmp_path: Path) -> None:
    start = await how_to_start(program(BARE), tmp_path / "server", [1, 2, 3, 4])
    assert options(start) == {"port": "1"}
    assert any("loopback" in note for note in start.notes)
    assert any("half a minute" in note for note in start.notes)


@pytest.mark.parametrize("says", ["usage: something\n   --prot int\n", ""])
async def test_program_that_is_no_dev_server_is_an_error(program: Help, tmp_path: Path, says: str) -> None:
    with pytest.raises(EngineMissingError, match="offers no --port"):
        await how_to_start(program(says), tmp_path / "server", [1, 2, 3, 4])
    assert not (tmp_path / "server").exists()


async def test_program_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineMissingError, match="does not say how it is started"):
        await how_to_start(tmp_path / "nothing", tmp_path / "server", [1, 2, 3, 4])


async def test_database_is_in_wal_mode_before_the_start_and_is_kept_for_the_next(program: Help, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    start = await how_to_start(program(NEWER), folder, [1, 2, 3, 4])
    assert start.store == folder / ".inngest" / "main.db"
    with closing(sqlite3.connect(start.store)) as store:
        assert store.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        store.execute("CREATE TABLE runs (id)")
        store.commit()
    again = await how_to_start(program(NEWER), folder, [5, 6, 7, 8])
    with closing(sqlite3.connect(again.store)) as store:
        assert store.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
    # The search for a configuration upwards ends here, with nothing.
    assert (folder / "inngest.json").read_text() == "{}\n"


async def test_database_is_in_memory_where_the_server_does_not_last_and_there_is_room(
    program: Help, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "memory"
    monkeypatch.setattr("durameter.engines.inngest.server._MEMORY", memory)
    monkeypatch.setattr("durameter.engines.inngest.server._ROOM", 1)
    nowhere = await how_to_start(program(NEWER), tmp_path / "no memory", [1, 2, 3, 4], lasting=False)
    memory.mkdir()
    lasting = await how_to_start(program(NEWER), tmp_path / "lasting", [1, 2, 3, 4])
    start = await how_to_start(program(NEWER), tmp_path / "server", [1, 2, 3, 4], lasting=False)
    monkeypatch.setattr("durameter.engines.inngest.server._ROOM", 2**60)
    full = await how_to_start(program(NEWER), tmp_path / "full", [1, 2, 3, 4], lasting=False)
    again = await how_to_start(program(NEWER), tmp_path / "full", [1, 2, 3, 4], lasting=False)
    assert nowhere.lent == lasting.lent == full.lent == again.lent == ()
    assert start.lent == (tmp_path / "server" / ".inngest",)
    (mine,) = memory.iterdir()
    assert (start.store.resolve(), mine.stat().st_mode & 0o077) == (mine / "main.db", 0)
    assert all(each.store.resolve().is_relative_to(each.store.parents[1]) for each in (nowhere, lasting, full))


SERVES = """#!/bin/sh
echo '{{"level":"ERROR","msg":"could not listen for grpc","err":"listen tcp :50053: bind: address already in use"}}'
sleep 1
exec "{python}" -m http.server --bind 127.0.0.1 "{port}"
"""
"""What 1.12.1 does beside another one: it says so of its Connect executor, and serves."""


@pytest.mark.parametrize(("says", "ready"), [(OLDER, True), (NEWER, False)])
async def test_taken_port_that_cannot_be_chosen_does_no_harm(
    program: Help, tmp_path: Path, says: str, ready: bool
) -> None:
    ports = free_ports(PORTS)
    start = await how_to_start(program(says), tmp_path / "server", ports)
    (tmp_path / "inngest").write_text(SERVES.format(python=sys.executable, port=ports[0]))
    process = await GuardedProcess.start(
        "The server", start.argv, folder=tmp_path / "server", environment=clean_environment(tmp_path)
    )

    async def answers() -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            with contextlib.suppress(httpx.HTTPError):
                return (await http.get(f"http://127.0.0.1:{ports[0]}/")).is_success
        return False

    try:
        assert await process.ready(answers, port=ports[0], harmless=start.harmless) is ready
    finally:
        await process.stop()
