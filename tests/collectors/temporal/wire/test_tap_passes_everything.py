"""The tap changes nothing: every kind of call arrives as it was sent, in both directions."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import grpc.aio
import pytest
import trustme
from echo import LIMIT, echo
from tapping import tap

from durameter_collectors.tapping.upstream import Tls
from running import patience

pytestmark = pytest.mark.long

MIB = 1024 * 1024


def channel(address: str, **options: object) -> grpc.aio.Channel:
    # Each channel with connections of its own: grpc shares them otherwise.
    return grpc.aio.insecure_channel(address, options=[*LIMIT, ("grpc.use_local_subchannel_pool", 1)], **options)


async def test_messages_of_any_size_and_metadata_pass(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped, channel(tapped.address) as client:
        call = client.unary_unary("/test.Echo/Unary")
        metadata = (("authorization", "Bearer top-secret"), ("x-raw-bin", bytes(range(256))))
        for size in (0, 1, 16_384, MIB, 48 * MIB):
            message = os.urandom(size)
            answer = call(message, metadata=metadata, timeout=77)
            assert await answer == message
            assert dict(await answer.initial_metadata()) == {"x-first": "one", "x-first-bin": b"\x00\xff"}
            assert dict(await answer.trailing_metadata()) == {"x-last-bin": bytes(range(256))}
            seen = server.metadata[-1]
            assert (seen["authorization"], seen["x-raw-bin"]) == ("Bearer top-secret", bytes(range(256)))
            assert 60 < server.deadlines[-1] < 78
        await tapped.log.settle()
        written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"top-secret" not in written


async def test_errors_pass_with_their_details(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped, channel(tapped.address) as client:
        details = os.urandom(5_000)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await client.unary_unary("/test.Echo/Fail")(details)
        assert raised.value.code() == grpc.StatusCode.ALREADY_EXISTS
        assert raised.value.details() == "es gibt ihn schon: ü"
        assert dict(raised.value.trailing_metadata())["grpc-status-details-bin"] == details
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await client.unary_unary("/test.Echo/Nothing")(b"")
        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_cancellation_and_deadlines_reach_the_server(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped, channel(tapped.address) as client:
        call = client.unary_unary("/test.Echo/Wait")(b"")
        await server.waiting.wait()
        call.cancel()
        server.waiting.clear()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await client.unary_unary("/test.Echo/Wait")(b"", timeout=0.5)
        assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        async with asyncio.timeout(10 * patience()):
            while server.cancelled < 2:
                await asyncio.sleep(0.02)


async def test_compressed_messages_pass(tmp_path: Path) -> None:
    async with (
        echo() as server,
        tap(f"127.0.0.1:{server.port}", tmp_path) as tapped,
        channel(tapped.address, compression=grpc.Compression.Gzip) as client,
    ):
        assert await client.unary_unary("/test.Echo/Compressed")(b"x" * MIB) == b"x" * MIB


async def test_streams_pass_both_ways(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped, channel(tapped.address) as client:
        sent = [os.urandom(3 * MIB), b"", b"y" * 10]
        assert [answer async for answer in client.stream_stream("/test.Echo/Stream")(iter(sent))] == sent


async def test_many_connections_at_once(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped:

        async def one(number: int) -> None:
            async with channel(tapped.address) as client:
                call = client.unary_unary("/test.Echo/Unary")
                messages = [bytes([number]) * size for size in (10, 100_000, 10)]
                assert await asyncio.gather(*(call(message) for message in messages)) == messages

        await asyncio.gather(*(one(number) for number in range(100)))
        assert (await tapped.log.stats())["connections"] >= 100


async def test_what_is_not_http2_passes_and_is_named(tmp_path: Path) -> None:
    async def upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers once the client has said all: each direction ends by itself."""
        said = await reader.read(-1)
        writer.write(said.upper())
        writer.write_eof()
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(upper, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, tap(f"127.0.0.1:{port}", tmp_path) as tapped:
        host, _, tap_port = tapped.address.rpartition(":")
        said = b"get / http/1.1 top-secret\r\n" + b"x" * MIB
        reader, writer = await asyncio.open_connection(host, int(tap_port))
        writer.write(said)
        writer.write_eof()
        assert await reader.read(-1) == said.upper()
        writer.close()
        (problem,) = await tapped.said()
    assert "not HTTP/2" in problem
    assert "top-secret" not in problem


async def test_a_slow_reader_slows_the_sender_and_not_the_tap(tmp_path: Path) -> None:
    """Flow control passes too: what nobody reads stays with its sender."""
    held, read = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        while await reader.read(MIB):
            pass
        writer.close()
        await writer.wait_closed()
        read.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, tap(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", tmp_path) as tapped:
        host, _, port = tapped.address.rpartition(":")
        client = socket.create_connection((host, int(port)))
        client.setblocking(False)
        sent = 0
        while True:  # until nothing more is taken for half a second
            try:
                async with asyncio.timeout(0.5):
                    await asyncio.get_running_loop().sock_sendall(client, bytes(MIB))
            except TimeoutError:
                break
            sent += MIB
            assert sent < 64 * MIB, "the tap keeps what it cannot pass on"
        held.set()
        client.close()
        await read.wait()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certificates(authority: trustme.CA, tmp_path: Path) -> Iterator[Path]:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = authority.issue_cert("client@example.org")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    client.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    yield tmp_path


def server_credentials(authority: trustme.CA, name: str, *, mutual: bool) -> grpc.ServerCredentials:
    own = authority.issue_cert(name)
    pair = (own.private_key_pem.bytes(), own.cert_chain_pems[0].bytes())
    return grpc.ssl_server_credentials([pair], authority.cert_pem.bytes() if mutual else None, mutual)


@pytest.mark.parametrize("mutual", [False, True], ids=["tls", "mtls"])
async def test_tls_ends_at_the_tap(mutual: bool, authority: trustme.CA, certificates: Path, tmp_path: Path) -> None:
    own = {"certificate": certificates / "client.pem", "key": certificates / "client.key"} if mutual else {}
    tls = Tls(ca=certificates / "ca.pem", server_name="my-namespace.tmprl.example", **own)
    credentials = server_credentials(authority, "my-namespace.tmprl.example", mutual=mutual)
    async with (
        echo(credentials) as server,
        tap(f"127.0.0.1:{server.port}", tmp_path / "tap", tls=tls) as tapped,
        channel(tapped.address) as client,
    ):
        message = os.urandom(3 * MIB)
        call = client.unary_unary("/test.Echo/Unary")
        assert await call(message, metadata=(("authorization", "Bearer top-secret"),)) == message
        assert server.metadata[-1]["authorization"] == "Bearer top-secret"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await client.unary_unary("/test.Echo/Fail")(b"details")
        assert dict(raised.value.trailing_metadata())["grpc-status-details-bin"] == b"details"
        assert len(await tapped.said()) == 1  # the echo's own method: decoded, and no rule knows it


@pytest.mark.parametrize("wrong", ["name", "authority", "no client certificate"])
async def test_a_server_that_cannot_be_trusted_gets_nothing(
    wrong: str, authority: trustme.CA, certificates: Path, tmp_path: Path
) -> None:
    if wrong == "authority":
        trustme.CA().cert_pem.write_to_path(certificates / "ca.pem")
    tls = Tls(ca=certificates / "ca.pem", server_name="other.example" if wrong == "name" else "right.example")
    credentials = server_credentials(authority, "right.example", mutual=wrong == "no client certificate")
    async with (
        echo(credentials) as server,
        tap(f"127.0.0.1:{server.port}", tmp_path / "tap", tls=tls) as tapped,
        channel(tapped.address) as client,
    ):
        with pytest.raises(grpc.aio.AioRpcError):
            await client.unary_unary("/test.Echo/Unary")(b"secret", timeout=3 * patience())
        assert server.metadata == []
