"""Apps of a watched program: found, put behind the tap, and registered so that the server calls them through it."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import psutil

from durameter.engines.base import Progress
from durameter.engines.inngest.session import InngestSession, refused
from durameter_collectors.inngest.api.graphql import InngestApi, InngestApiError, promised
from durameter_collectors.tapping.client import TapError

__all__ = [
    "PATHS",
    "PORTS",
    "Answer",
    "Apps",
    "FoundApp",
    "Places",
    "Registered",
    "ask_app",
    "registered_on",
    "target_of",
]

# Where an Inngest app may be: ports that opened since the command began, and the paths that SDKs document.

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


_LOOK_SECONDS = 0.25
_SLOW_SECONDS = 2.0
_EAGER_LOOKS = 40
"""How often a port is asked at every look; it may listen before it serves. Later it is asked only now and then."""
_REGISTER_SECONDS = 30.0
_TRIES = 5
"""How often an app is asked to register: it may answer before it can."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Registered:
    """An app as the server knows it."""

    id: str
    url: str
    functions: tuple[str, ...]
    """Slugs."""
    error: str = ""


@dataclass
class FoundApp:
    """An app behind the tap, or one that could not be put there."""

    url: str
    """Its own."""
    through: str
    """Where the server shall call it."""
    id: str = ""
    since: datetime | None = None
    """When it was registered through the tap; None before."""
    checked: datetime | None = None
    """When the server was last seen to call it through the tap."""
    beside: list[tuple[datetime, datetime]] = field(default_factory=list)
    """From when until when the server may have called it beside the tap, since it had registered by itself."""
    there: bool = True
    """Whether it answered when it was asked last."""
    problem: str = ""
    tries: int = 0


async def registered_on(api: InngestApi) -> list[Registered]:
    """Apps that a server has now.

    Raises:
        InngestApiError: it does not say.
    """
    data = await api.ask("{apps{name externalID url error functions{slug}}}")
    with promised():
        return [
            Registered(
                str(each.get("name") or each.get("externalID") or ""),
                str(each.get("url") or ""),
                tuple(str(function["slug"]) for function in each.get("functions") or []),
                str(each.get("error") or ""),
            )
            for each in data.get("apps") or []
        ]


