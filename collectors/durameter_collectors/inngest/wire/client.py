"""The reader's side of a tap: how to start one, and its rows as they are written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from durameter_collectors.inngest.opcodes import NAMELESS_STEP
from durameter_collectors.inngest.wire.rows import (
    ROW,
    WireCheckpoint,
    WireEvents,
    WireFunction,
    WireProblem,
    WireRequest,
    WireRow,
    WireSync,
    WireUnreached,
)
from durameter_collectors.inngest.wire.runs import RunOnWire, runs_on_wire, sent_by_steps
from durameter_collectors.tapping.client import TapClient

__all__ = [
    "BLIND_SPOTS",
    "WireIndex",
    "WireLog",
    "tap_command",
]

# Rows of the wire as they come, put together run by run.


class WireIndex:
    """Everything that passed a tap until now; runs are put together anew only when rows of theirs came."""

    def __init__(self) -> None:
        self.runs: dict[str, RunOnWire] = {}
        """By run id."""
        self.sent: dict[str, Mapping[str, Sequence[str]]] = {}
        """Run id → step id → ids of the events that it sent; every run that passed is named."""
        self.events: list[WireEvents] = []
        """Events that clients and apps sent, in order."""
        self.functions: dict[str, WireFunction] = {}
        """Functions as they were registered last, by id."""
        self.registered: dict[str, datetime] = {}
        """When each function was registered for the first time, by id."""
        self.problems: list[WireProblem] = []
        """What could not be read and belongs to no run that is known."""
        self.unreached: list[WireUnreached] = []
        """Connections that came to nothing."""
        self._rows: dict[str, list[WireRequest | WireCheckpoint | WireProblem]] = defaultdict(list)
        self._taken = 0

    def take(self, rows: Sequence[WireRow]) -> None:
        """Take in what is new.

        Args:
            rows: all rows so far, in order; a longer version of what was given before.
        """
        changed: set[str] = set()
        for row in rows[self._taken :]:
            if isinstance(row, WireRequest | WireCheckpoint | WireProblem) and row.run:
                self._rows[row.run].append(row)
                changed.add(row.run)
            elif isinstance(row, WireEvents):
                self.events.append(row)
            elif isinstance(row, WireSync):
                self.functions |= {function.id: function for function in row.functions}
                self.registered = {function.id: row.time for function in row.functions} | self.registered
            elif isinstance(row, WireUnreached):
                self.unreached.append(row)
            elif isinstance(row, WireProblem):
                self.problems.append(row)
        self._taken = len(rows)
        for run in changed:
            self.runs |= runs_on_wire(self._rows[run])
        self.sent |= sent_by_steps({run: self.runs[run] for run in changed if run in self.runs})

    def rows_of(self, run: str) -> Sequence[WireRequest | WireCheckpoint | WireProblem]:
        """What passed for a run, in order."""
        return self._rows.get(run, ())

    def run_until(self, run: str, moment: datetime) -> RunOnWire:
        """A run as it was at a moment: what was asked later is not there, what was answered later is unanswered."""
        rows = [_as_of(row, moment) for row in self.rows_of(run)]
        return runs_on_wire(row for row in rows if row is not None).get(run, RunOnWire())


def _as_of(
    row: WireRequest | WireCheckpoint | WireProblem, moment: datetime
) -> WireRequest | WireCheckpoint | WireProblem | None:
    if isinstance(row, WireProblem) or row.time <= moment:
        return row
    if isinstance(row, WireRequest) and row.asked <= moment:
        return row.model_copy(update={"status": 0, "operations": ()})
    return None


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
