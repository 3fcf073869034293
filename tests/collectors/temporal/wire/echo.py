"""A gRPC server of the tests' own that answers with what it got, for what must pass the tap unchanged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import grpc.aio

LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass
class Echo:
    """What the server saw."""

    port: int = 0
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)
    cancelled: int = 0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def unary(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        self.metadata.append(dict(context.invocation_metadata() or ()))
        self.deadlines.append(context.time_remaining())
        await context.send_initial_metadata((("x-first", "one"), ("x-first-bin", b"\x00\xff")))
        context.set_trailing_metadata((("x-last-bin", bytes(range(256))),))
        return request

    async def fail(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        details = (("grpc-status-details-bin", request),)
        await context.abort(grpc.StatusCode.ALREADY_EXISTS, "es gibt ihn schon: ü", trailing_metadata=details)
        return b""

    async def wait(self, _request: bytes, _context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        self.waiting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return b""

    async def compressed(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        context.set_compression(grpc.Compression.Gzip)
        return request

    async def stream(
        self, requests: AsyncIterator[bytes], _context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request


@asynccontextmanager
async def echo(credentials: grpc.ServerCredentials | None = None) -> AsyncIterator[Echo]:
    served = Echo()
    server = grpc.aio.server(options=LIMIT)
    handlers = {
        "Stream": grpc.stream_stream_rpc_method_handler(served.stream),
        **{
            name: grpc.unary_unary_rpc_method_handler(getattr(served, name.lower()))
            for name in ("Unary", "Fail", "Wait", "Compressed")
        },
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", handlers),))
    if credentials is None:
        served.port = server.add_insecure_port("127.0.0.1:0")
    else:
        served.port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield served
    finally:
        await server.stop(None)
