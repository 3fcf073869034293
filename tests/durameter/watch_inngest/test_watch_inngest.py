"""Programs on Inngest, as they are: tasks found, counted by hand-derived figures, and what is missing said."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from durameter.config import make_config
from durameter.engines.base import RunningServer
from durameter.engines.discovery import WatchOptions
from durameter.engines.task_key import parse_key
from durameter.errors import DurameterError, UsageError
from durameter.processes.server import free_ports
from durameter.registry import task_keys
from durameter.results.folder import Result
from durameter.results.model import EngineResult, TaskResult
from durameter.watcher.watch import WatchPlan, watch

pytestmark = pytest.mark.servers

SHOP = Path(__file__).with_name("shop.py")

# `order`: runs of order, pack and packed; its steps charge, pack (invoke) and tell, and wrap in pack.
ORDER = {"function_run": 3, "step.run": 3, "step.invoke": 1}
# `refund`: its run and the handler's, the step that fails for good, and clean.
REFUND = {"function_run": 2, "step.run": 2}

Watch = Callable[..., Awaitable[Result]]


class _Quiet:
    def note(self, line: str) -> None: ...

    def begin(self, engine: str, variant: str, tasks: int) -> None: ...

    def task(self, engine: str, result: TaskResult) -> None: ...

    def end(self, result: EngineResult) -> None: ...


@pytest.fixture
def shop(lone_inngest_server: RunningServer, tmp_path: Path) -> Watch:
    """Watches the shop in one of its modes on a server for this file, as an app of its own."""

    async def run(mode: str, *, key: str = "", path: str = "", name: str = "") -> Result:
        (port,) = free_ports(1)
        command = (sys.executable, str(SHOP), str(port), mode, name or f"shop-{mode}-{tmp_path.name[-12:]}".lower())
        options = WatchOptions(
            attach=lone_inngest_server.info.address,
            key=parse_key(key, task_keys(), "inngest") if key else None,
            app=(f"http://localhost:{port}{path}",) if path else (),
            usual_ports=False,
            idle_seconds=0.5,
        )
        plan = WatchPlan(
            engine="inngest",
            unit="execution",
            name="watch/shop",
            command=command,
            options=options,
            folder=tmp_path / "r",
        )
        return await watch(plan, make_config(), _Quiet())

    return run


def kinds(task: TaskResult) -> dict[str, int]:
    return {kind: int(count.documented) for kind, count in task.kinds.items()}


def engine(result: Result) -> EngineResult:
    return result.measurement.engines[0]


def by_type(found: EngineResult) -> list[TaskResult]:
    """Events that are sent at the same time may start their runs in any order."""
    return sorted(found.tasks, key=lambda task: task.type)


async def test_each_root_run_is_a_task_with_all_that_it_led_to(shop: Watch) -> None:
    found = engine(await shop("work"))
    tasks = by_type(found)
    assert [task.type.rpartition("-")[2] for task in tasks] == ["order", "order", "order", "refund"]
    assert [kinds(task) for task in tasks] == [ORDER, ORDER, ORDER, REFUND]
    assert [task.state for task in tasks] == ["completed", "completed", "completed", "failed"]
    assert [task.measures["events"] for task in tasks] == [2, 2, 2, 1]  # its own, and the one that tell sent
    assert not any(task.gaps for task in found.tasks)
    assert {proof.state for proof in found.reconciliations} <= {"agrees", "not checked"}
    assert found.reconciliations[0].state == "agrees"
    assert (found.reconciliations[0].source, found.reconciliations[0].other) == ("trace", "wire")


async def test_on_a_server_of_its_own_everything_settles_once_for_all_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same figures by the same proofs, and no task is waited for."""

    async def waited(*_: object, **__: object) -> None:
        raise AssertionError("a task was waited for though everything rests")

    monkeypatch.setattr("durameter_collectors.inngest.runs.settled_descendants", waited)
    (port,) = free_ports(1)
    plan = WatchPlan(
        engine="inngest",
        unit="execution",
        name="watch/shop",
        command=(sys.executable, str(SHOP), str(port), "work"),
        options=WatchOptions(usual_ports=False),
        folder=tmp_path / "r",
    )
    found = engine(await watch(plan, make_config(), _Quiet()))
    assert [kinds(task) for task in by_type(found)] == [ORDER, ORDER, ORDER, REFUND]
    assert not any(task.gaps for task in found.tasks)
    assert {proof.state for proof in found.reconciliations} == {"agrees"}


async def test_a_task_key_puts_runs_together(shop: Watch) -> None:
    found = engine(await shop("work", key="event:data.customer.id"))
    ann, bob, cyd = sorted(found.tasks, key=lambda task: task.task)
    assert [ann.task, bob.task, cyd.task] == ["ann", "bob", "cyd"]
    assert kinds(ann) == {kind: 2 * count for kind, count in ORDER.items()}
    assert kinds(bob) == ORDER
    assert kinds(cyd) == REFUND


