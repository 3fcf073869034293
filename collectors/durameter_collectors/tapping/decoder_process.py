"""The way from a tap to its decoder: a bounded queue, marks, and notice of the decoder's death."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol, cast

from durameter_collectors.tapping.decoding import Kind, pack

__all__ = ["BACKLOG_BYTES", "DecoderProcess"]

BACKLOG_BYTES = 64 * 1024 * 1024
"""Copied bytes that wait for the decoder, at most; besides, one read of each connection."""
_LINGER_SECONDS = 0.02
"""Copies go to the decoder in bunches: each bunch wakes it up."""
_BUNCH_BYTES = 256 * 1024
_NOTED_SECONDS = 0.1
"""A shorter wait for the decoder is not worth a word."""
_ENDING_SECONDS = 8.0
"""The decoder may write what is left for so long when the tap is asked to end."""


class Reader(Protocol):
    """Whoever must not read while the queue is full."""

    def consider_reading(self) -> None:
        """Read, or stop."""


class DecoderProcess(asyncio.Protocol):
    """The way to the decoder process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.waited = 0.0
        """Seconds for which nothing was read because the decoder was behind."""
        self.full = False
        self._bunch: list[bytes] = []
        self._size = 0
        self._later: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._full_since = 0.0
        self._sides: set[Reader] = set()
        self._marks: dict[int, asyncio.Future[str]] = {}
        self._asked = 0
        self._answers = b""

    @classmethod
    async def start(cls, decoder: str, out: Path, *, backlog: int = BACKLOG_BYTES) -> "DecoderProcess":
        """Start the decoder.

        Args:
            decoder: the module to run as a program, which calls `decoding.run`.
            out: file for its rows.
            backlog: bytes that may wait for it.

        Raises:
            OSError: it cannot be started.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: ASYNC220 - takes milliseconds, before anything is served
                [sys.executable, "-P", "-m", decoder, str(out)],
                stdin=theirs.fileno(),
            )
        transport, made = await asyncio.get_running_loop().create_unix_connection(lambda: cls(process), sock=ours)
        transport.set_write_buffer_limits(high=backlog, low=backlog // 2)
        return made

    @property
    def dead(self) -> bool:
        """Whether the decoder has ended."""
        return self._transport is None or self._transport.is_closing()

    @property
    def backlog(self) -> int:
        """Bytes that wait for the decoder."""
        return self._size + (self._transport.get_write_buffer_size() if self._transport else 0)

    def put(self, kind: Kind, connection: int, data: bytes = b"") -> None:
        """Hand a copy on."""
        if self._transport is None:
            return
        self._bunch.append(pack(kind, connection, time.time(), len(data)))
        self._bunch.append(data)
        self._size += len(data)
        if self._size >= _BUNCH_BYTES:
            self.flush()
        elif self._later is None:
            self._later = asyncio.get_running_loop().call_later(_LINGER_SECONDS, self.flush)

    def flush(self) -> None:
        """Send the bunch."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._transport is not None and self._bunch:
            self._transport.write(b"".join(self._bunch))
        self._bunch.clear()
        self._size = 0

    async def mark(self) -> str:
        """Wait until everything before is decoded and written; returns the decoder's answer, JSON."""
        self._asked += 1
        answer = self._marks[self._asked] = asyncio.get_running_loop().create_future()
        self.put(Kind.MARK, self._asked)
        self.flush()
        if self.dead:
            self._fail_marks()
        text: str = await answer
        return text

    async def end(self) -> None:
        """Let the decoder write what is left, and wait for its end; by force after 8 s."""
        self.flush()
        if self._transport is not None:
            self._transport.close()
        deadline = time.monotonic() + _ENDING_SECONDS
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.process.kill()
            await asyncio.sleep(0.02)

    def add(self, side: Reader) -> None:
        """A side that must stop reading when the queue is full."""
        self._sides.add(side)

    def remove(self, side: Reader) -> None:
        """A side that has ended."""
        self._sides.discard(side)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The decoder's socket is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answers to marks, one per line."""
        *lines, self._answers = (self._answers + data).split(b"\n")
        for line in lines:
            waiting = self._marks.pop(int(json.loads(line)["mark"]), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(line.decode())

    def eof_received(self) -> None:
        """The decoder has gone."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it went, it is gone
        """The decoder has gone, or was told to."""
        self._transport = None
        self._bunch.clear()
        self._fail_marks()
        self.resume_writing()

    def _fail_marks(self) -> None:
        for waiting in self._marks.values():
            if not waiting.done():
                waiting.set_result(json.dumps({"error": "the decoder of the tap has died"}))
        self._marks.clear()

    def pause_writing(self) -> None:
        """The queue is full."""
        self.full, self._full_since = True, time.monotonic()
        for side in self._sides:
            side.consider_reading()

    def resume_writing(self) -> None:
        """There is room again."""
        if not self.full:
            return
        self.full = False
        waited = time.monotonic() - self._full_since
        self.waited += waited
        if waited >= _NOTED_SECONDS:
            what = f"calls waited {waited:.1f} s until the tap's decoder had caught up: slower, none is lost"
            self.put(Kind.NOTICE, 0, what.encode())
        for side in self._sides:
            side.consider_reading()
