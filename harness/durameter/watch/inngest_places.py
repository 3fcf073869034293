"""Where an Inngest app may be: ports that opened since the command began, and the paths that SDKs document."""

import contextlib
import socket
from collections.abc import Collection
from dataclasses import dataclass, field

import httpx
import psutil

__all__ = ["PATHS", "PORTS", "Answer", "Places", "ask_app", "target_of"]

PORTS = (80, *range(3000, 3012), 4000, 4321, 5000, 5173, 8000, 8001, 8080, 8081, 8787, 8888, 9000, 9999)
"""Where frameworks listen by default: what the dev server's own discovery tries, and a few more."""
PATHS = ("/api/inngest", "/x/inngest", "/.netlify/functions/inngest", "/.redwood/functions/inngest")
"""Where SDKs are served by default."""

_HOSTS = ("127.0.0.1", "::1")
_SDK = "x-inngest-"
"""How headers of the SDKs' answers begin."""
_CONNECT_SECONDS = 0.3
_ASK_SECONDS = 3.0


@dataclass(frozen=True)
class Answer:
    """What a URL said."""

    app: bool = False
    """Whether it is an Inngest SDK's."""
    answered: bool = False
    """Whether it answered as HTTP at all."""
    why: str = ""
    """If not an app: what it said instead; empty where nothing listens."""


@dataclass
class Places:
    """What the machine's ports were before the command, and are now."""

    before: frozenset[int] = field(default_factory=lambda: frozenset(open_of(PORTS)))
    """Usual ports on which something listened already: another program's."""
    others: frozenset[int] = field(default_factory=lambda: frozenset(_children()))
    """Processes of durameter's own."""

    def now(self) -> tuple[list[int], list[int]]:
        """Ports on which the command's own processes listen, and usual ones that opened since it began."""
        own = sorted(self._own())
        usual = [port for port in open_of(PORTS) if port not in self.before and port not in own]
        return own, usual

    def _own(self) -> set[int]:
        """Ports of processes that descend from this one and came after its servers.

        A process that has left the family (a daemon, a container) is found by usual ports only.
        """
        found: set[int] = set()
        for pid in _children() - self.others:
            with contextlib.suppress(psutil.Error):
                found |= {
                    each.laddr.port
                    for each in psutil.Process(pid).net_connections("tcp")
                    if each.status == psutil.CONN_LISTEN and each.laddr
                }
        return found


def _children() -> set[int]:
    try:
        return {child.pid for child in psutil.Process().children(recursive=True)}
    except psutil.Error:
        return set()


def open_of(ports: Collection[int]) -> list[int]:
    """Those on which something listens on this machine's loopback interface."""
    return [port for port in ports if any(_listens(host, port) for host in _HOSTS)]


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), _CONNECT_SECONDS):
            return True
    except OSError:
        return False


def target_of(url: httpx.URL) -> str:
    """`host:port` that can be connected to: a program may listen by one of localhost's two addresses alone."""
    port = url.port or (443 if url.scheme == "https" else 80)
    if url.host in {"localhost", *_HOSTS, "0.0.0.0", "::"}:  # noqa: S104 - compared with, not listened on
        host = next((each for each in _HOSTS if _listens(each, port)), "127.0.0.1")
    else:
        host = url.host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def ask_app(url: str, http: httpx.AsyncClient) -> Answer:
    """Ask whether an Inngest SDK answers there. Nothing is changed by it."""
    try:
        answer = await http.get(url, timeout=_ASK_SECONDS, follow_redirects=False)
    except httpx.ConnectError:
        return Answer()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(why=f"{type(error).__name__}: it does not answer as HTTP")
    if any(name.startswith(_SDK) for name in answer.headers):  # also of an app that wants the question signed
        return Answer(app=True, answered=True)
    try:
        said = answer.json()
    except ValueError:
        said = None
    if isinstance(said, dict) and "function_count" in said:
        return Answer(app=True, answered=True)
    return Answer(answered=True, why=f"status {answer.status_code}, and not as an Inngest app")