async def test_an_app_at_an_unusual_path_is_named(shop: Watch) -> None:
    found = engine(await shop("elsewhere", path="/elsewhere"))
    assert [kinds(task) for task in by_type(found)] == [ORDER, ORDER, ORDER, REFUND]


async def test_a_program_that_registers_by_itself_loses_nothing(shop: Watch) -> None:
    """It sends at once: whether the server calls it beside the tap for a while is a race, and said when it happens."""
    found = engine(await shop("self"))
    (task,) = found.tasks
    assert kinds(task) == ORDER
    proof = found.reconciliations[0]
    flagged = any("registered by itself" in gap.what for gap in task.gaps)
    assert flagged or (proof.other, proof.state) == ("wire", "agrees")


async def test_a_program_that_leaves_its_run_behind(shop: Watch) -> None:
    (task,) = engine(await shop("leave")).tasks
    assert task.state == "interrupted"
    assert "had not ended when the watch did" in task.error
    assert kinds(task) == {"function_run": 1, "step.run": 1, "step.sleep": 1}


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("mute", ["was found, and no event was sent", "/e/any-key"]),
        ("typo", ["/oder), and no function listens to them", "Is the event's name right?"]),
        ("hurry", ["before", "had registered, and the server starts nothing for such"]),
        ("website", ["No Inngest app registered", "The command listens on port", "--app http"]),
        ("elsewhere", ["No Inngest app registered", "The command listens on port", "--app http"]),
        ("cloud", ["could not register with the server", "is_production=True"]),
    ],
)
async def test_nothing_ran_and_why(shop: Watch, mode: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if mode == "elsewhere":  # it would wait for ever
        monkeypatch.setenv("SHOP_SECONDS", "2")
        mode = "mute-elsewhere"
    with pytest.raises(UsageError) as told:
        await shop(mode)
    for each in words:
        assert each in str(told.value)


async def test_an_app_that_fixes_its_own_origin(shop: Watch) -> None:
    (task,) = engine(await shop("fixed")).tasks
    assert kinds(task) == ORDER
    assert any("it fixes its own origin" in gap.what for gap in task.gaps)


async def test_a_named_app_that_is_none(shop: Watch) -> None:
    with pytest.raises(UsageError, match=r"/nowhere is no Inngest app: status 404.*Is that its port, and the path"):
        await shop("mute", path="/nowhere")


async def test_a_key_that_no_event_has(shop: Watch) -> None:
    with pytest.raises(UsageError, match=r"no event that started a run has the field data.nobody.*data.customer.id"):
        await shop("work", key="event:data.nobody")


async def test_a_window_of_a_running_server(shop: Watch, lone_inngest_server: RunningServer, tmp_path: Path) -> None:
    name = f"past-{tmp_path.name[-12:]}".lower()
    first = engine(await shop("work", name=name))
    # Another app, whose functions' slugs begin as this one's do.
    words = (str(SHOP), str(*free_ports(1)), "self", f"{name}-too")
    env = os.environ | {"INNGEST_DEV": lone_inngest_server.info.address}
    assert await (await asyncio.create_subprocess_exec(sys.executable, *words, env=env)).wait() == 0
    assert first.started is not None
    plan = WatchPlan(
        engine="inngest",
        unit="execution",
        name="watch/inngest",
        command=(),
        options=WatchOptions(
            attach=lone_inngest_server.info.address, command=False, since=first.started, query=name, usual_ports=False
        ),
        folder=tmp_path / "window",
    )
    found = engine(await watch(plan, make_config(), _Quiet()))
    # The wire tells more kinds, and here none of these.
    assert [kinds(task) for task in by_type(found)] == [ORDER, ORDER, ORDER, REFUND]
    assert [task.task for task in found.tasks] == [task.task for task in first.tasks]
    assert not any(proof.independent and proof.state == "agrees" for proof in found.reconciliations)
    assert any("RetryAfterError" in each for each in found.unseen)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"attach": "127.0.0.1:8288"}, "is a URL, such as http://127.0.0.1:8288"),
        ({"attach": "http://127.0.0.1:9"}, "No Inngest dev server answers at http://127.0.0.1:9"),
        ({"app": ("localhost:3000",)}, "--app 'localhost:3000'"),
        ({"app": ("http://localhost:3000",)}, "must be the URL at which the app serves its functions"),
    ],
)
async def test_options_that_cannot_work(options: dict[str, object], words: str, tmp_path: Path) -> None:
    plan = WatchPlan(
        engine="inngest",
        unit="execution",
        name="watch/true",
        command=("true",),
        options=WatchOptions(**options),  # type: ignore[arg-type]  # of several types
        folder=tmp_path / "r",
    )
    with pytest.raises(DurameterError) as told:
        await watch(plan, make_config(), _Quiet())
    assert words in str(told.value)
