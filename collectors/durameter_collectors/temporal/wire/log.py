"""The reader's side of a tap: how to start one, and its rows per namespace as they are written."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from durameter_collectors.temporal.wire.record import WireAction, WireProblem
from durameter_collectors.temporal.wire.upstream import Tls

__all__ = ["BLIND_SPOTS", "ROW", "WireError", "WireLog", "tap_command"]

BLIND_SPOTS = (
    "what the server does by itself: schedule fires, batch and deployment workflows, runs by retry policy or cron",
    "calls of clients and workers that do not connect through the tap",
    "an activity attempt that the server handed to a poll which its worker had just given up",
)

ROW: TypeAdapter[WireAction | WireProblem] = TypeAdapter(
    Annotated[WireAction | WireProblem, Field(discriminator="record")]
)
_OPEN_SECONDS = 5.0
"""How long answers under way are waited for: a workflow's result may overtake the answer to its worker."""
_LOOK_SECONDS = 0.02
_ANSWER_SECONDS = 120.0
"""A decoder with a full queue before it needs some seconds."""


class WireError(Exception):
    """The tap's rows are not to be had, or not all of them."""


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
        self._file = file
        self._control = control
        self._read = 0
        self._actions: dict[str, list[WireAction]] = defaultdict(list)
        self._problems: dict[str, list[WireProblem]] = defaultdict(list)

    async def ready(self) -> bool:
        """Whether the tap listens and its decoder decodes."""
        try:
            await self._ask("mark")
        except WireError:
            return False
        return True

    async def settle(self) -> None:
        """Read every row of what passed the tap before now.

        Calls that may be Actions and whose answers are still under way are waited for, 5 s at most.

        Raises:
            WireError: the tap or its decoder has died, or a row cannot be read.
        """
        answer = await self._ask("mark")
        asked, deadline = answer["calls"], time.monotonic() + _OPEN_SECONDS
        while answer["open"] is not None and answer["open"] <= asked and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)
            answer = await self._ask("mark")
        self._read_rows()

    def actions(self, namespace: str) -> Sequence[WireAction]:
        """What billable calls did in a namespace, as of the last `settle`."""
        return self._actions[namespace]

    def problems(self, namespace: str) -> Sequence[WireProblem]:
        """What could not be read in a namespace or in no namespace that could be told, as of the last `settle`."""
        return [*self._problems[""], *(self._problems[namespace] if namespace else ())]

    async def stats(self) -> dict[str, Any]:
        """Of the tap: connections so far, bytes that wait for the decoder, seconds that calls waited for it.

        Raises:
            WireError: the tap has died.
        """
        return await self._ask("stats")

    def _read_rows(self) -> None:
        try:
            with self._file.open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except OSError as error:
            raise WireError(f"The tap's rows cannot be read: {error}") from error
        whole = data[: data.rfind(b"\n") + 1]
        for line in whole.splitlines():
            try:
                row = ROW.validate_json(line)
            except ValidationError as error:
                raise WireError(f"A row in {self._file} is damaged. Measure again. ({error})") from error
            if isinstance(row, WireAction):
                self._actions[row.namespace].append(row)
            else:
                self._problems[row.namespace].append(row)
        self._read += len(whole)

    async def _ask(self, command: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._control)
                try:
                    writer.write(command.encode() + b"\n")
                    line = await reader.readline()
                finally:
                    writer.close()
        except TimeoutError as error:
            raise WireError(f"The tap's decoder has not caught up within {_ANSWER_SECONDS:g} s.") from error
        except OSError as error:
            raise WireError(f"The tap has died: its control port does not answer ({error}).") from error
        if not line:
            raise WireError("The tap has died: it closed its control port.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WireError(f"Calls are not counted any more: {answer['error']}. Its log says why. Measure again.")
        return answer
