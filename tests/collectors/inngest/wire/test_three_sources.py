"""Small functions on a real dev server, asked through the tap: wire, store and trace against counts derived by hand."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import inngest
import pytest
from inngest.experimental import ai
from inngest_tapping import address_of, client_of, database_of, ended, served, tap
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from durameter.engines.base import RunningServer
from durameter.processes.asgi import serve_app
from durameter_collectors.inngest.api.graphql import InngestApi
from durameter_collectors.inngest.descendants import RunGraph, find_descendants, settled_descendants
from durameter_collectors.inngest.opcodes import units_per_run
from durameter_collectors.inngest.store.read import StoreReading, read_store
from durameter_collectors.inngest.wire.client import WireLog
from durameter_collectors.inngest.wire.rows import WireEvents, WireSync
from durameter_collectors.inngest.wire.runs import RunOnWire, counts_on_wire, runs_on_wire, sent_by_steps

pytestmark = pytest.mark.servers

APP = "three"
TRIES: Counter[str] = Counter()
MODEL: dict[str, int] = {}


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


async def model(_request: Request) -> Response:
    TRIES["model"] += 1
    answer = {"choices": [{"message": {"role": "assistant", "content": "good"}}]}
    return JSONResponse(answer, status_code=500 if TRIES["model"] == 1 else 200)


async def hopeless() -> str:
    raise inngest.NonRetriableError("no use", quiet=True)


async def main(ctx: inngest.Context, child: inngest.Function[Any]) -> None:  # noqa: C901, PLR0912 - one branch each
    """One function with a branch per scenario; two retries."""
    run, step = ctx.run_id, ctx.step
    match ctx.event.data["name"]:
        case "no steps":
            pass
        case "three steps":
            for number in range(3):
                await step.run(f"step {number}", good)
        case "step fails twice":
            await step.run("first", good)
            await step.run("second", broken, run, 2)
        case "step fails for good":
            await step.run("doomed", broken, run, 99)
        case "step is limited twice":
            await step.run("first", good)
            await step.run("second", limited, run, 2)
        case "step is limited for good":
            await step.run("first", good)
            await step.run("doomed", limited, run, 99)
        case "parallel, one limited for good":
            await ctx.group.parallel((lambda: step.run("left", limited, run, 99), lambda: step.run("right", good)))
        case "step gives up":
            await step.run("first", good)
            await step.run("doomed", hopeless)
        case "function fails outside steps":
            TRIES[run] += 1
            if TRIES[run] <= 2:
                raise inngest.RetryAfterError("not yet", timedelta(milliseconds=500), quiet=True)
        case "function fails before a step":
            TRIES[run] += 1
            if TRIES[run] <= 1:
                raise inngest.RetryAfterError("not yet", timedelta(milliseconds=500), quiet=True)
            await step.run("after", good)
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
        case "model answers at the second try":
            adapter = ai.openai.Adapter(auth_key="key", base_url=f"http://127.0.0.1:{MODEL['port']}/v1", model="m")
            await step.ai.infer("ask", adapter=adapter, body={"messages": []})
        case "invoke":
            await step.invoke("call", function=child, data={})
        case "fan out":
            events = [inngest.Event(name=f"{APP}/sent") for _ in range(2)]
            await step.send_event("send", [*events, inngest.Event(name=f"{APP}/nobody")])
        case "fails in a grandchild":
            await step.send_event("send", inngest.Event(name=f"{APP}/fails"))


# name: (SDK requests that are answered, {kind: documented}, further attempts of steps, retries that no step shows).
# Requests by hand: one for each attempt of each step, one per planning, one more to find that nothing is left.
EXPECTED: dict[str, tuple[int, dict[str, int], int, int]] = {
    "no steps": (1, {}, 0, 0),
    "three steps": (4, {"step.run": 3}, 0, 0),
    "step fails twice": (1 + 3 + 1, {"step.run": 2}, 2, 0),
    "step fails for good": (3 + 1, {"step.run": 1}, 2, 0),  # the last one lets the function handle the error
    "step is limited twice": (1 + 3 + 1, {"step.run": 2}, 2, 0),
    "step is limited for good": (1 + 3, {"step.run": 1}, 0, 2),  # the doomed step has no id: its retries are the run's
    "parallel, one limited for good": (1 + 1 + 3, {"step.run": 2}, 2, 0),  # planned: it has an id
    "step gives up": (1 + 1, {"step.run": 1}, 0, 0),
    "function fails outside steps": (3, {}, 0, 2),
    "function fails before a step": (2 + 1, {"step.run": 1}, 1, 0),  # the server calls it the step's second attempt
    "parallel": (1 + 2 + 1 + 1, {"step.run": 3}, 0, 0),
    "parallel with failures": (1 + 3 + 2 + 1, {"step.run": 2}, 2 + 1, 0),
    "sleep": (4, {"step.run": 2, "step.sleep": 1}, 0, 0),
    "wait times out": (2, {"step.wait_for_event": 1}, 0, 0),
    "model answers at the second try": (2 + 1, {"step.ai": 1}, 1, 0),  # the app is asked again before each try
    "invoke": (2, {"step.invoke": 1}, 0, 0),
    "fan out": (2, {"step.run": 1}, 0, 0),
    "fails in a grandchild": (2, {"step.run": 1}, 0, 0),
}
# name: (way, function) of every run beside the task's first one.
DESCENDANTS: dict[str, list[tuple[str, str]]] = {
    "invoke": [("invoke", "child")],
    "fan out": [("sent", "sent"), ("sent", "sent")],
    "fails in a grandchild": [("ended", "fails-failure"), ("sent", "fails")],
}


@dataclass
class Seen:
    log: WireLog
    wire: dict[str, RunOnWire]
    store: StoreReading
    history: StoreReading
    runs: dict[str, str]
    """Scenario → its first run."""
    graphs: dict[str, tuple[RunGraph, RunGraph]]
    """Scenario → by the wire, by the trace."""


@pytest.fixture(scope="module")
async def seen(inngest_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seen]:
    async with tap(tmp_path_factory.mktemp("three")) as tapped, httpx.AsyncClient(timeout=30) as http:
        log, api = tapped.log, InngestApi(http, inngest_server.info.address)
        client = client_of(APP, await log.before_server(address_of(inngest_server)))

        def trigger(name: str) -> inngest.TriggerEvent:
            return inngest.TriggerEvent(event=f"{APP}/{name}")

        @client.create_function(fn_id="child", trigger=trigger("child"), retries=0)
        async def child(ctx: inngest.Context) -> None:
            await ctx.step.run("inner", good)

        @client.create_function(fn_id="sent", trigger=trigger("sent"), retries=0)
        async def sent(ctx: inngest.Context) -> None:
            await ctx.step.run("inner", good)

        async def clean_up(ctx: inngest.Context) -> None:
            await ctx.step.run("clean up", good)

        @client.create_function(fn_id="fails", trigger=trigger("fails"), retries=0, on_failure=clean_up)
        async def fails(ctx: inngest.Context) -> None:
            raise RuntimeError("always")

        @client.create_function(fn_id="main", trigger=trigger("main"), retries=2)
        async def start(ctx: inngest.Context) -> None:
            await main(ctx, child)

        app = Starlette(routes=[Route("/v1/chat/completions", model, methods=["POST"])])
        async with serve_app(app) as MODEL["port"], served(tapped, client, [start, child, sent, fails]):
            events = await client.send([inngest.Event(name=f"{APP}/main", data={"name": name}) for name in EXPECTED])
            of = dict(zip(EXPECTED, events, strict=True))
            runs = await asyncio.gather(*(ended(api, event) for event in events))

            async def on_wire() -> dict[str, dict[str, list[str]]]:
                await log.settle()
                return sent_by_steps(runs_on_wire(log.rows))

            graphs = {}
            for name in EXPECTED:
                by_wire = await settled_descendants(api, [of[name]], sent=on_wire) if name in DESCENDANTS else None
                graphs[name] = (
                    by_wire or await find_descendants(api, [of[name]], sent=on_wire),
                    await find_descendants(api, [of[name]]),
                )
            await asyncio.sleep(1)  # spans are written after the end
            await log.settle()
            yield Seen(
                log,
                runs_on_wire(log.rows),
                read_store(database_of(inngest_server)),
                read_store(database_of(inngest_server), table="history"),
                {name: run for name, [run] in zip(EXPECTED, runs, strict=True)},
                graphs,
            )


def documented(kinds: dict[str, int], retries: int) -> dict[str, int]:
    return {"function_run": 1, **kinds, **({"step_retry": retries} if retries else {})}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_wire_sees_what_was_derived_by_hand(seen: Seen, name: str) -> None:
    requests, kinds, retries, of_function = EXPECTED[name]
    run = seen.wire[seen.runs[name]]
    assert run.requests - run.unanswered == requests
    assert counts_on_wire({"": run})[""] == documented(kinds, retries)
    assert (run.function_retries, run.problems, run.function) == (of_function, [], f"{APP}-main")


@pytest.mark.parametrize("name", EXPECTED)
def test_the_store_sees_the_same(seen: Seen, name: str) -> None:
    requests, kinds, retries, of_function = EXPECTED[name]
    run = seen.store.runs[seen.runs[name]]
    assert seen.store.table == "spans"
    assert run.requests - run.unanswered == requests
    assert units_per_run({"": run})[""] == documented(kinds, retries)
    assert (run.function_retries, run.problems, run.function) == (of_function, [], f"{APP}-main")
    assert set(run.steps) == set(seen.wire[seen.runs[name]].steps)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_older_table_sees_the_same(seen: Seen, name: str) -> None:
    """Newer servers still fill the table of 1.12, by other code: its rule can be tried on them."""
    requests, kinds, retries, of_function = EXPECTED[name]
    run = seen.history.runs[seen.runs[name]]
    assert run.requests - run.unanswered == requests
    assert units_per_run({"": run})[""] == documented(kinds, retries)
    assert (run.function_retries, run.problems) == (of_function, [])


@pytest.mark.parametrize("name", EXPECTED)
def test_every_descendant_is_found_with_evidence(seen: Seen, name: str) -> None:
    for graph in seen.graphs[name]:
        found = graph.descendants()
        assert found.keys() == graph.runs.keys()
        first, *others = found.values()
        assert (first.way, first.parent, first.run.id) == ("event", "", seen.runs[name])
        ways = sorted((each.way, each.run.function.slug.removeprefix(f"{APP}-")) for each in others)
        assert ways == DESCENDANTS.get(name, [])
        assert all(each.parent in found and each.evidence for each in others)
        assert (graph.problems, graph.whole) == ([], True)


def test_statuses_in_the_store(seen: Seen) -> None:
    failing = {name for name in EXPECTED if "for good" in name or name == "step gives up"}
    for reading in (seen.store, seen.history):
        assert {n for n in EXPECTED if reading.runs[seen.runs[n]].status == "FAILED"} == failing
        assert {n for n in EXPECTED if reading.runs[seen.runs[n]].status == "COMPLETED"} == set(EXPECTED) - failing


def test_events_that_were_sent_are_known(seen: Seen) -> None:
    sent = [row for row in seen.log.rows if isinstance(row, WireEvents)]
    names = Counter(name for row in sent for name in row.names)
    assert names == {f"{APP}/main": len(EXPECTED), f"{APP}/sent": 2, f"{APP}/nobody": 1, f"{APP}/fails": 1}
    assert all(len(row.ids) == len(row.names) and row.status == 200 for row in sent)


def test_the_app_is_registered_at_the_tap(seen: Seen) -> None:
    [sync] = [row for row in seen.log.rows if isinstance(row, WireSync)]
    assert (len(sync.functions), sync.status) == (5, 200)  # with the failure handler


def test_nothing_was_unreadable(seen: Seen) -> None:
    assert seen.log.problems() == []
