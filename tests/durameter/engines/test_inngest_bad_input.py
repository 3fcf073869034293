"""What goes wrong around a session on a real server: each ends in a flag or an error that says what to do next."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import fastapi
import httpx
import inngest
import inngest.fast_api
import psutil
import pytest
from own_inngest import OwnServer, answers, own_server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from durameter import InngestSession
from durameter.config import Config, make_config
from durameter.engines.base import TaskCount
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.engine import InngestEngine
from durameter.engines.inngest.server import PORT_TAKEN
from durameter.errors import EngineMissingError
from durameter.processes.asgi import serve_app
from durameter.processes.server import free_ports
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import ENDED
from durameter_collectors.inngest.trace import steps_of
from durameter_collectors.tapping.client import TapError
from durameter_collectors.units import TaskLabel
from running import patience

pytestmark = pytest.mark.servers

LABEL = TaskLabel("tests/bad", "default", "task")
TWO = Counter({"function_run": 1, "step.run": 2})
"""What the function of these tests costs: its run, and two steps."""


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnServer]:
    """Its database is written to by these tests."""
    async with own_server(tmp_path_factory.mktemp("bad")) as server:
        yield server


def _silent(_line: str) -> None: ...


def _with(server: OwnServer, **changes: object) -> Config:
    return make_config(inngest=InngestConfig.of(server.config).model_copy(update=changes))


async def _good() -> str:
    return "good"


def _functions(client: inngest.Inngest) -> list[inngest.Function[object]]:
    @client.create_function(fn_id="two", trigger=inngest.TriggerEvent(event=f"{client.app_id}/two"))
    async def two(ctx: inngest.Context) -> None:
        await ctx.step.run("a", _good)
        await ctx.step.run("b", _good)

    @client.create_function(fn_id="endless", trigger=inngest.TriggerEvent(event=f"{client.app_id}/endless"))
    async def endless(ctx: inngest.Context) -> None:
        await ctx.step.sleep("nap", timedelta(hours=1))

    return [two, endless]


@asynccontextmanager
async def _served(config: Config, folder: Path, app: str) -> AsyncIterator[InngestSession]:
    async with InngestEngine().session(config, folder, _silent) as session:
        client = session.client(app)
        async with session.serve(client, _functions(client)):
            yield session


async def _send(address: str, name: str) -> str:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{address}/e/key", json={"name": name, "data": {}})
    return str(answer.json()["ids"][0])


async def _ended(session: InngestSession, event: str) -> None:
    async with asyncio.timeout(60 * patience()):
        while not (runs := await session.api.runs_of_event(event)) or any(run.status not in ENDED for run in runs):
            await asyncio.sleep(0.1)


async def _measured(session: InngestSession, event: str) -> tuple[TaskCount, dict[tuple[str, str], Reconciliation]]:
    count = await session.count([event], LABEL)
    return count, {(each.source, each.other): each for each in await session.reconcile(count.units)}


def _kinds(count: TaskCount) -> Counter[str]:
    return Counter(unit.kind for unit in count.units)


def _states(found: dict[tuple[str, str], Reconciliation]) -> set[tuple[str, str]]:
    """Which comparisons do not agree."""
    return {names for names, each in found.items() if each.state != "agrees"}


async def test_a_step_that_vanishes_from_the_database_is_noticed_by_the_wire(server: OwnServer, tmp_path: Path) -> None:
    """As a server does that finds its database locked. Trace, store and REST read one table: they all lack it."""
    async with _served(server.config, tmp_path, "vanish") as session:
        event = await _send(session.address, "vanish/two")
        await _ended(session, event)
        [run] = await session.api.runs_of_event(event)
        _, lost = steps_of((await session.api.settled_trace(run.id))[0])
        with closing(sqlite3.connect(server.folder / ".inngest" / "main.db", timeout=10)) as store:
            gone = store.execute(
                "DELETE FROM spans WHERE run_id = ? AND instr(attributes, ?)", (run.id, lost.id)
            ).rowcount
            store.commit()
        assert gone > 0
        count, found = await _measured(session, event)
    assert _kinds(count) == Counter({"function_run": 1, "step.run": 1})
    assert {("trace", "wire"), ("store", "wire")} <= _states(found)
    [line] = [line for line in found["trace", "wire"].lines if line.unexplained]
    assert (line.kind, line.ours, line.other, line.where) == ("step.run", 1, 2, (run.id,))


async def test_a_run_that_never_ends_is_a_gap_within_the_patience(server: OwnServer, tmp_path: Path) -> None:
    """The run and its sleep are counted so far."""
    async with _served(server.config, tmp_path, "endless") as session:
        session.patience = 1
        event = await _send(session.address, "endless/endless")
        async with asyncio.timeout(20 * patience()):
            count, found = await _measured(session, event)
            await session.abandon([event])
            await _ended(session, event)
    assert _kinds(count) == Counter({"function_run": 1, "step.sleep": 1})
    [gap] = count.gaps
    assert (gap.run, gap.task) == (count.runs[0], "task")
    assert "had not ended 1 s after its task" in gap.what
    assert _states(found) == set()


async def test_a_second_server_on_a_port_is_not_taken_for_the_first(server: OwnServer, tmp_path: Path) -> None:
    """It goes silently to the next free port, and the first one answers where it should."""
    second = OwnServer(tmp_path / "second", [server.ports[0], *free_ports(3)])
    process, start = await second.launch()
    assert not await process.ready(
        partial(answers, f"{second.address}/dev"),
        port=second.ports[0],
        taken=PORT_TAKEN,
        harmless=start.harmless,
    )
    assert not process.running
    assert await answers(f"{server.address}/dev")


async def _page(_request: Request) -> HTMLResponse:
    return HTMLResponse("<html>")


async def test_an_address_where_no_inngest_server_answers(tmp_path: Path) -> None:
    async with serve_app(Starlette(routes=[Route("/{path:path}", _page)])) as port:
        for address in (f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_ports(1)[0]}"):
            config = make_config(inngest=InngestConfig(address=address))
            with pytest.raises(EngineMissingError, match=r"No Inngest dev server answers .* let durameter start"):
                async with InngestEngine().session(config, tmp_path, _silent):
                    pass


async def test_an_app_that_answers_and_does_not_register(server: OwnServer, tmp_path: Path) -> None:
    """It says that all is well: perhaps it has registered with another server. What it was meant to do is a gap."""
    async with InngestEngine().session(server.config, tmp_path, _silent) as session:
        async with serve_app(Starlette(routes=[Route("/{path:path}", _page, methods=["PUT"])])) as port:
            origin = await session.before_app(f"127.0.0.1:{port}")
            with pytest.raises(EngineMissingError, match=r"knows no function of it\. Its SDK must know the server"):
                await session.register("absent", f"{origin}/api/inngest")
        with pytest.raises(EngineMissingError, match="did not take the app absent"):
            await session.register("absent", f"http://127.0.0.1:{free_ports(1)[0]}/api/inngest")
        count, _ = await _measured(session, await _send(session.address, "absent/two"))
    assert count.units == []
    [gap] = count.gaps
    assert gap.what.startswith("its events (absent/two) started no run, and no function that has registered listens")


async def test_an_app_that_is_registered_beside_the_tap(server: OwnServer, tmp_path: Path) -> None:
    """Whoever asks the session to register it is told at once; else the proof differs and says why."""
    async with InngestEngine().session(server.config, tmp_path, _silent) as session:
        client, app = session.client("beside"), fastapi.FastAPI()
        async with serve_app(app) as port:
            origin = f"http://127.0.0.1:{port}"
            inngest.fast_api.serve(app, client, _functions(client), serve_origin=origin)
            with pytest.raises(EngineMissingError, match=rf"{port}/api/inngest, where its requests are not seen"):
                await session.register("beside", f"{origin}/api/inngest")
            event = await _send(session.address, "beside/two")
            await _ended(session, event)
            count, found = await _measured(session, event)
    assert _kinds(count) == TWO
    assert {("trace", "wire"), ("store", "wire")} <= _states(found)
    assert any(
        "beside-two did not pass the tap" in note and "before_app()" in note for note in found["trace", "wire"].notes
    )


async def test_an_event_that_is_sent_beside_the_tap(server: OwnServer, tmp_path: Path) -> None:
    """Its run is counted; the event itself is in no count, and that is said."""
    async with _served(server.config, tmp_path, "passing") as session:
        event = await _send(server.address, "passing/two")
        await _ended(session, event)
        count, found = await _measured(session, event)
    assert (_kinds(count), count.measures["events"], count.gaps) == (TWO, 0, [])
    assert _states(found) == {("runs", "events")}
    [note] = found["runs", "events"].notes
    assert note.startswith(f"event {event}, which started run {count.runs[0]}, did not pass the tap")


@pytest.mark.parametrize("what", ["missing", "truncated", "text", "other tables"])
async def test_a_database_that_cannot_be_read_is_said_and_the_others_still_prove(
    server: OwnServer, tmp_path: Path, what: str
) -> None:
    file = tmp_path / "main.db"
    if what == "truncated":
        file.write_bytes((server.folder / ".inngest" / "main.db").read_bytes()[:3000])
    elif what == "text":
        file.write_text("nothing of the kind\n" * 1000)
    elif what == "other tables":
        with closing(sqlite3.connect(file)) as store:
            store.execute("PRAGMA journal_mode = WAL")
            store.execute("CREATE TABLE invoices (id)")
            store.commit()
    async with _served(_with(server, store=file), tmp_path, f"store-{what.replace(' ', '-')}") as session:
        count, found = await _measured(session, await _send(session.address, f"store-{what.replace(' ', '-')}/two"))
    assert _kinds(count) == TWO
    assert not any("store" in names for names in found)
    assert _states(found) == set()
    [note] = found["trace", "wire"].notes
    assert str(file) in note


async def test_the_database_of_another_server(server: OwnServer, tmp_path: Path) -> None:
    """A copy that ends before the run."""
    file = tmp_path / "main.db"
    with (
        closing(sqlite3.connect(server.folder / ".inngest" / "main.db", timeout=10)) as store,
        closing(sqlite3.connect(file)) as copy,
    ):
        store.backup(copy)
    async with _served(_with(server, store=file), tmp_path, "elsewhere") as session:
        count, found = await _measured(session, await _send(session.address, "elsewhere/two"))
    assert _kinds(count) == TWO
    assert _states(found) == {("trace", "store"), ("store", "wire")}
    assert all(line.where == tuple(count.runs) for line in found["trace", "store"].lines)


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("durameter_collectors.inngest.wire.decode", "decoder ended by itself"),
        ("durameter_collectors.inngest.wire", "The tap of the Inngest measurement ended by itself"),
    ],
)
async def test_a_tap_or_its_decoder_that_dies_ends_the_measurement(
    server: OwnServer, tmp_path: Path, module: str, says: str
) -> None:
    """Nothing would be seen from there on: neither a count nor a proof is made of what is left."""
    async with _served(server.config, tmp_path, f"dies-{len(module)}") as session:
        event = await _send(session.address, f"dies-{len(module)}/two")
        await _ended(session, event)
        [dying] = [
            each
            for each in psutil.process_iter(["cmdline"])
            if module in (words := each.info["cmdline"] or []) and any(str(tmp_path) in word for word in words)
        ]
        dying.kill()
        said = await asyncio.wait_for(session.died(), 30 * patience())
        with pytest.raises(TapError, match=r"The tap has died|not counted any more"):
            await session.count([event], LABEL)
        with pytest.raises(TapError, match=r"The tap has died|not counted any more"):
            await session.reconcile([])
    assert says in said
