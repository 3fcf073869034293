"""The harness's side of a tap: asks its control port and reads its rows as they are written."""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

__all__ = ["TapClient", "TapError"]

Row = TypeVar("Row")

_OPEN_SECONDS = 5.0
"""How long answers under way are waited for: what they cause may be seen elsewhere before they pass."""
_LOOK_SECONDS = 0.02
_ANSWER_SECONDS = 120.0
"""A decoder with a full queue before it needs some seconds."""


class TapError(Exception):
    """The tap's rows are missing or incomplete."""


class TapClient(Generic[Row]):
    """A running tap and its file of rows."""

    def __init__(self, file: Path, control: int, row: TypeAdapter[Row]) -> None:
        self._file = file
        self._control = control
        self._row = row
        self._read = 0

    async def ready(self) -> bool:
        """Whether the tap listens and its decoder decodes."""
        try:
            await self.ask("mark")
        except TapError:
            return False
        return True

    async def settle(self) -> Sequence[Row]:
        """Every row of what passed the tap before now and that no earlier call gave.

        Exchanges whose answers are still under way are waited for, 5 s at most.

        Raises:
            TapError: the tap or its decoder has died, or a row cannot be read.
        """
        answer = await self.ask("mark")
        asked, deadline = answer["calls"], time.monotonic() + _OPEN_SECONDS
        while answer["open"] is not None and answer["open"] <= asked and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)
            answer = await self.ask("mark")
        return self._new_rows()

    async def stats(self) -> dict[str, Any]:
        """Of the tap: connections so far, bytes that wait for the decoder, seconds that calls waited for it.

        Raises:
            TapError: the tap has died.
        """
        return await self.ask("stats")

    async def route(self, name: str, listen: str, target: str) -> int:
        """Open one more route; both addresses are `host:port`. Returns the port that it listens on.

        Raises:
            TapError: the tap has died, or cannot listen there.
        """
        return int((await self.ask(f"route {name} {listen} {target}"))["port"])

    def _new_rows(self) -> list[Row]:
        try:
            with self._file.open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except OSError as error:
            raise TapError(f"The tap's rows cannot be read: {error}") from error
        whole = data[: data.rfind(b"\n") + 1]
        try:
            rows = [self._row.validate_json(line) for line in whole.splitlines()]
        except ValidationError as error:
            raise TapError(f"A row in {self._file} is damaged. Measure again. ({error})") from error
        self._read += len(whole)
        return rows

    async def ask(self, command: str) -> dict[str, Any]:
        """Send a command to the control port and return its answer.

        Raises:
            TapError: the tap or its decoder has died, or it refused the command.
        """
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._control)
                try:
                    writer.write(command.encode() + b"\n")
                    line = await reader.readline()
                finally:
                    writer.close()
        except TimeoutError as error:
            raise TapError(f"The tap's decoder has not caught up within {_ANSWER_SECONDS:g} s.") from error
        except OSError as error:
            raise TapError(f"The tap has died: its control port does not answer ({error}).") from error
        if not line:
            raise TapError("The tap has died: it closed its control port.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer and command == "mark":
            raise TapError(f"Calls are not counted any more: {answer['error']}. Its log says why. Measure again.")
        if "error" in answer:
            raise TapError(f"The tap refused {command!r}: {answer['error']}.")
        return answer
