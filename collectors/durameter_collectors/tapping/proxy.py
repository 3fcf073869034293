"""Passes bytes on between clients and a server, unchanged, and hands a copy to the decoder.

One thread stamps every chunk, so the decoder sees causes before effects. The copy waits in a queue that is bounded:
when it is full the tap stops reading until the decoder has caught up. Calls get slower then, and none is lost.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import sys
from dataclasses import dataclass
from typing import cast

from durameter_collectors.tapping.decoder_process import DecoderProcess
from durameter_collectors.tapping.decoding import Kind
from durameter_collectors.tapping.upstream import Target, Tls

__all__ = ["Route", "Tap"]

_CONNECT_SECONDS = 10.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Linger for no time: closing sends a reset."""
_BUFFER = memoryview(bytearray(256 * 1024))
"""Every connection reads into this one and copies at once: a new buffer for each read costs more."""


class _Side(asyncio.BufferedProtocol):
    """One end of a connection through the tap: what it receives, the other side sends."""

    def __init__(self, decoder_process: DecoderProcess, number: int, kind: Kind) -> None:
        self.transport: asyncio.Transport | None = None
        self.ended = False
        """Whether the end of what it sends has been seen."""
        self.other: _Side | None = None
        self._decoder_process = decoder_process
        self._number = number
        self._kind = kind
        self._other_is_full = False
        self._reading = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._decoder_process.add(self)
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
            self._decoder_process.put(self._kind, self._number, data)

    def consider_reading(self) -> None:
        """Read only when there is somebody to pass it on to, with room for it, and room for the copy."""
        wanted = self.other is not None and not self._other_is_full and not self._decoder_process.full
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
        self._decoder_process.remove(self)
        self.transport = None
        other, self.other = self.other, None
        if other is None:
            return
        self._decoder_process.put(Kind.CLOSED, self._number)
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


@dataclass(frozen=True, slots=True)
class Route:
    """Where connections to one listening socket go."""

    name: str
    """What the decoder is told of each connection: which program speaks to which."""
    target: Target

    def say(self) -> str:
        """For the log."""
        return f"{self.target.host}:{self.target.port}"


class Tap:
    """Accepts connections and joins each with one of its own to its route's target."""

    def __init__(self, decoder_process: DecoderProcess) -> None:
        self.decoder_process = decoder_process
        self.connections = 0
        self._servers: list[asyncio.Server] = []
        self._joining: set[asyncio.Task[None]] = set()
        self._refused: set[Route] = set()
        self._contexts: dict[Tls, ssl.SSLContext] = {}

    async def listen(self, host: str, port: int, route: Route) -> int:
        """Take connections for a route; returns the port, which was chosen when 0 was asked for.

        Raises:
            OSError: the address cannot be listened on, or a file for TLS cannot be read.
        """
        if route.target.tls is not None:
            self._contexts[route.target.tls] = route.target.tls.context()
        server = await asyncio.get_running_loop().create_server(lambda: _Client(self, route), host, port)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Take no more connections."""
        for server in self._servers:
            server.close()

    def number(self) -> int:
        """The next connection's."""
        self.connections += 1
        return self.connections

    def connect(self, client: "_Client", number: int, route: Route) -> None:
        """Begin to reach the target for it."""
        task = asyncio.get_running_loop().create_task(self._join(client, number, route))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, client: "_Client", number: int, route: Route) -> None:
        tls = route.target.tls
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                transport, server = await asyncio.get_running_loop().create_connection(
                    lambda: _Side(self.decoder_process, number, Kind.FROM_SERVER),
                    route.target.host,
                    route.target.port,
                    ssl=self._contexts[tls] if tls else None,
                    server_hostname=(tls.server_name or route.target.host) if tls else None,
                )
        except (OSError, TimeoutError) as error:
            self._say(route, f"the target {route.say()} cannot be reached: {error}")
            self.decoder_process.put(Kind.UNREACHED, number, route.name.encode())
            if client.transport is not None:
                client.transport.abort()
            return
        self._refused.discard(route)
        secured = transport.get_extra_info("ssl_object")
        if isinstance(secured, ssl.SSLObject) and tls is not None and secured.selected_alpn_protocol() not in tls.alpn:
            self._say(route, f"the target does not say that it speaks {' or '.join(tls.alpn)} (ALPN); it is tried")
        if client.transport is None:  # it has gone meanwhile
            transport.close()
            return
        self.decoder_process.put(Kind.OPENED, number, route.name.encode())
        client.join(server)

    def _say(self, route: Route, what: str) -> None:
        """Into the log, once per outage."""
        if route not in self._refused:
            self._refused.add(route)
            sys.stderr.write(what + "\n")
            sys.stderr.flush()


class _Client(_Side):
    """The side of a client: reads nothing until the target is reached."""

    def __init__(self, tap: Tap, route: Route) -> None:
        self._tap = tap
        self._route = route
        self._own_number = tap.number()
        super().__init__(tap.decoder_process, self._own_number, Kind.FROM_CLIENT)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._tap.connect(self, self._own_number, self._route)
