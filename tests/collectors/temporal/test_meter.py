"""Reading the server's own meter."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import httpx
import pytest

from durameter_collectors.temporal import meter
from durameter_collectors.temporal.meter import Meter, MeterError

URL = "http://server/metrics"
PAGE = """\
# HELP action action counter
# TYPE action counter
action{action_type="activity_retry",namespace="mine",operation="PollActivityTaskQueue",service_name="frontend"} 2
action{action_type="grpc_QueryWorkflow",namespace="mine",operation="QueryWorkflow",service_name="frontend"} 1
action{action_type="grpc_QueryWorkflow",namespace="mine",operation="Other",service_name="frontend"} 3
action{action_type="grpc_QueryWorkflow",namespace="not_mine",operation="QueryWorkflow",service_name="frontend"} 50
action{action_type="grpc_QueryWorkflow",namespace="my_own",operation="QueryWorkflow",service_name="frontend"} 7
# HELP action_other action_other counter
# TYPE action_other counter
action_other{action_type="grpc_QueryWorkflow",namespace="mine"} 99
"""


def pages(*answers: httpx.Response) -> httpx.AsyncClient:
    """A server that gives these answers, then the last one for ever."""
    left: Iterator[httpx.Response] = iter(answers)
    last = answers[-1]
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _request: _copy(next(left, last))))


def _copy(answer: httpx.Response) -> httpx.Response:
    """A stream can be read once."""
    return httpx.Response(answer.status_code, content=answer.content)


class Slow(httpx.AsyncBaseTransport):
    """Answers in pieces of some bytes, one request after the other, and counts the requests."""

    def __init__(self, size: int) -> None:
        self.requests = 0
        self._size = size

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(200, content=self._pieces(PAGE.replace("} 7", f"}} {self.requests}").encode()))

    async def _pieces(self, page: bytes) -> AsyncIterator[bytes]:
        for place in range(0, len(page), self._size):
            await asyncio.sleep(0.0001)
            yield page[place : place + self._size]


def actions(number: int) -> httpx.Response:
    return httpx.Response(200, text=f'# TYPE action counter\naction{{action_type="a",namespace="mine"}} {number}\n')


async def test_actions_of_one_namespace_by_type() -> None:
    async with pages(httpx.Response(200, text=PAGE)) as http:
        assert await Meter(http, URL).read("mine") == {"activity_retry": Decimal(2), "grpc_QueryWorkflow": Decimal(4)}
        assert await Meter(http, URL).read("nobody") == {}
        # The server writes namespaces into labels with underscores.
        assert await Meter(http, URL).read("my-own") == {"grpc_QueryWorkflow": Decimal(7)}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="no"),
        httpx.Response(200, text="<html>a proxy's page</html>"),
        httpx.Response(200, text=""),
        httpx.Response(200, text='# TYPE action counter\naction{action_type="a",namespace="mine"} many\n'),
    ],
)
async def test_what_is_no_metrics_page_is_an_error_and_not_an_empty_meter(answer: httpx.Response) -> None:
    async with pages(answer) as http:
        with pytest.raises(MeterError, match=URL):
            await Meter(http, URL).read("mine")


async def test_a_stable_reading_is_two_equal_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "SETTLE_SECONDS", 0.01)
    async with pages(actions(1), actions(2), actions(5), actions(5), actions(9)) as http:
        assert await Meter(http, URL).read_stable("mine") == {"a": Decimal(5)}


async def test_a_meter_that_never_rests_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "SETTLE_SECONDS", 0.01)
    async with pages(*(actions(number) for number in range(1_000))) as http:
        with pytest.raises(MeterError, match="did not settle"):
            await Meter(http, URL).read_stable("mine", patience=0.1)


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
async def test_a_page_is_the_same_in_whatever_pieces_it_comes(size: int) -> None:
    async with httpx.AsyncClient(transport=Slow(size)) as http:
        assert await Meter(http, URL).read("mine") == {"activity_retry": Decimal(2), "grpc_QueryWorkflow": Decimal(4)}


async def test_readers_at_the_same_time_share_a_page_that_began_after_they_asked() -> None:
    """A page of a server with many namespaces is large; a reading that was under way may be too old."""
    async with httpx.AsyncClient(transport=(slow := Slow(64))) as http:
        meter_of = Meter(http, URL)
        early = asyncio.create_task(meter_of.read("my-own"))
        while not slow.requests:
            await asyncio.sleep(0)
        later = await asyncio.gather(*(meter_of.read("my-own") for _ in range(5)))
        assert await early == {"grpc_QueryWorkflow": Decimal(1)}
    assert later == [{"grpc_QueryWorkflow": Decimal(2)}] * 5
    assert slow.requests == 2


async def test_a_reader_that_is_cancelled_takes_the_page_from_nobody() -> None:
    async with httpx.AsyncClient(transport=Slow(64)) as http:
        meter_of = Meter(http, URL)
        gone, stays = (asyncio.create_task(meter_of.read("my-own")) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        assert await stays == {"grpc_QueryWorkflow": Decimal(1)}