class Apps:
    """Looks for apps as long as the command runs."""

    def __init__(
        self, session: InngestSession, *, named: Sequence[str], progress: Progress, places: Places | None = None
    ) -> None:
        self._session = session
        self._progress = progress
        self.places = places or Places()
        self._named = tuple(named)
        self._asked: dict[int, int] = {}
        self._before: frozenset[str] = frozenset()
        self._slow = 0.0
        self._begun = datetime.now(UTC)
        self.found: dict[str, FoundApp] = {}
        """By `host:port` and path."""
        self.silent: dict[str, str] = {}
        """Named URLs, and what they say instead of being an app."""
        self.strange: set[int] = set()
        """Ports of the command on which something listens that is no Inngest app."""

    async def prepare(self) -> None:
        """Note which apps a server that runs already has: they are not the command's."""
        self._before = frozenset(app.url for app in await self.registered())

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.look()
            except (InngestApiError, TapError) as error:  # whoever waits for the server's death will say so
                _log.debug("a look for apps failed: %s", error)
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Look once: at what was named, at what registered by itself, at ports that opened."""
        for url in self._named:
            if _key(url) not in self.found:
                await self._ask_named(url)
        now = datetime.now(UTC)
        for app in await self.registered():
            ours = httpx.URL(app.url).port in self._session.ports if app.url else True
            if not ours and app.url not in self._before:
                await self._take(app.url)
                if (found := self.found.get(_key(app.url))) is not None:
                    found.beside.append((found.checked or self._begun, datetime.now(UTC)))
            elif (mine := next((each for each in self.tapped() if each.through == app.url), None)) is not None:
                mine.checked = now
        if not self._named:
            await self._search()
        await self._restarted()

    async def registered(self) -> list[Registered]:
        """Apps that the server has now.

        Raises:
            InngestApiError: it does not say.
        """
        return await registered_on(self._session.api)

    def tapped(self) -> list[FoundApp]:
        """Apps that the server calls through the tap."""
        return [app for app in self.found.values() if app.since is not None]

    async def alive(self) -> bool:
        """Whether any of them still answers."""
        for app in self.tapped():
            if (await ask_app(app.url, self._session.http)).app:
                return True
        return False

    async def give_back(self) -> None:
        """Register apps that still answer as they were: the tap ends, and the server must reach them without it."""
        for app in self.tapped():
            if (await ask_app(app.url, self._session.http)).app:
                try:
                    await self._session.http.put(app.url, timeout=_REGISTER_SECONDS)
                except httpx.HTTPError as error:
                    _log.warning("The app %s could not be registered at its own address again: %r", app.url, error)

    async def _ask_named(self, url: str) -> None:
        answer = await ask_app(_local(url), self._session.http)
        if answer.app:
            self.silent.pop(url, None)
            await self._take(_local(url))
        elif answer.answered or url not in self.silent:  # at the end nothing listens any more
            self.silent[url] = answer.why

    async def _search(self) -> None:
        own, usual = await asyncio.to_thread(self.places.now)
        ports = self._session.ports
        for port in [*own, *usual]:
            if port in ports or self._known(port):
                continue
            looks = self._asked[port] = self._asked.get(port, 0) + 1
            if looks > _EAGER_LOOKS and looks % int(_SLOW_SECONDS / _LOOK_SECONDS):
                continue
            host = target_of(httpx.URL(f"http://localhost:{port}"))
            for path in PATHS:
                answer = await ask_app(f"http://{host}{path}", self._session.http)
                if answer.app:
                    self.strange.discard(port)
                    await self._take(f"http://{host}{path}")
                    break
                if answer.why and port in own:
                    self.strange.add(port)

    def _known(self, port: int) -> bool:
        return any(httpx.URL(app.url).port == port for app in self.found.values())

    async def _restarted(self) -> None:
        """Register anew what was gone and is back: it may have other functions now."""
        now = asyncio.get_running_loop().time()
        if now - self._slow < _SLOW_SECONDS:
            return
        self._slow = now
        for app in self.found.values():
            if app.problem and app.through and app.tries < _TRIES:
                await self._register(app)
        for app in self.tapped():
            there = (await ask_app(app.url, self._session.http)).app
            if there and not app.there:
                await self._register(app)
            app.there = there

    async def _take(self, url: str) -> None:
        """Put the tap before an app and register it through it."""
        app = self.found.get(_key(url))
        if app is not None:
            if app.problem:
                return  # it is tried again by itself
        else:
            parts = httpx.URL(url)
            if parts.scheme == "https":
                self.found[_key(url)] = FoundApp(url, "", problem=_HTTPS.format(url=url))
                return
            origin = await self._session.before_app(target_of(parts))
            app = self.found[_key(url)] = FoundApp(_local(url), origin + parts.raw_path.decode().partition("?")[0])
        await self._register(app)

    async def _register(self, app: FoundApp) -> None:
        """Have the app register as the server shall know it: it takes its origin from the request's Host."""
        app.tries += 1
        through = httpx.URL(app.through)
        local = through.copy_with(host=self._session.local_host)
        host = f"{through.host}:{through.port}"
        try:
            answer = await self._session.http.put(local, headers={"Host": host}, timeout=_REGISTER_SECONDS)
        except httpx.HTTPError as error:
            # Once it has ended it does not answer: what it said before tells more.
            app.problem = app.problem or f"the app at {app.url} does not answer when it is asked to register: {error!r}"
            return
        mine = next((each for each in await self.registered() if httpx.URL(each.url).port == through.port), None)
        if mine is None or refused(answer):
            app.problem = await self._misplaced(app, answer)
            return
        if mine.error:
            app.problem = f"the server did not take the app at {app.url}: {mine.error}"
            return
        app.id, app.since, app.problem = mine.id, app.since or datetime.now(UTC), ""
        self._session.expect(mine.id)
        self._progress(f"the app {mine.id} at {app.url} is registered through the tap")

    async def _misplaced(self, app: FoundApp, answer: httpx.Response) -> str:
        said, own = answer.text[:300], httpx.URL(app.url)
        places = [(each, httpx.URL(each.url)) for each in await self.registered() if each.url not in self._before]
        beside = [each for each, place in places if (place.port, place.path) == (own.port, own.path)]
        if beside:  # its runs are its own all the same, and counted from their traces
            app.id = beside[0].id
            self._session.expect(app.id)
            return (
                f"the app at {app.url} registers at {beside[0].url}, whatever it is asked by: it fixes its own origin "
                "(INNGEST_SERVE_ORIGIN, INNGEST_SERVE_HOST, serveOrigin, serveHost, serve_origin). Its requests pass "
                "beside the tap and are not seen. Remove that setting for the measurement"
            )
        if refused(answer) or '"code"' in said:
            return (
                f"the app at {app.url} could not register with the server: {said}. Its SDK must know the server by "
                "INNGEST_DEV (or INNGEST_BASE_URL), as durameter sets it; an address in the program's own client "
                "options wins over it, and so does isDev: false (is_production=True)"
            )
        return (
            f"the app at {app.url} says that it has registered ({said}), and the server knows no function of it. Its "
            "SDK must know the server by INNGEST_DEV (or INNGEST_BASE_URL), as durameter sets it; an address in the "
            "program's own client options wins over it"
        )


_HTTPS = (
    "the app at {url} speaks TLS, and the tap cannot stand before it. Give its plain address on this machine by --app, "
    "such as http://localhost:3000/api/inngest"
)


def _local(url: str) -> str:
    """The same URL with an address that can be connected to."""
    parts = httpx.URL(url)
    return f"{parts.scheme}://{target_of(parts)}{parts.raw_path.decode()}"


def _key(url: str) -> str:
    parts = httpx.URL(url)
    host = "this machine" if parts.host in {"localhost", "127.0.0.1", "::1"} else parts.host
    return f"{host}:{parts.port or 80}{parts.path}"
