"""How to start an Inngest dev server of any version: its own help decides, never the version that it prints.

Sources: `dev --help` of 1.12.1 and 1.44.0, and trials with both. 1.12.1 has no `--persist`: the environment variable
`INNGEST_IN_MEMORY=false` makes it write its database; and its Connect executor listens on a fixed port.
"""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from durameter.engines.inngest.binary import options_of
from durameter.errors import EngineMissingError

__all__ = ["PORTS", "Start", "how_to_start"]

PORTS = 4
"""How many free ports a start takes; the first is where the server answers."""

_PORT_OPTIONS = ("port", "connect-gateway-port", "connect-gateway-grpc-port", "connect-executor-grpc-port")
_SWITCHES = ("no-discovery", "no-poll", "persist")
_SETTINGS = {
    "host": "127.0.0.1",
    "retry-interval": "1",  # otherwise a retry comes after 30 s and more
    "tick": "50",
}
_CONNECT = (
    "the dev server opens its three Connect ports on all interfaces, whatever --host says (seen on 1.12.1 and 1.44.0); "
    "nothing is connected to them"
)
_FIXED = "two of its Connect ports cannot be chosen (50052 and 50053 on 1.12.1)"
_ANY_HOST = "the dev server cannot be told to listen on the loopback interface alone"
_SLOW = "the dev server's delay before a retry cannot be set: retries take half a minute and more"
_BIND_ERROR = b"could not listen for grpc"


@dataclass(frozen=True)
class Start:
    """All that a start of one program needs."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    """Variables beside the clean environment."""
    store: Path
    """The database that the server will write, in WAL mode already."""
    notes: tuple[str, ...] = ()
    """What this program cannot be told, for people."""
    harmless: tuple[bytes, ...] = ()
    """What its log may say of ports in use although it serves: see `GuardedProcess.ready`."""


async def how_to_start(program: Path, folder: Path, ports: Sequence[int]) -> Start:
    """Ask a program how it is started, and prepare the folder that it will work in.

    A folder in which a server has worked before is left as it is: another start goes on with its state.

    Args:
        program: the dev server's program.
        folder: the server's working folder, absolute. An empty configuration file is put there, for the server looks
            for one in every folder upwards; and a database, unless it has one.
        ports: `PORTS` free ones.

    Raises:
        EngineMissingError: the program does not say how it is started, or offers no `dev --port`.
    """
    offered = await asyncio.to_thread(options_of, program, "dev")
    if "port" not in offered:
        raise EngineMissingError(
            f"{program} is no Inngest dev server that durameter can start: its `dev --help` offers no --port. "
            "Name another program ([inngest] binary, DURAMETER_INNGEST_BINARY) or none."
        )
    argv = [str(program), "dev"]
    argv += [f"--{switch}" for switch in _SWITCHES if switch in offered]
    settings = dict(zip(_PORT_OPTIONS, map(str, ports), strict=True)) | _SETTINGS
    for option, value in settings.items():
        if option in offered:
            argv += [f"--{option}", value]
    environment = {"DO_NOT_TRACK": "1"}
    if "persist" not in offered:
        environment["INNGEST_IN_MEMORY"] = "false"
    fixed = "connect-executor-grpc-port" not in offered
    notes = [_CONNECT]
    notes += [_FIXED] if fixed else []
    notes += [_ANY_HOST] if "host" not in offered else []
    notes += [_SLOW] if "retry-interval" not in offered else []
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inngest.json").write_text("{}\n", encoding="utf-8")
    store = _prepared_store(folder / ".inngest")
    return Start(tuple(argv), environment, store, tuple(notes), harmless=(_BIND_ERROR,) if fixed else ())


def _prepared_store(folder: Path) -> Path:
    """A database in WAL mode for the server to open, where every version puts its own by default.

    In the server's own mode a reader makes it lose spans (`database is locked`), and everything is slower: 30 tasks
    took 26 s in WAL mode and 41 s without (measured). 1.12.1 and 1.44.0 both keep the mode that they find.
    """
    file = folder / "main.db"
    if file.exists():
        return file
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as store:
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("CREATE TABLE prepared (x)")  # the mode is kept only by a file that has a page
        store.execute("DROP TABLE prepared")
        store.commit()
    return file
