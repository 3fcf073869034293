"""The tap passes everything on unchanged, whatever it is and whatever happens to its decoder."""

import asyncio
import hashlib
import json
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_said import RUN, STEP
from inngest_tapping import Tapped, tap
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from durameter.processes.asgi import serve_app
from durameter.processes.server import free_ports
from durameter_collectors.inngest.wire.rows import WireProblem, WireRequest, WireUnreached
from durameter_collectors.tapping.client import TapError
from running import alive, within

pytestmark = pytest.mark.long

MIB = 1024 * 1024
ASK = {"ctx": {"run_id": RUN, "attempt": 0}}


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """Sends back what it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class App:
    """Answers as an app, in pieces, and as slowly as it is asked to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        body = await request.body()
        if "slow" in request.query_params:
            return StreamingResponse(self._pieces(), status_code=201)
        if "digest" in request.query_params:
            return Response(hashlib.sha256(body).hexdigest(), headers={"x-kept": "yes"})
        return Response(json.dumps(STEP), status_code=206)

    async def _pieces(self) -> AsyncIterator[bytes]:
        yield b"    "
        await self.go_on.wait()
        yield json.dumps({"status": 206, "body": json.dumps(STEP)}).encode()


@asynccontextmanager
async def app_behind(tapped: Tapped) -> AsyncIterator[tuple[App, str]]:
    app = App()
    async with serve_app(Starlette(routes=[Route("/api/inngest", app.__call__, methods=["POST"])])) as port:
        before = await tapped.log.before_app(f"127.0.0.1:{port}")
        yield app, f"http://127.0.0.1:{before}/api/inngest?fnId=app-one&stepId=step"


async def requests(tapped: Tapped) -> list[WireRequest]:
    await tapped.log.settle()
    return [row for row in tapped.log.rows if isinstance(row, WireRequest)]


@pytest.mark.parametrize(
    "first", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", b""]
)
async def test_bytes_of_any_kind_come_back_as_they_were(tmp_path: Path, first: bytes) -> None:
    sent = first + random.Random(0).randbytes(2 * MIB)  # noqa: S311 - any bytes
    async with echo() as port, tap(tmp_path) as tapped:
        before = await tapped.log.before_app(f"127.0.0.1:{port}")
        reader, writer = await asyncio.open_connection("127.0.0.1", before)

        async def send() -> None:
            writer.write(sent)
            await writer.drain()
            writer.write_eof()

        _, got = await asyncio.gather(send(), reader.read(-1))
        writer.close()
        assert got == sent
        await tapped.log.settle()
        assert [row.record for row in tapped.log.rows] == ["problem"]


async def test_large_bodies_and_headers_are_kept(tmp_path: Path) -> None:
    body = b"x" * (32 * MIB)
    async with tap(tmp_path) as tapped, app_behind(tapped) as (_, url), httpx.AsyncClient(timeout=60) as http:
        answer = await http.post(url + "&digest=1", content=body, headers={"expect": "100-continue"})
        assert (answer.text, answer.headers["x-kept"]) == (hashlib.sha256(body).hexdigest(), "yes")
        [row] = await requests(tapped)
        assert (row.request_bytes, row.status) == (len(body), 200)


async def test_a_stream_arrives_piece_by_piece(tmp_path: Path) -> None:
    async with tap(tmp_path) as tapped, app_behind(tapped) as (app, url), httpx.AsyncClient(timeout=30) as http:
        async with http.stream("POST", url + "&slow=1", json=ASK) as answer:
            pieces = answer.aiter_raw()
            assert await anext(pieces) == b"    "
            app.go_on.set()
            assert [piece async for piece in pieces]
        [row] = await requests(tapped)
        assert (row.status, [each.op for each in row.operations]) == (206, ["StepRun"])


async def test_hundred_connections_at_once(tmp_path: Path) -> None:
    async with tap(tmp_path) as tapped, app_behind(tapped) as (_, url), httpx.AsyncClient(timeout=60) as http:
        answers = await asyncio.gather(*(http.post(url, json=ASK) for _ in range(100)))
        assert {answer.status_code for answer in answers} == {206}
        rows = await requests(tapped)
        assert sorted(row.call for row in rows) == list(range(1, 101))
        assert tapped.log.problems() == []


