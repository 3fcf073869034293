"""Reach an Inngest server that is already there: a dev server, or one of `inngest start`, which asks for a key."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from pydantic import SecretStr

from durameter.engines.inngest import binary as inngest_binary
from durameter.engines.inngest.binary import options_of
from durameter.errors import EngineMissingError
from durameter.results.model import ServerInfo

__all__ = [
    "PORTS",
    "PORT_TAKEN",
    "SELF_HOSTED",
    "SigningKey",
    "Start",
    "how_to_start",
    "reach",
]

# How to start an Inngest dev server of any version: its own help decides, never the version that it prints.

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
PORT_TAKEN = (b"address already in use", b"Port conflict")
"""How its log tells of a taken port. After the second, it goes silently to another one."""


@dataclass(frozen=True)
class Start:
    """All that a start of one program needs."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    """Variables beside the clean environment."""
    store: Path
    """The database that the server will write, in WAL mode already."""
    lent: tuple[Path, ...] = ()
    """Its folder, where that is a link into memory."""
    notes: tuple[str, ...] = ()
    """What this program cannot be told, for people."""
    harmless: tuple[bytes, ...] = ()
    """What its log may say of ports in use although it serves: see `GuardedProcess.ready`."""


async def how_to_start(program: Path, folder: Path, ports: Sequence[int], *, lasting: bool = True) -> Start:
    """Ask a program how it is started, and prepare the folder that it will work in.

    A folder in which a server has worked before is left as it is: another start goes on with its state.

    Args:
        program: the dev server's program.
        folder: the server's working folder, absolute. An empty configuration file is put there, for the server looks
            for one in every folder upwards; and a database, unless it has one.
        ports: `PORTS` free ones.
        lasting: whether it may run for long: then its database is not in memory.

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
    home = folder / ".inngest"
    lent = () if lasting else _lent(home)
    store = _prepared_store(home)
    return Start(tuple(argv), environment, store, lent, tuple(notes), harmless=(_BIND_ERROR,) if fixed else ())


def _lent(home: Path) -> tuple[Path, ...]:
    """Make the database's folder a link into memory, where there is plenty of it. Returns the link, if so.

    The server waits for the disk after each step of a run. 300 runs of two steps went at 0.82 of the rate of a server
    without a database when it was on a disk, and at 1.26 when it was in memory (`benchmarks/watch_cost.py` without the
    tap). Memory outlives the server's process, however that ends; the guard then copies the folder home.
    """
    if home.exists() or not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK):
        return ()
    if min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available) < _ROOM:
        return ()
    home.symlink_to(tempfile.mkdtemp(prefix="durameter-", dir=_MEMORY))
    return (home,)


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


_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
"""Linux has a file system in memory there."""
_ROOM = 4 * 2**30
"""Bytes that must be free. A run of two steps writes a quarter of a megabyte."""

SELF_HOSTED = "self-hosted"
"""What stands for the version of a server that does not tell it."""
_SECONDS = 10.0


class SigningKey(httpx.Auth):
    """Gives the key to the server alone, never to an app that is asked by the same client."""

    def __init__(self, key: SecretStr, address: str) -> None:
        self._key = key
        self._server = httpx.URL(address)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header where the request goes to the server."""
        url = request.url
        if (url.scheme, url.host, url.port) == (self._server.scheme, self._server.host, self._server.port):
            request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


async def reach(address: str, key: SecretStr | None = None) -> ServerInfo:
    """Ask a server what it is.

    Args:
        address: its base URL.
        key: its signing key, where one is known.

    Raises:
        EngineMissingError: nothing that speaks Inngest answers, a key is missing or wrong, or its runs cannot be read.
    """
    auth = SigningKey(key, address) if key else None
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, auth=auth) as http:
            about = await http.get(f"{address}/dev")
            if about.is_success:
                return _info(address, str(about.json()["version"]))
            runs = await http.get(f"{address}/v2/runs", params={"limit": 1})
            gql = await http.post(f"{address}/v0/gql", json={"query": "{runs: apps{name}}"})
            problem = _problem(address, runs, shown=gql.is_success and "data" in _json(gql), keyed=key is not None)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError) as error:
        raise EngineMissingError(
            f"No Inngest dev server answers at {address}: {error!r}. Start it, or remove [inngest] address from the "
            "configuration (DURAMETER_INNGEST_ADDRESS, --attach) to let durameter start its own."
        ) from error
    if problem:
        raise EngineMissingError(problem)
    return _info(address, SELF_HOSTED)


def _info(address: str, version: str) -> ServerInfo:
    tested = version in inngest_binary.TESTED_VERSIONS
    return ServerInfo(version=version, origin="address", tested=tested, address=address)


def _problem(address: str, runs: httpx.Response, *, shown: bool, keyed: bool) -> str:
    if runs.status_code in {401, 403}:
        if keyed:
            return (
                f"The Inngest server at {address} refuses the signing key (status {runs.status_code}). Is it this "
                "server's, and of the right environment? INNGEST_SIGNING_KEY or DURAMETER_INNGEST_SIGNING_KEY has it."
            )
        return (
            f"The Inngest server at {address} asks for its signing key. Set INNGEST_SIGNING_KEY, or "
            "DURAMETER_INNGEST_SIGNING_KEY; it is never written to a result."
        )
    if shown:
        return ""
    if runs.is_success and isinstance(_json(runs).get("metadata"), dict):
        return (
            f"{address} has the REST API of Inngest and not the GraphQL API, by which durameter reads runs: Inngest "
            "Cloud, or a server with --no-ui. Run the program on a dev server (durameter watch without --attach), or "
            "start yours without --no-ui."
        )
    return (
        f"No Inngest server answers at {address} (status {runs.status_code}). Is that its address? A dev server's is "
        "http://127.0.0.1:8288. Without --attach or [inngest] address durameter starts its own."
    )


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
