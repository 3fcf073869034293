"""Whatever dies, nobody else does, nothing stays, and a count that is not whole says so."""

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest
from echo import echo
from tapping import Tapped, tap, until
from test_tap_passes_everything import MIB, channel

from durameter.processes.server import free_ports
from durameter_collectors.temporal.wire.client import WireError, WireLog, tap_command
from running import alive, patience, within

pytestmark = pytest.mark.long


async def echoes(tapped: Tapped, message: bytes = b"hello") -> bool:
    async with channel(tapped.address) as client:
        return await client.unary_unary("/test.Echo/Unary")(message, timeout=5 * patience()) == message


async def test_the_decoder_dies_and_calls_go_on(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped:
        os.kill(await tapped.decoder(), signal.SIGKILL)
        with pytest.raises(WireError, match="the decoder of the tap has died"):
            await tapped.log.settle()
        assert await echoes(tapped, b"x" * MIB)
        with pytest.raises(WireError, match="not counted any more"):
            await tapped.log.settle()
        assert not (await tapped.log.stats())["decoding"]


async def test_a_mark_that_waits_for_a_decoder_hears_of_its_death(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped:
        decoder = await tapped.decoder()
        os.kill(decoder, signal.SIGSTOP)
        waiting = asyncio.create_task(tapped.log.settle())
        await asyncio.sleep(0.3)
        assert not waiting.done()
        os.kill(decoder, signal.SIGKILL)
        with pytest.raises(WireError, match="died"):
            await waiting


async def test_a_killed_tap_leaves_no_decoder(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped:
        assert await echoes(tapped)
        family = {tapped.process.pid, await tapped.decoder()}
        os.kill(tapped.process.pid, signal.SIGKILL)
        assert within(10, lambda: not alive(family))
        with pytest.raises(WireError, match="The tap has died"):
            await tapped.log.settle()


async def test_a_stopped_tap_has_written_everything(tmp_path: Path) -> None:
    async with echo() as server:
        async with tap(f"127.0.0.1:{server.port}", tmp_path) as tapped:
            for _ in range(3):
                assert await echoes(tapped)
            family = {tapped.process.pid, await tapped.decoder()}
        assert not alive(family)
        assert len((tmp_path / "wire.jsonl").read_bytes().splitlines()) == 3  # no rule knows the echo's method


async def test_without_a_guard_the_decoder_ends_too(tmp_path: Path) -> None:
    listen, control = free_ports(2)
    argv = tap_command(
        sys.executable, listen=f"127.0.0.1:{listen}", target="127.0.0.1:9", out=tmp_path / "o", control=control
    )
    process = await asyncio.create_subprocess_exec(*argv)
    try:
        log = WireLog(tmp_path / "o", control)
        await until(log.ready, "the tap")
        decoder = int((await log.stats())["decoder"])
    finally:
        process.kill()
        await process.wait()
    assert within(10, lambda: not alive({decoder}))


async def test_a_target_that_is_not_there_closes_the_client_and_not_the_tap(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with tap(f"127.0.0.1:{port}", tmp_path) as tapped:
        host, _, tap_port = tapped.address.rpartition(":")
        for _ in range(3):
            reader, writer = await asyncio.open_connection(host, int(tap_port))
            async with asyncio.timeout(10 * patience()):
                assert await reader.read() == b""
            writer.close()
        assert await tapped.said() == []
        assert "cannot be reached" in tapped.process.log.read_text()


async def test_connections_that_are_reset_do_no_harm(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped:
        host, _, port = tapped.address.rpartition(":")
        for said in (b"", b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"garbage"):
            with socket.create_connection((host, int(port))) as client:
                client.sendall(said)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert await echoes(tapped)


async def test_a_full_queue_makes_calls_wait_and_loses_none(tmp_path: Path) -> None:
    """The bound here is 4 MiB; 32 MiB go through while the decoder is stopped for two seconds."""
    bound = 4 * MIB
    async with (
        echo() as server,
        tap(f"127.0.0.1:{server.port}", tmp_path, backlog=bound) as tapped,
        channel(tapped.address) as client,
    ):
        decoder = await tapped.decoder()
        os.kill(decoder, signal.SIGSTOP)
        began = time.monotonic()
        calls = asyncio.gather(*(client.unary_unary("/test.Echo/Unary")(b"x" * MIB) for _ in range(16)))

        async def full() -> bool:
            return int((await tapped.log.stats())["backlog"]) > bound

        await until(full, "a full queue")
        await asyncio.sleep(2)
        assert not calls.done()
        assert int((await tapped.log.stats())["backlog"]) < bound + MIB
        assert psutil.Process(tapped.process.pid).memory_info().rss < 200 * MIB
        os.kill(decoder, signal.SIGCONT)
        assert await calls == [b"x" * MIB] * 16
        assert time.monotonic() - began > 2
        said = await tapped.said()
        assert sum("no rule knows" in what for what in said) == 16  # every call was decoded
        assert any("calls waited" in what for what in said)
        assert (await tapped.log.stats())["waited"] > 1.9


async def test_a_taken_port_is_said_in_the_words_that_the_harness_knows(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (control,) = free_ports(1)
        argv = tap_command(sys.executable, listen=address, target="127.0.0.1:9", out=tmp_path / "o", control=control)
        process = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
    assert process.returncode == 1
    assert b"address already in use" in said


async def test_a_damaged_file_of_rows_is_an_error(tmp_path: Path) -> None:
    async with echo() as server, tap(f"127.0.0.1:{server.port}", tmp_path) as tapped:
        tapped.out.write_text('{"record": "action"}\n')
        with pytest.raises(WireError, match="damaged"):
            await tapped.log.settle()
