"""The reader's side of a tap: how to start one, and its rows per namespace as they are written."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from durameter_collectors.tapping.client import TapClient, TapError
from durameter_collectors.tapping.upstream import Tls
from durameter_collectors.temporal.wire.rows import WireAction, WireProblem

__all__ = ["BLIND_SPOTS", "ROW", "WireError", "WireLog", "tap_command"]

BLIND_SPOTS = (
    "what the server does by itself: schedule fires, batch and deployment workflows, runs by retry policy or cron",
    "calls of clients and workers that do not connect through the tap",
    "an activity attempt that the server handed to a poll which its worker had just given up",
)

ROW: TypeAdapter[WireAction | WireProblem] = TypeAdapter(
    Annotated[WireAction | WireProblem, Field(discriminator="record")]
)

WireError = TapError
"""The tap's rows are missing or incomplete."""


def tap_command(python: str, *, listen: str, target: str, out: Path, control: int, tls: Tls | None = None) -> list[str]:
    """The command line of a tap.

    Args:
        python: the interpreter to run it with.
        listen: host and port for clients and workers.
        target: host and port of the server.
        out: file for the rows; it is appended to.
        control: port on loopback for a `WireLog`.
        tls: when the server speaks TLS.
    """
    words = ["--listen", listen, "--target", target, "--out", str(out), "--control", str(control)]
    # -P: a module in the working folder must not be mistaken for one of Python's.
    return [python, "-P", "-m", __package__, *words, *(tls.arguments() if tls else ())]


class WireLog:
    """Rows of a running tap."""

    def __init__(self, file: Path, control: int) -> None:
        self._tap: TapClient[WireAction | WireProblem] = TapClient(file, control, ROW)
        self._actions: dict[str, list[WireAction]] = defaultdict(list)
        self._problems: dict[str, list[WireProblem]] = defaultdict(list)

    async def ready(self) -> bool:
        """Whether the tap listens and its decoder decodes."""
        return await self._tap.ready()

    async def settle(self) -> None:
        """Read every row of what passed the tap before now.

        Calls that may be Actions and whose answers are still under way are waited for, 5 s at most.

        Raises:
            WireError: the tap or its decoder has died, or a row cannot be read.
        """
        for row in await self._tap.settle():
            if isinstance(row, WireAction):
                self._actions[row.namespace].append(row)
            else:
                self._problems[row.namespace].append(row)

    def actions(self, namespace: str) -> Sequence[WireAction]:
        """What billable calls did in a namespace, as of the last `settle`."""
        return self._actions[namespace]

    def problems(self, namespace: str) -> Sequence[WireProblem]:
        """What could not be read in a namespace or in no namespace that could be told, as of the last `settle`."""
        return [*self._problems[""], *(self._problems[namespace] if namespace else ())]

    def namespaces(self) -> list[str]:
        """Every namespace in which something billable was seen, as of the last `settle`."""
        return sorted(name for name, actions in self._actions.items() if actions)

    async def route(self, listen: str, target: str) -> int:
        """Listen on one more address, `host:port`, for the same server, without TLS; returns the port.

        Raises:
            WireError: the tap has died, or cannot listen there.
        """
        return await self._tap.route("frontend", listen, target)

    async def stats(self) -> dict[str, Any]:
        """Of the tap: connections so far, bytes that wait for the decoder, seconds that calls waited for it.

        Raises:
            WireError: the tap has died.
        """
        return await self._tap.stats()
