"""Reading the server's own meter."""

from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from durameter_collectors.temporal import meter
from durameter_collectors.temporal.meter import MeterError, read_meter, read_stable_meter

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
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _request: next(left, last)))


def actions(number: int) -> httpx.Response:
    return httpx.Response(200, text=f'# TYPE action counter\naction{{action_type="a",namespace="mine"}} {number}\n')


async def test_actions_of_one_namespace_by_type() -> None:
    async with pages(httpx.Response(200, text=PAGE)) as http:
        assert await read_meter(http, URL, "mine") == {"activity_retry": Decimal(2), "grpc_QueryWorkflow": Decimal(4)}
        assert await read_meter(http, URL, "nobody") == {}
        # The server writes namespaces into labels with underscores.
        assert await read_meter(http, URL, "my-own") == {"grpc_QueryWorkflow": Decimal(7)}


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
            await read_meter(http, URL, "mine")


async def test_a_stable_reading_is_two_equal_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "SETTLE_SECONDS", 0.01)
    async with pages(actions(1), actions(2), actions(5), actions(5), actions(9)) as http:
        assert await read_stable_meter(http, URL, "mine") == {"a": Decimal(5)}


async def test_a_meter_that_never_rests_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "SETTLE_SECONDS", 0.01)
    async with pages(*(actions(number) for number in range(1_000))) as http:
        with pytest.raises(MeterError, match="did not settle"):
            await read_stable_meter(http, URL, "mine", patience=0.1)
