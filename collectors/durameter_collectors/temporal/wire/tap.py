"""The tap: passes bytes on between clients and a server, unchanged, and hands a copy to the decoder.

One thread stamps every chunk, so the decoder sees causes before effects. The copy waits in a queue that is bounded:
when it is full the tap stops reading until the decoder has caught up. Calls get slower then, and none is lost.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import sys
from typing import cast

from durameter_collectors.temporal.wire.courier import Courier
from durameter_collectors.temporal.wire.feed import Kind
from durameter_collectors.temporal.wire.upstream import Target

__all__ = ["Tap"]

_CONNECT_SECONDS = 10.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Linger for no time: closing sends a reset."""
_BUFFER = memoryview(bytearray(256 * 1024))
"""Every connection reads into this one and copies at once: a new buffer for each read costs more."""


class _Side(asyncio.BufferedProtocol):
    """One end of a connection through the tap: what it receives, the other side sends."""

    def __init__(self, courier: Courier, number: int, kind: Kind) -> None:
        self.transport: asyncio.Transport | None = None
        self.ended = False
        """Whether the end of what it sends has been seen."""
        self.other: _Side | None = None
        self._courier = courier
        self._number = number
        self._kind = kind
        self._other_is_full = False
        self._reading = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._courier.add(self)
        self.consider_reading()

    def join(self, other: "_Side") -> None:
        """Pass on to the other side from now on."""
        self.other, other.other = other, self
        self.consider_reading()
        other.consider_reading()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - one size fits all
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(_BUFFER[:nbytes])
        other = self.other
        if other is not None and other.transport is not None:
            other.transport.write(data)
            self._courier.put(self._kind, self._number, data)

    def consider_reading(self) -> None:
        """Read only when there is somebody to pass it on to, with room for it, and room for the copy."""
        wanted = self.other is not None and not self._other_is_full and not self._courier.full
        if self.transport is None or self.transport.is_closing() or wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        """This side takes no more for now: the other one must not read."""
        if self.other is not None:
            self.other.hold(full=True)

    def resume_writing(self) -> None:
        """This side takes more again."""
        if self.other is not None:
            self.other.hold(full=False)

    def hold(self, *, full: bool) -> None:
        """The other side takes no more for now, or again."""
        self._other_is_full = full
        self.consider_reading()

    def eof_received(self) -> bool:
        """No more comes from here; the other direction may go on."""
        self.ended = True
        other = self.other
        if other is None or other.transport is None or other.ended or not other.transport.can_write_eof():
            if other is not None and other.transport is not None:
                other.transport.close()
            return False
        other.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._courier.remove(self)
        self.transport = None
        other, self.other = self.other, None
        if other is None:
            return
        self._courier.put(Kind.CLOSED, self._number)
        other.other = None
        if other.transport is None:
            return
        if exc is None:
            other.transport.close()  # what is under way still arrives
        else:
            _reset(other.transport)


def _reset(transport: asyncio.Transport) -> None:
    """End a connection as its other half ended: by a reset."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


class Tap:
    """Accepts connections and joins each with one of its own to the target."""

    def __init__(self, courier: Courier, target: Target) -> None:
        self.courier = courier
        self.connections = 0
        self._target = target
        self._context = target.tls.context() if target.tls else None
        self._server_name = (target.tls.server_name or target.host) if target.tls else None
        self._joining: set[asyncio.Task[None]] = set()
        self._refused = False

    def accept(self) -> asyncio.BufferedProtocol:
        """A new client; the protocol factory of a listening socket."""
        return _Client(self)

    def number(self) -> int:
        """The next connection's."""
        self.connections += 1
        return self.connections

    def connect(self, client: "_Client", number: int) -> None:
        """Begin to reach the target for it."""
        task = asyncio.get_running_loop().create_task(self._join(client, number))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, client: "_Client", number: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                transport, server = await loop.create_connection(
                    lambda: _Side(self.courier, number, Kind.FROM_SERVER),
                    self._target.host,
                    self._target.port,
                    ssl=self._context,
                    server_hostname=self._server_name,
                )
        except (OSError, TimeoutError) as error:
            self._say(f"the target {self._target.host}:{self._target.port} cannot be reached: {error}")
            if client.transport is not None:
                client.transport.abort()
            return
        self._refused = False
        secured = transport.get_extra_info("ssl_object")
        if isinstance(secured, ssl.SSLObject) and secured.selected_alpn_protocol() != "h2":
            self._say("the target does not say that it speaks HTTP/2 (ALPN); it is tried all the same")
        if client.transport is None:  # it has gone meanwhile
            transport.close()
            return
        self.courier.put(Kind.OPENED, number)
        client.join(server)

    def _say(self, what: str) -> None:
        """Into the log, once per outage."""
        if not self._refused:
            self._refused = True
            sys.stderr.write(what + "\n")
            sys.stderr.flush()


class _Client(_Side):
    """The side of a client: reads nothing until the target is reached."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._own_number = tap.number()
        super().__init__(tap.courier, self._own_number, Kind.FROM_CLIENT)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._tap.connect(self, self._own_number)