async def test_settling_waits_for_what_is_under_way(tmp_path: Path) -> None:
    async with tap(tmp_path) as tapped, app_behind(tapped) as (app, url), httpx.AsyncClient(timeout=30) as http:
        asking = asyncio.create_task(http.post(url + "&slow=1", json=ASK))
        await asyncio.sleep(0.3)
        settling = asyncio.create_task(tapped.log.settle())
        await asyncio.sleep(0.3)
        assert not settling.done()
        app.go_on.set()
        await asking
        await settling
        assert len(tapped.log.rows) == 1


async def test_the_decoder_dies_and_exchanges_go_on(tmp_path: Path) -> None:
    async with tap(tmp_path) as tapped, app_behind(tapped) as (_, url), httpx.AsyncClient(timeout=30) as http:
        os.kill(await tapped.decoder(), signal.SIGKILL)
        with pytest.raises(TapError, match="the decoder of the tap has died"):
            await tapped.log.settle()
        assert (await http.post(url, json=ASK)).status_code == 206
        with pytest.raises(TapError, match="not counted any more"):
            await tapped.log.settle()


async def test_a_killed_tap_leaves_no_decoder(tmp_path: Path) -> None:
    async with tap(tmp_path) as tapped:
        family = {tapped.process.pid, await tapped.decoder()}
        os.kill(tapped.process.pid, signal.SIGKILL)
        assert within(10, lambda: not alive(family))
        with pytest.raises(TapError, match="The tap has died"):
            await tapped.log.settle()


async def test_an_app_that_is_not_there_is_a_row_and_harms_nobody(tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    async with tap(tmp_path) as tapped, app_behind(tapped) as (_, url), httpx.AsyncClient(timeout=30) as http:
        dead = await tapped.log.before_app(f"127.0.0.1:{nobody}")
        for _ in range(3):
            with pytest.raises(httpx.TransportError):
                await http.post(f"http://127.0.0.1:{dead}/api/inngest?fnId=f", json=ASK)
        assert (await http.post(url, json=ASK)).status_code == 206
        await tapped.log.settle()
        assert [row.record for row in tapped.log.rows] == ["unreached"] * 3 + ["request"]
        assert {row.route for row in tapped.log.rows if isinstance(row, WireUnreached)} == {"app"}


async def test_an_app_that_dies_over_its_answer_is_told(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 206 X\r\ncontent-length: 99\r\n\r\n[")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, tap(tmp_path) as tapped, httpx.AsyncClient(timeout=30) as http:
        before = await tapped.log.before_app(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(httpx.TransportError):
            await http.post(f"http://127.0.0.1:{before}/?fnId=f", json=ASK)
        await tapped.log.settle()
    row, said = tapped.log.rows
    assert isinstance(row, WireRequest)
    assert isinstance(said, WireProblem)
    assert (row.status, row.run, said.grave) == (0, RUN, False)


async def test_a_full_queue_makes_exchanges_wait_and_loses_none(tmp_path: Path) -> None:
    """The bound is 2 MiB; 16 MiB go through while the decoder is stopped for a second."""
    async with (
        tap(tmp_path, backlog=2 * MIB) as tapped,
        app_behind(tapped) as (_, url),
        httpx.AsyncClient(timeout=60) as http,
    ):
        decoder = await tapped.decoder()
        os.kill(decoder, signal.SIGSTOP)
        content = json.dumps(ASK | {"steps": "x" * MIB})
        asking: asyncio.Future[list[Any]] = asyncio.gather(*(http.post(url, content=content) for _ in range(16)))
        await asyncio.sleep(1)
        assert not asking.done()
        os.kill(decoder, signal.SIGCONT)
        assert {answer.status_code for answer in await asking} == {206}
        assert len(await requests(tapped)) == 16
        said = tapped.log.problems()  # one for each time that the queue was full for long
        assert said
        assert all(not problem.grave and problem.what.endswith("slower, none is lost") for problem in said)


async def test_a_route_that_cannot_be_is_refused(tmp_path: Path) -> None:
    async with tap(tmp_path) as tapped:
        with pytest.raises(TapError, match="refused"):
            await tapped.log.before_app("nowhere")
        assert await tapped.log.ready()


async def test_a_damaged_file_of_rows_is_an_error(tmp_path: Path) -> None:
    async with tap(tmp_path) as tapped:
        tapped.out.write_text('{"record": "request"}\n')
        with pytest.raises(TapError, match="damaged"):
            await tapped.log.settle()
