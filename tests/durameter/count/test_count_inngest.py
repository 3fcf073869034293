"""`durameter count --inngest`: runs of a real dev server, grouped into tasks by their roots, with counts by hand."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import fastapi
import httpx
import inngest
import pytest

from durameter.config import Config
from durameter.engines.inngest.engine import InngestEngine
from durameter.processes.asgi import serve_app
from durameter.results.folder import Result, read_result
from durameter_collectors.inngest.api.graphql import ENDED, InngestApi, Run
from running import Ended, patience, run

pytestmark = pytest.mark.servers


@dataclass
class Served:
    """An app whose functions have run."""

    address: str
    app: str
    began: datetime
    api: InngestApi
    client: inngest.Inngest

    def slug(self, name: str) -> str:
        return f"{self.app}-{name}"

    async def runs(self) -> dict[str, Run]:
        """Slug → its latest run."""
        mine = f"{self.app}-"
        return {r.function.slug: r async for r in self.api.runs_since(self.began) if r.function.slug.startswith(mine)}


def functions(client: inngest.Inngest, app: str) -> list[inngest.Function[object]]:
    """Executions by hand stand beside each."""

    async def nothing() -> str:
        return "done"

    async def fail() -> None:
        raise inngest.NonRetriableError("for good")

    # The run and its step: 2.
    @client.create_function(fn_id="child", trigger=inngest.TriggerEvent(event=f"{app}/child"))
    async def child(ctx: inngest.Context) -> str:
        return await ctx.step.run("work", nothing)

    # The run and its step: 2.
    @client.create_function(fn_id="listener", trigger=inngest.TriggerEvent(event=f"{app}/sent"))
    async def listener(ctx: inngest.Context) -> str:
        return await ctx.step.run("work", nothing)

    # The run and its step: 2, once for two events, which two tasks sent.
    @client.create_function(
        fn_id="batched",
        trigger=inngest.TriggerEvent(event=f"{app}/sent"),
        batch_events=inngest.Batch(max_size=2, timeout=timedelta(seconds=30)),
    )
    async def batched(ctx: inngest.Context) -> str:
        return await ctx.step.run("work", nothing)

    # The run, a step, an invoke and a send_event: 4; with the child and the listener 8, and 2 more with the batch.
    @client.create_function(fn_id="parent", trigger=inngest.TriggerEvent(event=f"{app}/parent"))
    async def parent(ctx: inngest.Context) -> str:
        await ctx.step.run("work", nothing)
        await ctx.step.invoke("ask", function=child)
        await ctx.step.send_event("tell", inngest.Event(name=f"{app}/sent"))
        return "done"

    # The run of the handler and its step: 2.
    async def handle(ctx: inngest.Context) -> None:
        await ctx.step.run("tidy", nothing)

    # The run: 1; with its handler 3. The error is raised outside of a step.
    @client.create_function(
        fn_id="failing", retries=0, on_failure=handle, trigger=inngest.TriggerEvent(event=f"{app}/failing")
    )
    async def failing(ctx: inngest.Context) -> None:
        del ctx
        await fail()

    # The run and its sleep so far: 2.
    @client.create_function(fn_id="sleeping", trigger=inngest.TriggerEvent(event=f"{app}/sleeping"))
    async def sleeping(ctx: inngest.Context) -> None:
        await ctx.step.sleep("night", timedelta(hours=1))

    return [child, listener, batched, parent, failing, sleeping]


@pytest.fixture(scope="module")
async def served(shared_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    app = f"count{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("served")
    async with InngestEngine().session(shared_servers, folder, print) as session:
        client = session.client(app)
        async with session.serve(client, functions(client, app)):
            found = Served(session.info.address, app, datetime.now(UTC) - timedelta(seconds=1), session.api, client)
            await client.send([inngest.Event(name=f"{app}/{name}") for name in ("parent", "parent", "failing")])
            expected = {found.slug(name) for name in ("parent", "child", "listener", "batched", "failing")}
            begun = asyncio.get_running_loop().time()
            while True:
                runs = await found.runs()
                handled = len(runs) > len(expected)  # the handler has a slug of its own
                if expected <= set(runs) and handled and all(each.status in ENDED for each in runs.values()):
                    break
                assert asyncio.get_running_loop().time() - begun < 60 * patience(), runs
                await asyncio.sleep(0.3)
            await asyncio.sleep(2)
            yield found


async def count(served: Served, tmp_path: Path, *words: str, since: datetime | None = None) -> tuple[Ended, Path]:
    out = tmp_path / f"out-{uuid.uuid4().hex[:6]}"
    begin = (since or served.began).isoformat()
    line = ["count", "--inngest", served.address, "--since", begin, *words, "--out", str(out), "--json"]
    return await asyncio.to_thread(run, *line, cwd=tmp_path), out


def units(result: Result) -> dict[str, list[Decimal]]:
    """Type of task → executions of each, in order."""
    (engine,) = result.measurement.engines
    found: dict[str, list[Decimal]] = {}
    for task in engine.tasks:
        found.setdefault(task.type, []).append(task.units)
    return {name: sorted(counts) for name, counts in found.items()}


async def test_runs_are_counted_with_all_that_descends_from_them(served: Served, tmp_path: Path) -> None:
    words = [word for name in ("parent", "failing") for word in ("--function", served.slug(name))]
    ended, out = await count(served, tmp_path, *words)
    result = read_result(out)
    assert units(result) == {served.slug("parent"): [8, 10], served.slug("failing"): [3]}
    states = {task.type: task.state for task in result.measurement.engines[0].tasks}
    assert states == {served.slug("parent"): "completed", served.slug("failing"): "failed"}
    assert result.measurement.door == "count"
    assert (
        result.measurement.about["runs"] == 9
    )  # two of parent, child and listener, one of the batch, of failing and its handler
    assert not any(task.gaps for task in result.measurement.engines[0].tasks)
    assert ended.status == 1, ended.err  # a task failed
    assert json.loads(ended.out)["door"] == "count"
    assert len(list((out / "records" / "inngest").rglob("*.json.gz"))) == 9


async def test_a_function_that_others_lead_to_begins_no_task(served: Served, tmp_path: Path) -> None:
    ended, out = await count(served, tmp_path, "--function", served.slug("child"))
    assert ended.status == 2
    assert "2 runs of it were led to by other functions" in ended.err
    assert served.slug("parent") in ended.err
    assert not out.exists()


async def test_a_root_before_the_window_is_said(served: Served, tmp_path: Path) -> None:
    first = min(
        [r async for r in served.api.runs_since(served.began) if r.function.slug == served.slug("child")],
        key=lambda r: r.queued_at or served.began,
    )
    assert first.queued_at is not None
    ended, out = await count(served, tmp_path, "--function", served.slug("child"), since=first.queued_at)
    (task, *_) = read_result(out).measurement.engines[0].tasks
    assert task.units == 2
    assert "was led to by a run that is not in this window" in task.gaps[0].what
    assert ended.status == 4


async def test_a_run_that_goes_on_is_a_count_so_far(served: Served, tmp_path: Path) -> None:
    await served.client.send(inngest.Event(name=f"{served.app}/sleeping"))
    while served.slug("sleeping") not in (runs := await served.runs()):
        await asyncio.sleep(0.2)
    await asyncio.sleep(1)
    ended, out = await count(served, tmp_path, "--function", served.slug("sleeping"))
    (task,) = read_result(out).measurement.engines[0].tasks
    await served.api.cancel(runs[served.slug("sleeping")].id)
    assert (task.state, task.units) == ("interrupted", 2)
    assert any("had not ended" in gap.what for gap in task.gaps)
    assert ended.status == 4


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--function", "nobody-knows"), 2, "has no function nobody-knows. A slug is APP-FUNCTION. It has: "),
        (("--since", "2001-01-01", "--until", "2001-01-02"), 2, "no run that was queued between 2001-01-01"),
    ],
)
async def test_errors_say_what_to_do(
    words: tuple[str, ...], status: int, says: str, served: Served, tmp_path: Path
) -> None:
    ended, _ = await count(served, tmp_path, *words)
    assert ended.status == status
    assert says in " ".join(ended.err.split())


@asynccontextmanager
async def only_rest(address: str, key: str) -> AsyncIterator[str]:
    """What Inngest Cloud offers its users, in front of the dev server: the REST API alone, for those with the key."""
    app = fastapi.FastAPI()

    @app.get("/v2/{path:path}")
    async def rest(path: str, request: fastapi.Request) -> fastapi.Response:
        if request.headers.get("authorization") != f"Bearer {key}":
            return fastapi.Response(status_code=401)
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"{address}/v2/{path}", params=dict(request.query_params))
        return fastapi.Response(answer.content, answer.status_code, media_type="application/json")

    async with serve_app(app, host="127.0.0.1") as port:
        yield f"http://127.0.0.1:{port}"


async def test_the_rest_api_alone_counts_the_same(served: Served, tmp_path: Path) -> None:
    words = [word for name in ("parent", "failing") for word in ("--function", served.slug(name))]
    _, out = await count(served, tmp_path, *words)
    async with only_rest(served.address, "signkey-test-ab12") as url:
        line = ["count", "--inngest", url, "--since", served.began.isoformat(), *words, "--out", "rest", "--json"]
        ended = await asyncio.to_thread(run, *line, cwd=tmp_path, INNGEST_SIGNING_KEY="signkey-test-ab12")
        keyless = await asyncio.to_thread(run, *line[:-2], "none", cwd=tmp_path)
        wrong = await asyncio.to_thread(run, *line[:-2], "none", cwd=tmp_path, INNGEST_SIGNING_KEY="signkey-test-00")
    graphql, rest = read_result(out), read_result(tmp_path / "rest")
    assert units(rest) == units(graphql) == {served.slug("parent"): [8, 10], served.slug("failing"): [3]}

    def rows(result: Result) -> set[tuple[str, str, str, str, str]]:
        return {(unit.run, unit.rule, unit.cause, unit.step, unit.evidence) for unit in result.ledger}

    assert rows(rest) == rows(graphql)
    assert not any(task.gaps for task in rest.measurement.engines[0].tasks)
    assert ended.status == 1, ended.err  # a task failed
    assert any("Completed too early" in line for line in rest.measurement.engines[0].unseen)
    assert "signkey" not in (tmp_path / "rest" / "measurement.json").read_text()
    assert (keyless.status, wrong.status) == (3, 3)
    assert "asks for its signing key. Set INNGEST_SIGNING_KEY" in keyless.err
    assert "refuses the signing key" in wrong.err


async def test_nothing_that_speaks_inngest_is_said(tmp_path: Path) -> None:
    ended = await asyncio.to_thread(run, "count", "--inngest", "http://127.0.0.1:9", cwd=tmp_path)
    assert ended.status == 3
    assert "No Inngest dev server answers at http://127.0.0.1:9" in ended.err
    assert not (tmp_path / "durameter-results").exists()
