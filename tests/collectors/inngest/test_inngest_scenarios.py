"""Small functions on a real Inngest dev server, each with its executions derived by hand from the rules.

`documented` = 1 for the run + 1 per distinct step; `upper` = the further attempts of steps.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import inngest
import pytest

from durameter import InngestSession
from durameter.config import Config
from durameter.engines.base import TaskCount
from durameter.engines.inngest.engine import InngestEngine
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import ENDED
from durameter_collectors.units import TaskLabel

pytestmark = pytest.mark.servers

Counted = tuple[dict[str, TaskCount], tuple[Reconciliation, ...]]

LABEL = TaskLabel("tests/scenarios", "default", "scenario")
TRIES: Counter[str] = Counter()


async def good() -> str:
    return "good"


async def limited(key: str, times: int) -> str:
    TRIES[key] += 1
    if TRIES[key] <= times:
        raise inngest.RetryAfterError("429", timedelta(milliseconds=500), quiet=True)
    return "good"


async def broken(key: str, times: int) -> str:
    TRIES[key] += 1
    if TRIES[key] <= times:
        raise RuntimeError("500")
    return "good"


async def hopeless() -> str:
    raise inngest.NonRetriableError("no use", quiet=True)


async def scenario(ctx: inngest.Context, child: inngest.Function[Any]) -> None:  # noqa: C901, PLR0912 - one branch each
    """One function with a branch per scenario."""
    run, step = ctx.run_id, ctx.step
    match ctx.event.data["name"]:
        case "no steps":
            pass
        case "three steps":
            for number in range(3):
                await step.run(f"step {number}", good)
        case "same id three times":
            for _ in range(3):
                await step.run("same", good)
        case "step fails twice":
            await step.run("first", good)
            await step.run("second", broken, run, 2)
        case "step fails for good":
            await step.run("doomed", broken, run, 99)
        case "step is limited twice":
            await step.run("first", good)
            await step.run("second", limited, run, 2)
        case "limited, then two failing steps":
            await step.run("a", limited, run + "a", 1)
            await step.run("b", broken, run + "b", 1)
            await step.run("c", limited, run + "c", 2)
        case "step is limited for good":
            await step.run("first", good)
            await step.run("doomed", limited, run, 99)
        case "step gives up":
            await step.run("first", good)
            await step.run("doomed", hopeless)
        case "function fails outside steps":
            await step.run("first", good)
            TRIES[run] += 1
            if TRIES[run] <= 2:
                raise inngest.RetryAfterError("not yet", timedelta(milliseconds=500), quiet=True)
        case "parallel":
            await ctx.group.parallel((lambda: step.run("left", good), lambda: step.run("right", good)))
            await step.run("after", good)
        case "parallel with failures":
            await ctx.group.parallel(
                (lambda: step.run("left", limited, run + "l", 2), lambda: step.run("right", broken, run + "r", 1))
            )
        case "sleep":
            await step.run("before", good)
            await step.sleep("nap", timedelta(milliseconds=200))
            await step.run("after", good)
        case "wait times out":
            await step.wait_for_event("wait", event="tests/never", timeout=timedelta(seconds=1))
        case "invoke":
            await step.invoke("call", function=child, data={})
        case "named Finalization":
            await step.run("Finalization", good)


# name: ({kind: documented}, upper)
EXPECTED: dict[str, tuple[dict[str, int], int]] = {
    "no steps": ({"function_run": 1}, 0),
    "three steps": ({"function_run": 1, "step.run": 3}, 0),
    "same id three times": ({"function_run": 1, "step.run": 3}, 0),  # the SDK numbers them: three ids
    "step fails twice": ({"function_run": 1, "step.run": 2}, 2),
    "step fails for good": ({"function_run": 1, "step.run": 1}, 2),  # three attempts of one step
    "step is limited twice": ({"function_run": 1, "step.run": 2}, 2),  # attempts known once it succeeds
    "limited, then two failing steps": ({"function_run": 1, "step.run": 3}, 1 + 1 + 2),
    "step is limited for good": ({"function_run": 1, "step.run": 1}, 0),  # the doomed step has no id anywhere
    "step gives up": ({"function_run": 1, "step.run": 1}, 0),  # likewise
    "function fails outside steps": ({"function_run": 1, "step.run": 1}, 0),  # the run stays one
    "parallel": ({"function_run": 1, "step.run": 3}, 0),  # planning is free
    "parallel with failures": ({"function_run": 1, "step.run": 2}, 2 + 1),
    "sleep": ({"function_run": 1, "step.run": 2, "step.sleep": 1}, 0),
    "wait times out": ({"function_run": 1, "step.wait_for_event": 1}, 0),
    "invoke": ({"function_run": 2, "step.invoke": 1, "step.run": 1}, 0),  # the child's run and its one step
    "named Finalization": ({"function_run": 1, "step.run": 1}, 0),  # a user's step may be called like the server's own
}


async def _ended(session: InngestSession, event: str) -> None:
    async with asyncio.timeout(60):
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

        @client.create_function(fn_id="scenario", trigger=inngest.TriggerEvent(event=f"{app}/scenario"), retries=2)
        async def main(ctx: inngest.Context) -> None:
            await scenario(ctx, child)

        @client.create_function(fn_id="sender", trigger=inngest.TriggerEvent(event=f"{app}/sender"))
        async def sender(ctx: inngest.Context) -> None:
            await ctx.step.send_event("send", inngest.Event(name=f"{app}/child"))

        async with session.serve(client, [main, child, sender]):
            yield session, client


@pytest.fixture(scope="module")
async def counted(shared_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> Counted:
    async with _served(shared_servers, tmp_path_factory.mktemp("scenarios"), "scenarios") as (session, client):
        names = list(EXPECTED)
        events = await client.send([inngest.Event(name="scenarios/scenario", data={"name": name}) for name in names])
        await asyncio.gather(*(_ended(session, event) for event in events))
        found = await asyncio.gather(*(session.count([event], LABEL) for event in events))
        proofs = await session.reconcile([unit for each in found for unit in each.units])
        return dict(zip(names, found, strict=True)), proofs


@pytest.mark.parametrize("name", EXPECTED)
def test_executions_are_as_derived_by_hand(counted: Counted, name: str) -> None:
    count = counted[0][name]
    documented, upper = EXPECTED[name]
    assert Counter(unit.kind for unit in count.units if unit.reading == "documented") == Counter(documented)
    assert sum(unit.quantity for unit in count.units if unit.reading == "upper") == upper
    assert count.gaps == []


def test_all_sources_agree_run_by_run(counted: Counted) -> None:
    assert [(each.source, each.other, each.independent) for each in counted[1]] == [
        ("trace", "wire", True),
        ("trace", "store", False),  # one table on this server
        ("store", "wire", True),
        ("trace", "REST", False),  # one table, other code
        ("ledger", "trace", False),
        ("runs", "events", True),
    ]
    assert [each for each in counted[1] if each.state != "agrees"] == []
    assert all(line.corrections == {} for each in counted[1] for line in each.lines)


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
    assert {each.state for each in proofs} == {"agrees"}


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
        [event] = await client.send(inngest.Event(name="losses/scenario", data={"name": "three steps"}))
        await _ended(session, event)
        count = await session.count([event], LABEL)
        whole = await session.reconcile(count.units)
        lossy = await session.reconcile(count.units[:-1])
    assert {each.state for each in whole} == {"agrees"}
    [found] = [each for each in lossy if each.state == "differs"]
    assert [(line.kind, line.unexplained, line.where) for line in found.lines if line.unexplained] == [
        ("step.run", 1, tuple(count.runs))
    ]
