"""Descent that is not in the three sources' table, and the second reading of the trace, on a real dev server."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import inngest
import pytest
from inngest_tapping import address_of, client_of, ended, served, tap

from durameter.engines.base import RunningServer
from durameter_collectors.inngest.api.graphql import InngestApi, InngestApiError
from durameter_collectors.inngest.api.rest import RestV2
from durameter_collectors.inngest.descendants import find_descendants, settled_descendants
from durameter_collectors.inngest.trace import steps_of

TRIES: list[str] = []


async def good() -> str:
    return "good"


async def once_broken(run: str) -> str:
    TRIES.append(run)
    if TRIES.count(run) == 1:
        raise RuntimeError("500")
    return "good"


@pytest.mark.servers
async def test_batches_and_a_second_reading(inngest_server: RunningServer, tmp_path: Path) -> None:
    async with tap(tmp_path) as tapped, httpx.AsyncClient(timeout=30) as http:
        api, rest = InngestApi(http, inngest_server.info.address), RestV2(http, inngest_server.info.address)
        client = client_of("family", await tapped.log.before_server(address_of(inngest_server)))

        @client.create_function(
            fn_id="batch",
            trigger=inngest.TriggerEvent(event="family/batch"),
            batch_events=inngest.Batch(max_size=2, timeout=timedelta(seconds=20)),
        )
        async def batch(ctx: inngest.Context) -> None:
            await ctx.step.run("look", good)

        @client.create_function(fn_id="steps", trigger=inngest.TriggerEvent(event="family/steps"), retries=1)
        async def steps(ctx: inngest.Context) -> None:
            await ctx.step.run("look", once_broken, ctx.run_id)
            await ctx.group.parallel((lambda: ctx.step.run("left", good), lambda: ctx.step.run("right", good)))
            await ctx.step.sleep("nap", timedelta(milliseconds=100))
            await ctx.step.invoke("call", function=leaf, data={})

        @client.create_function(fn_id="leaf", trigger=inngest.TriggerEvent(event="family/leaf"))
        async def leaf(ctx: inngest.Context) -> None:
            await ctx.step.send_event("send", inngest.Event(name="family/twig"))

        @client.create_function(fn_id="twig", trigger=inngest.TriggerEvent(event="family/twig"))
        async def twig(ctx: inngest.Context) -> None:
            await ctx.step.sleep("nap", timedelta(seconds=1))

        async with served(tapped, client, [batch, steps, leaf, twig]):
            one, other = await client.send([inngest.Event(name="family/batch") for _ in range(2)])
            [event] = await client.send(inngest.Event(name="family/steps"))
            [both] = await ended(api, one)
            # The run of a batch is of everybody who sent an event to it, and that is said.
            for mine, foreign in ((one, other), (other, one)):
                [member] = (await find_descendants(api, [mine])).descendants().values()
                assert (member.run.id, member.shared) == (both, (foreign,))
            [member] = (await find_descendants(api, [one, other])).descendants().values()
            assert member.shared == ()

            # A run that an event of an invoked run starts, and that goes on after its root has ended.
            [root] = await ended(api, event)
            found = (await settled_descendants(api, [event])).descendants().values()
            assert [(each.way, each.run.function.slug) for each in found] == [
                ("event", "family-steps"), ("invoke", "family-leaf"), ("sent", "family-twig"),
            ]  # fmt: skip
            assert {each.run.status for each in found} == {"COMPLETED"}

            await asyncio.sleep(0.5)
            assert await rest.there()
            told, again = await api.trace(root), await rest.trace(root)
            assert (again.status, again.function.slug) == (told.status, told.function.slug)
            assert [(step.id, step.op, step.attempts) for step in steps_of(again)] == [
                (step.id, step.op, step.attempts) for step in steps_of(told)
            ]
            assert len(steps_of(again)) == 5


@pytest.mark.servers
async def test_an_event_that_nobody_knows_has_no_descendants(inngest_server: RunningServer) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        graph = await find_descendants(InngestApi(http, inngest_server.info.address), ["01M848CV74K0MSN1HD9N94234E"])
    assert (graph.runs, graph.descendants(), graph.problems) == ({}, {}, [])


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"data": {}}', b'{"data": {"rootSpan": {"name": 1}}}'])
async def test_an_answer_that_is_not_one_is_an_error_or_an_absence(answer: bytes) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=answer))
    async with httpx.AsyncClient(transport=transport) as http:
        rest = RestV2(http, "http://server")
        assert not await rest.there()
        with pytest.raises(InngestApiError):
            await rest.trace("run-1")


async def test_a_server_that_fails_is_told_and_not_taken_for_no_descendants() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(500))
    async with httpx.AsyncClient(transport=transport) as http:
        graph = await find_descendants(InngestApi(http, "http://server"), ["event-1"])
    assert graph.runs == {}
    assert any("event-1" in problem.what for problem in graph.problems)
