"""Server and app are killed and started again in the middle: counts stay right, or the tasks are flagged.

Every expected figure is derived by hand: 1 for the run, 1 for each step that was begun and has an id on the server.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from own_inngest import child_app, own_server

from durameter import InngestSession
from durameter.config import Config
from durameter.engines.base import TaskCount
from durameter.engines.inngest.differences import NEVER_REACHED, UNANSWERED
from durameter.engines.inngest.engine import InngestEngine
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import ENDED
from durameter_collectors.units import TaskLabel
from running import patience

pytestmark = pytest.mark.servers


def _silent(_line: str) -> None: ...


async def _send(session: InngestSession, *names: str) -> dict[str, str]:
    """Name of each event and its id; the app is the part before the slash."""
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{session.address}/e/key", json=[{"name": name, "data": {}} for name in names])
    return dict(zip((name.partition("/")[2] for name in names), answer.json()["ids"], strict=True))


async def _ended(session: InngestSession, events: Sequence[str]) -> None:
    async with asyncio.timeout(60 * patience()):
        for event in events:
            while not (runs := await session.api.runs_of_event(event)) or any(run.status not in ENDED for run in runs):
                await asyncio.sleep(0.2)


async def _shown(session: InngestSession, event: str, step: str) -> None:
    """Wait until the server has this step, done or asleep."""
    async with asyncio.timeout(30 * patience()):
        while True:
            for run in await session.api.runs_of_event(event):
                trace = (await session.api.trace(run.id)).trace
                for span in trace.children_spans if trace else ():
                    if span.name == step and (span.status == "COMPLETED" or span.step_op == "SLEEP"):
                        return
            await asyncio.sleep(0.1)


async def _counted(
    session: InngestSession, events: dict[str, str]
) -> tuple[dict[str, TaskCount], dict[tuple[str, str], Reconciliation]]:
    names = list(events)
    found = await asyncio.gather(
        *(session.count([events[name]], TaskLabel("tests/restarts", "default", name)) for name in names)
    )
    proofs = await session.reconcile([unit for each in found for unit in each.units])
    return dict(zip(names, found, strict=True)), {(each.source, each.other): each for each in proofs}


def _documented(count: TaskCount) -> Counter[str]:
    return Counter(unit.kind for unit in count.units if unit.reading == "documented")


def _upper(count: TaskCount) -> int:
    return int(sum(unit.quantity for unit in count.units if unit.reading == "upper"))


def _corrections(found: Reconciliation) -> dict[str, dict[str, Decimal]]:
    return {line.kind: dict(line.corrections) for line in found.lines if line.corrections}


async def test_the_app_is_killed_and_comes_back(shared_servers: Config, tmp_path: Path) -> None:
    """One step is under way, and a planned one. Both are asked for again, until there is an app: all is counted.

    sequence: run 1, steps a, b, c. plan: run 1, steps l, r, c. Of b and l the killed attempt, those in vain and the one
    that succeeds; how many were in vain depends on how long the app is away.
    """
    async with InngestEngine().session(shared_servers, tmp_path, _silent) as session:
        async with child_app(session, "back", tmp_path / "marks") as app:
            events = await _send(session, "back/sequence19", "back/plan19")
            await app.begun("sequence", "plan")
            app.kill()
            await app.start("go")
            await _ended(session, list(events.values()))
        counts, proofs = await _counted(session, events)
    for name in ("sequence19", "plan19"):
        assert _documented(counts[name]) == {"function_run": 1, "step.run": 3}, name
        assert 1 <= _upper(counts[name]) <= 19, name
        assert counts[name].gaps == []
    assert {names: each.state for names, each in proofs.items()} == dict.fromkeys(proofs, "agrees")
    assert not any(_corrections(each) for each in proofs.values())


async def test_the_app_is_killed_and_stays_away(shared_servers: Config, tmp_path: Path) -> None:
    """The runs fail once they were tried twice.

    sequence: run 1, step a; b was under way, and no record has its id. plan: run 1, step r, and l, which was asked for
    by name: the trace and the wire have it, the database has only its plan. late: its run, of which the app never
    heard.
    """
    async with InngestEngine().session(shared_servers, tmp_path, _silent) as session:
        async with child_app(session, "away", tmp_path / "marks") as app:
            events = await _send(session, "away/sequence1", "away/plan1")
            await app.begun("sequence", "plan")
            await _shown(session, events["plan1"], "r")
            app.kill()
            events |= await _send(session, "away/plain1")
            await _ended(session, list(events.values()))
        counts, proofs = await _counted(session, events)
    assert {name: _documented(count) for name, count in counts.items()} == {
        "sequence1": {"function_run": 1, "step.run": 1},
        "plan1": {"function_run": 1, "step.run": 2},
        "plain1": {"function_run": 1},
    }
    assert [(_upper(count), count.gaps) for count in counts.values()] == [(0, [])] * 3
    assert {names: each.state for names, each in proofs.items()} == dict.fromkeys(proofs, "agrees")
    assert _corrections(proofs["trace", "wire"]) == {"function_run": {NEVER_REACHED: -1}}
    assert _corrections(proofs["trace", "store"]) == {"step.run": {UNANSWERED: -1}}
    assert _corrections(proofs["store", "wire"]) == {"function_run": {NEVER_REACHED: -1}, "step.run": {UNANSWERED: 1}}


async def test_the_server_is_killed_and_comes_back(tmp_path: Path) -> None:
    """It has lost its queue: what was under way never ends, and those tasks say so; the others are exact.

    Before it: plain. Under way: sleeper (run 1, a, nap), sequence (run 1, a), plan (run 1, r, and l, which was asked
    for). After it: plain again.
    """
    async with (
        own_server(tmp_path / "server") as server,
        InngestEngine().session(server.config, tmp_path / "session", _silent) as session,
        child_app(session, "crash", tmp_path / "marks") as app,
    ):
        session.patience = 2
        before = await _send(session, "crash/plain19")
        await _ended(session, list(before.values()))
        lost = await _send(session, "crash/sleeper19", "crash/sequence19", "crash/plan19")
        await app.begun("sequence", "plan")
        await _shown(session, lost["plan19"], "r")
        await _shown(session, lost["sleeper19"], "nap")
        await server.kill()
        await server.start()
        after = await _send(session, "crash/plain1")
        await _ended(session, list(after.values()))
        counts, proofs = await _counted(session, before | lost | after)
    assert {name: _documented(count) for name, count in counts.items()} == {
        "plain19": {"function_run": 1, "step.run": 2},
        "sleeper19": {"function_run": 1, "step.run": 1, "step.sleep": 1},
        "sequence19": {"function_run": 1, "step.run": 1},
        "plan19": {"function_run": 1, "step.run": 2},
        "plain1": {"function_run": 1, "step.run": 2},
    }
    for name, count in counts.items():
        if name in lost:
            [gap] = count.gaps
            assert (gap.task, gap.run) == (name, count.runs[0])
            assert "had not ended 2 s after its task (status RUNNING)" in gap.what
            assert "measure this task again" in gap.what
        else:
            assert count.gaps == [], name
    assert {names: each.state for names, each in proofs.items()} == dict.fromkeys(proofs, "agrees")
