"""What a session makes of runs that lead to each other, of runs of nobody, and of a ledger that lost a row.

What single functions cost is asked by the conformance suite (tests/workloads/conformance/test_inngest_conformance.py).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import inngest
import pytest

from durameter import InngestSession
from durameter.config import Config
from durameter.engines.inngest.engine import InngestEngine
from durameter_collectors.inngest.api.graphql import ENDED
from durameter_collectors.units import TaskLabel
from running import patience

pytestmark = pytest.mark.servers

LABEL = TaskLabel("tests/scenarios", "default", "scenario")


async def good() -> str:
    return "good"


async def _ended(session: InngestSession, event: str) -> None:
    async with asyncio.timeout(60 * patience()):
        while True:
            runs = await session.api.runs_of_event(event)
            if runs and all(run.status in ENDED for run in runs):
                return
            await asyncio.sleep(0.2)


@asynccontextmanager
async def _served(config: Config, folder: Path, app: str) -> AsyncIterator[tuple[InngestSession, inngest.Inngest]]:
    async with InngestEngine().session(config, folder, lambda _line: None) as session:
        client = session.client(app)

        @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event=f"{app}/child"))
        async def child(ctx: inngest.Context) -> str:
            return await ctx.step.run("work", good)

        @client.create_function(fn_id="scenario", trigger=inngest.TriggerEvent(event=f"{app}/scenario"))
        async def main(ctx: inngest.Context) -> None:
            for number in range(3):
                await ctx.step.run(f"step {number}", good)

        @client.create_function(fn_id="sender", trigger=inngest.TriggerEvent(event=f"{app}/sender"))
        async def sender(ctx: inngest.Context) -> None:
            await ctx.step.send_event("send", inngest.Event(name=f"{app}/child"))

        async with session.serve(client, [main, child, sender]):
            yield session, client


async def test_what_a_step_sends_is_the_tasks(shared_servers: Config, tmp_path: Path) -> None:
    """The sender's run and step, and the child's run and step, which is led to by the step `send`."""
    async with _served(shared_servers, tmp_path, "descendants") as (session, client):
        [event] = await client.send(inngest.Event(name="descendants/sender"))
        count = await session.count([event], LABEL)
        proofs = await session.reconcile(count.units)
    assert Counter(unit.kind for unit in count.units) == {"function_run": 2, "step.run": 2}
    assert {unit.cause: unit.step for unit in count.units if unit.kind == "function_run"} == {
        "descendants-sender": "",
        "descendants-child": "send",
    }
    assert count.measures["events"] == 2  # the driver's and the step's
    assert count.measures["sdk_requests"] == 4  # each function: its step, and its end
    assert [(each.source, each.other, each.independent) for each in proofs] == [
        ("trace", "wire", True),
        ("trace", "store", False),  # one table on this server
        ("store", "wire", True),
        ("trace", "REST", False),  # one table, other code
        ("ledger", "trace", False),
        ("runs", "events", True),
    ]
    assert {each.state for each in proofs} == {"agrees"}
    assert all(line.corrections == {} for each in proofs for line in each.lines)


async def test_a_run_of_nobody_is_reported(shared_servers: Config, tmp_path: Path) -> None:
    """An event that no task named starts a run: it must not vanish."""
    async with _served(shared_servers, tmp_path, "strangers") as (session, client):
        [event, other] = await client.send([inngest.Event(name="strangers/child")] * 2)
        await _ended(session, other)
        count = await session.count([event], LABEL)
        found = await session.reconcile(count.units)
    assert Counter(unit.kind for unit in count.units) == {"function_run": 1, "step.run": 1}
    assert {(each.source, each.other): each.state for each in found} == {
        ("trace", "wire"): "differs",
        ("trace", "store"): "agrees",  # of the runs that are known
        ("store", "wire"): "differs",
        ("trace", "REST"): "agrees",
        ("ledger", "trace"): "agrees",
        ("runs", "events"): "differs",
    }
    assert any("strangers-child belongs to no task" in note for note in found[0].notes)
    for each in (found[0], found[-1]):
        [runs] = [line for line in each.lines if line.kind == "function_run"]
        assert (runs.ours, runs.other, runs.unexplained) == (1, 2, 1)


async def test_a_count_that_lost_a_step_does_not_agree(shared_servers: Config, tmp_path: Path) -> None:
    """The proof must be able to fail: a ledger without one of its rows."""
    async with _served(shared_servers, tmp_path, "losses") as (session, client):
        [event] = await client.send(inngest.Event(name="losses/scenario"))
        await _ended(session, event)
        count = await session.count([event], LABEL)
        whole = await session.reconcile(count.units)
        lossy = await session.reconcile(count.units[:-1])
    assert {each.state for each in whole} == {"agrees"}
    [found] = [each for each in lossy if each.state == "differs"]
    assert [(line.kind, line.unexplained, line.where) for line in found.lines if line.unexplained] == [
        ("step.run", 1, tuple(count.runs))
    ]
