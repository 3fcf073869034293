"""Watch a program on Temporal: a server of its own, or one that runs already, with a tap on the usual port too."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from temporalio.service import RPCError, RPCStatusCode

from durameter.config import Config
from durameter.engines.base import Progress
from durameter.engines.discovery import Found, Watched, WatchOptions
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.discover_tasks import Finder, list_query
from durameter.engines.temporal.engine import ReachedTemporal, TemporalEngine
from durameter.engines.temporal.server import connect, register
from durameter.engines.temporal.watch_session import WatchSession
from durameter.engines.temporal.watch_target import check_options, nothing_found, pointed_at, usual_ports
from durameter.errors import DurameterError, EngineMissingError, UsageError
from durameter_collectors.temporal.history import BLIND_SPOTS as HISTORY_BLIND_SPOTS

__all__ = ["check", "watched"]

_ABORTED = (
    " (a Python program with Temporal's SDK may end so after all its work, in the interpreter's finalization: "
    "temporalio/sdk-python issue 300)"
)
_SETTLE_SECONDS = 30.0
_LOOK_SECONDS = 0.3
_OTHERS = (
    "what other programs than this command did on that server, where no history shows it: queries, heartbeats, "
    "rejected updates, schedule operations"
)
_HIDDEN = ("TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE", "TEMPORAL_TLS*", "TEMPORAL_GRPC_META_*")
"""Variables that the SDKs read and that would turn the command away from the tap, which speaks no TLS."""


def check(options: WatchOptions, config: Config) -> None:
    """Check that options and configuration are for Temporal and go together.

    Raises:
        UsageError: they do not.
        EngineMissingError: a key is missing.
    """
    check_options(options, pointed_at(TemporalConfig.of(config), options.attach))


@asynccontextmanager
async def watched(
    options: WatchOptions, config: Config, folder: Path, progress: Progress
) -> AsyncIterator["WatchedTemporal"]:
    """Reach Temporal for one watch.

    Raises:
        UsageError: an option is not for Temporal, or does not go with another one.
        EngineMissingError: no server can be had, or a key for it is missing.
    """
    temporal = pointed_at(TemporalConfig.of(config), options.attach)
    attached = bool(temporal.address)
    if not options.command:
        temporal = temporal.model_copy(update={"tap": False, "metrics_url": ""})
    namespace = temporal.namespace or "default"
    settings = config.with_section("temporal", temporal)
    async with TemporalEngine().reached(settings, folder, progress) as reached:
        reader = await connect(temporal, reached.info.address, namespace)
        if not attached and namespace != "default":
            await register(reader, namespace)
        session = WatchSession(
            reader,
            reader,
            reached.info.model_copy(update={"namespace": namespace}),
            tap=reached.tap,
            meter=reached.meter,
            own_namespace=not attached,
            processes=[reached.server] if reached.server else [],
            ends_work=False,
        )
        await session.begin()
        notes: list[str] = []
        if reached.tap and options.usual_ports and not (attached and reached.tap_speaks_tls):
            notes += await usual_ports(reached.tap, reached.info.address)
        yield WatchedTemporal(options, session, reached, tuple(notes), folder, attached=attached)


class WatchedTemporal(Watched):
    """A reached server and the tap before it."""

    def __init__(
        self,
        options: WatchOptions,
        session: WatchSession,
        reached: ReachedTemporal,
        notes: tuple[str, ...],
        folder: Path,
        *,
        attached: bool,
    ) -> None:
        self.session: WatchSession = session
        self.notes = notes
        self.abort_note = _ABORTED
        empty = folder.absolute() / "no-profiles.toml"
        empty.touch()
        self.environment = {
            "TEMPORAL_ADDRESS": session.address,
            "TEMPORAL_HOST_URL": session.address,  # older samples of Temporal's own
            "TEMPORAL_GRPC_ENDPOINT": session.address,
            "TEMPORAL_NAMESPACE": session.info.namespace,
            "TEMPORAL_CONFIG_FILE": str(empty),
        }
        self.hidden = _HIDDEN if attached else (*_HIDDEN, "TEMPORAL_API_KEY")
        if attached and reached.tap_speaks_tls:
            self.environment["TEMPORAL_TLS"] = "false"  # a key makes the SDKs speak TLS otherwise
        if attached and (key := reached.api_key):
            self.environment["TEMPORAL_API_KEY"] = key
        self._options = options
        self._reached = reached
        self._attached = attached
        self._begun = datetime.now(UTC)
        self._settled = False
        self._finder = Finder(session, options, None if options.command and not attached else self._query())

    def _query(self) -> str:
        since = self._options.since or (self._begun if self._options.command else None)
        return list_query(since, self._options.until, self._options.query)

    async def begin(self) -> None:
        """Nothing has to be looked for."""

    async def settle(self) -> None:
        """Until the list of executions and what the tap saw stay the same."""
        if self._options.command:
            try:
                await self._until_still()
            except RPCError as error:
                raise self._silent(error) from error
        self._settled = True

    async def _until_still(self) -> None:
        loop = asyncio.get_running_loop()
        deadline, quiet, before = loop.time() + _SETTLE_SECONDS, loop.time(), await self._finder.state()
        while loop.time() < min(deadline, quiet + self._options.idle_seconds):
            await asyncio.sleep(_LOOK_SECONDS)
            now = await self._finder.state()
            if now != before:
                before, quiet = now, loop.time()

    def _silent(self, error: RPCError) -> DurameterError:
        if error.status == RPCStatusCode.INVALID_ARGUMENT and self._options.query:
            return UsageError(
                f"--query {self._options.query!r} is no list filter: {error.message}. Such as: WorkflowType = 'Order'"
            )
        info = self.session.info
        return EngineMissingError(
            f"The Temporal server at {info.address} does not list its workflows: {error.message}. Is its namespace "
            f"{info.namespace!r} (DURAMETER_TEMPORAL_NAMESPACE), and may this key list there?"
        )

    async def tasks(self) -> Sequence[Found]:
        """Roots, schedules and standalone activities, grouped by the key."""
        try:
            found = await self._finder.tasks(final=self._settled)
        except (RPCError, UsageError) as error:
            if not self._settled:
                return ()  # the next look may succeed; the last one must
            if isinstance(error, RPCError):
                raise self._silent(error) from error
            raise
        if not self._settled:
            return found
        if not found:
            raise UsageError(await nothing_found(self._reached, self._options, self.session, self.notes))
        if self._options.key is not None and not self._finder.fitting:
            some = ", ".join(repr(each.roots[0]) for each in found[:3])
            raise UsageError(
                f"--task-key {self._options.key} fits none of the {len(found)} tasks, such as {some}. "
                "Leave it out, and each root workflow is a task."
            )
        return found

    @property
    def unseen(self) -> tuple[str, ...]:  # type: ignore[override]  # read at the end only: counting tells more of it
        """What these sources cannot show."""
        blind: list[str] = []
        if self._reached.tap is None:
            blind += [f"{spot} (no tap was there to see them)" for spot in HISTORY_BLIND_SPOTS]
            blind.append("standalone activities, of which the server keeps no history")
        elif self._attached:
            blind += [_OTHERS, *self.session.older()]
        if self._finder.untouched:
            blind.append(
                f"{self._finder.untouched} tasks began meanwhile that this command never touched, and are left out as "
                "another program's (--query counts what it matches)"
            )
        return tuple(blind)
