"""The reader's side of a tap: how to start one, and its rows as they are written."""

from pathlib import Path

from durameter_collectors.inngest.counts import NAMELESS_STEP
from durameter_collectors.inngest.wire.index import WireIndex
from durameter_collectors.inngest.wire.record import ROW, WireProblem, WireRow
from durameter_collectors.tapping.client import TapClient

__all__ = ["BLIND_SPOTS", "WireLog", "tap_command"]

BLIND_SPOTS = (
    "apps and clients that do not connect through the tap, and apps that use Connect",
    NAMELESS_STEP,
    "events that an app sends outside of step.send_event: no exchange says which run sent them",
)


def tap_command(python: str, *, out: Path, control: int) -> list[str]:
    """The command line of a tap without routes; `WireLog.before_app` and `before_server` add them.

    Args:
        python: the interpreter to run it with.
        out: file for the rows; it is appended to.
        control: port on loopback for a `WireLog`.
    """
    # -P: a module in the working folder must not be mistaken for one of Python's.
    return [python, "-P", "-m", __package__, "--out", str(out), "--control", str(control)]


class WireLog:
    """A running tap: its routes and its rows."""

    def __init__(self, file: Path, control: int) -> None:
        self._tap: TapClient[WireRow] = TapClient(file, control, ROW)
        self.rows: list[WireRow] = []
        """As of the last `settle`, in order."""
        self.index = WireIndex()
        """The same rows, by run and kind."""

    async def ready(self) -> bool:
        """Whether the tap answers and its decoder decodes."""
        return await self._tap.ready()

    async def before_app(self, target: str, *, host: str = "127.0.0.1") -> int:
        """Listen for a server's requests to an app at `target` (`host:port`); returns the port.

        The app must name this address as its origin when it registers.

        Raises:
            TapError: the tap has died, or cannot listen on `host`.
        """
        return await self._tap.route("app", f"{host}:0", target)

    async def before_server(self, target: str, *, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen for what clients and apps send to a server at `target` (`host:port`); returns the port.

        Args:
            target: the server's address.
            host: where to listen; an IPv6 address is in brackets.
            port: 0 for a free one.

        Raises:
            TapError: the tap has died, or cannot listen there.
        """
        return await self._tap.route("server", f"{host}:{port}", target)

    async def settle(self) -> None:
        """Read every row of what passed the tap before now; SDK requests under way are waited for, 5 s at most.

        Raises:
            TapError: the tap or its decoder has died, or a row cannot be read.
        """
        self.rows += await self._tap.settle()
        self.index.take(self.rows)  # all of them: two calls at once may end in either order

    async def stats(self) -> dict[str, object]:
        """Connections so far, bytes that wait for the decoder, seconds that it was waited for.

        Raises:
            TapError: the tap has died.
        """
        return await self._tap.stats()

    def problems(self) -> list[WireProblem]:
        """What could not be read, as of the last `settle`."""
        return [row for row in self.rows if isinstance(row, WireProblem)]
