"""What bad days are made of, without an engine: outages, held calls, runaway shapes, processes that are killed."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durameter import Measured, Task
from durameter.processes.server import free_ports
from durameter.registry import load_workload
from durameter_workloads.model_server import Faults, ModelServer, ScriptedReply, Scripts, serve_model
from durameter_workloads.model_server.faults import outage_of
from durameter_workloads.model_server.server import ModelLog
from durameter_workloads.support_agent.crashes import Crashes
from durameter_workloads.support_agent.options import SupportAgentOptions
from durameter_workloads.support_agent.shape import Conversation, Message, ModelCall, ToolCall
from durameter_workloads.support_agent.shapes import recorded_conversations, run_away
from durameter_workloads.support_agent.stored_threads import StoredThreads
from running import patience, within

pytestmark = pytest.mark.long

ANSWER = ScriptedReply(content="yes")
ASK = {"model": "any", "user": "ann", "messages": [{"role": "user", "content": "?"}]}


async def test_an_outage_fails_every_attempt_until_it_is_over_and_nothing_else() -> None:
    """500 and 503 in turn; seeded faults come after it as they would have without."""
    faults = Faults(outage_seconds=1, rate_limited=1, most_in_a_row=1)
    found = outage_of(faults, seed=0, user="ann", calls=1)
    assert found is not None
    server = ModelServer(scripts=Scripts(replies={"ann": (ANSWER,)}), latency_ms=0, faults=faults)
    async with serve_model(server) as (url, log), httpx.AsyncClient() as http:
        statuses: list[int] = []
        while not statuses or statuses[-1] != 200:
            statuses.append((await http.post(f"{url}/chat/completions", json=ASK)).status_code)
            await asyncio.sleep(0.1)
    *down, limited, good = statuses
    assert set(down[::2]) == {500}
    assert set(down[1::2]) <= {503}
    assert (limited, good) == (429, 200)
    observed = log.observed("ann")
    assert observed["outage_seconds"] == found.seconds
    assert observed["outage_failures"] == len(down)
    assert observed["outage_over_seconds"] >= found.seconds


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(0.1, 60))
def test_an_outage_meets_one_call_of_each_conversation(seed: int, calls: int, seconds: float) -> None:
    faults = Faults(outage_seconds=seconds)
    found = outage_of(faults, seed=seed, user="ann", calls=calls)
    assert found == outage_of(faults, seed=seed, user="ann", calls=calls)
    assert found is not None
    assert 0 <= found.position < calls
    assert 0 <= found.seconds <= seconds
    assert outage_of(faults, seed=seed, user="ann / message 1 / hand_over 1", calls=calls) is None
    assert outage_of(Faults(), seed=seed, user="ann", calls=calls) is None


async def test_a_held_attempt_ends_with_its_caller() -> None:
    server = ModelServer(
        scripts=Scripts(replies={"ann": (ANSWER,)}), latency_ms=0, faults=Faults(held_attempts=1, rate_limited=0)
    )
    async with serve_model(server) as (url, log), httpx.AsyncClient() as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(f"{url}/chat/completions", json=ASK, timeout=0.3)
        async with asyncio.timeout(5 * patience()):
            while log.held:
                await asyncio.sleep(0.01)
        assert (await http.post(f"{url}/chat/completions", json=ASK)).status_code == 200
    assert [line.status for line in log.served] == [499, 200]
    assert log.observed("ann")["model_cut_off"] == 1


def test_a_runaway_turn_keeps_what_was_asked_for_and_never_answers() -> None:
    """Two tools, then the answer: the two stay, and 28 calls come in place of the answer."""
    lookup, transfer = ToolCall(tool="lookup_order", chars=1), ToolCall(tool="transfer_to_human", chars=1)
    asked = ModelCall(chars=7, tools=(lookup,))
    first = Message(chars=1, model_calls=(ModelCall(chars=2),), reminder=True)
    for end in (ModelCall(chars=3), ModelCall(chars=3, tools=(transfer,))):
        last = Message(chars=1, model_calls=(asked, asked, end))
        found = run_away(Conversation(source="hand", messages=(first, last)))
        assert found.messages[0] == first
        assert found.messages[1].model_calls[:2] == (asked, asked)
        assert len(found.messages[1].model_calls) == 30
        assert {call.tools[0].tool for call in found.messages[1].model_calls} <= {
            "lookup_order", "search_flights", "update_booking",
        }  # fmt: skip


def test_every_recorded_run_can_run_away() -> None:
    for each in recorded_conversations():
        assert len(run_away(each).messages[-1].model_calls) == 30


def test_scenarios_lay_over_options_that_exist() -> None:
    _, workload = load_workload("support_agent")
    options = SupportAgentOptions()
    for scenario in workload.scenarios(options):
        raw = options.model_dump()
        for key, value in scenario.options.items():
            raw[key] = {**raw[key], **value} if isinstance(value, dict) else value
        assert workload.parse_options(raw) != options, scenario.name


def test_what_must_be_scripted_is_refused_with_a_real_model() -> None:
    with pytest.raises(ValueError, match="scripted model"):
        SupportAgentOptions(model_base_url="http://127.0.0.1:1/v1", crashes=1)


async def test_stored_threads_are_seen_by_others_and_a_retried_step_changes_nothing(tmp_path: Path) -> None:
    one, other = StoredThreads(tmp_path / "threads.db"), StoredThreads(tmp_path / "threads.db")
    waiting = asyncio.create_task(other.replied("a", 1))
    await asyncio.sleep(0.05)
    one.append("a", 1, [{"role": "user", "content": "hello"}], "hi")
    one.append("a", 1, [{"role": "user", "content": "again"}], "no")
    one.append("a", 2, [{"role": "user", "content": "bye"}], "bye")
    assert await waiting == "hi"
    assert [message["content"] for message in other.history("a")] == ["hello", "bye"]
    assert other.history("b") == []


@pytest.mark.parametrize("kills", [1, 2])
async def test_conversations_go_in_waves_and_each_is_hit_as_often_as_it_is_held(kills: int) -> None:
    """Seven conversations, three at once, each held at its first call: nobody is hit by another wave's crash."""
    log, alive = ModelLog(None), [asyncio.Event()]
    hits: Counter[str] = Counter()
    at_work: set[str] = set()

    async def crash() -> None:
        assert at_work == set()  # whoever is under way is held
        hits.update(log.held)
        alive.pop().set()
        alive.append(asyncio.Event())
        await asyncio.sleep(0)
        log.held.clear()

    async def driver(task: Task, _measured: Measured) -> None:
        for _ in range(kills):
            at_work.add(task.id)
            await asyncio.sleep(0.01 * len(task.id))
            at_work.discard(task.id)
            log.held.add(task.id)
            await alive[0].wait()
        at_work.add(task.id)
        await asyncio.sleep(0.05)
        at_work.discard(task.id)

    crashes, slots = Crashes(crash, log), asyncio.Semaphore(3)
    drive = crashes.around(driver)

    async def one(name: str) -> None:
        async with slots:
            await drive(Task(id=name), Measured(Task(id=name)))

    killing = asyncio.create_task(crashes.run())
    async with asyncio.timeout(10 * patience()):
        await asyncio.gather(*(one("t" * length) for length in range(1, 8)))
    killing.cancel()
    assert set(hits.values()) == {kills}
    assert len(hits) == 7


_PARENT = """
import asyncio, json, sys
from pathlib import Path
from durameter_workloads.model_server.server import ModelLog
from durameter_workloads.support_agent.crashes import crashing

async def main():
    log = ModelLog(None)
    order = json.loads(sys.argv[1])
    async with crashing("durameter_workloads.support_agent.inngest.app_process", order, log=log, folder=Path(".")):
        print("up", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_agents_processes_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    """One that serves and one that stands by; neither outlives the measurement, however that ends."""
    [port] = free_ports(1)
    order = {
        "variant": "run_per_message",
        "options": {},
        "model_base_url": "http://127.0.0.1:1/v1",
        "address": "http://127.0.0.1:1",
        "port": port,
        "origin": f"http://127.0.0.1:{port}",
        "threads": str(tmp_path / "threads.db"),
    }
    argv = [sys.executable, "-c", _PARENT, json.dumps(order)]
    with subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"up\n"
            children = psutil.Process(parent.pid).children(recursive=True)
            assert len(children) == 2
            assert httpx.get(f"http://127.0.0.1:{port}/api/inngest").is_success
            parent.send_signal(how)
            parent.wait(20)
            assert within(20, lambda: not any(child.is_running() for child in children))
        finally:
            parent.kill()
