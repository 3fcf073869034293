"""Watching on a server that has the REST API alone, as Inngest Cloud has: a real `inngest start --no-ui` with keys.

The program speaks to it as to the Cloud: by its keys, and called by the server itself. No tap is between.
"""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from durameter.engines.base import RunningServer
from durameter.processes.server import GuardedProcess, clean_environment, free_ports
from durameter.results.folder import Result, read_result
from durameter.results.model import EngineResult
from running import Ended, environment, run

pytestmark = pytest.mark.servers

DESK = Path(__file__).with_name("desk.py")
KEY = "signkey-test-00112233"
EVENT_KEY = "an-event-key"
# `order`: runs of order, pack and packed; steps charge, tell and wrap; the sleep; the invoke of pack.
ORDER = {"function_run": 3, "step.run": 3, "step.sleep": 1, "step.invoke": 1}


@dataclass
class Cloud:
    address: str
    folder: Path

    def watch(self, *words: str, key: str = KEY) -> tuple[Ended, Path]:
        out = self.folder / f"out-{len(list(self.folder.iterdir()))}"
        line = ["watch", "--engine", "inngest", "--attach", self.address, "--out", str(out), "--json", *words]
        keys = {"INNGEST_SIGNING_KEY": key, "INNGEST_EVENT_KEY": EVENT_KEY} if key else {}
        return run(*line, cwd=self.folder, INNGEST_DEV="1", **keys), out  # INNGEST_DEV must not reach the program


@pytest.fixture(scope="module")
async def cloud(inngest_server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    assert inngest_server.process is not None
    program = psutil.Process(inngest_server.process.pid).exe()
    ports = free_ports(4)
    names = ("port", "connect-gateway-port", "connect-gateway-grpc-port", "connect-executor-grpc-port")
    argv = [program, "start", "--no-ui", "--host", "127.0.0.1", "--sqlite-dir", str(folder / "server"), "--tick", "50"]
    argv += ["--signing-key", KEY.rpartition("-")[2], "--event-key", EVENT_KEY]
    argv += [word for name, port in zip(names, ports, strict=True) for word in (f"--{name}", str(port))]
    server = await GuardedProcess.start(
        "inngest start", argv, folder=folder / "server", environment=clean_environment(folder / "server")
    )
    address = f"http://127.0.0.1:{ports[0]}"

    async def answers() -> bool:
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {KEY}"}) as http:
            try:
                return (await http.get(f"{address}/v2/runs?limit=1")).is_success
            except httpx.HTTPError:
                return False

    assert await server.ready(answers, port=ports[0])
    (folder / "results").mkdir()
    yield Cloud(address, folder / "results")
    await server.stop()


def engine(result: Result) -> EngineResult:
    return result.measurement.engines[0]


def kinds(found: EngineResult) -> list[dict[str, int]]:
    return [{kind: int(count.documented) for kind, count in task.kinds.items()} for task in found.tasks]


def test_a_command_is_counted_by_the_runs_of_its_time(cloud: Cloud) -> None:
    (port,) = free_ports(1)
    before, _ = cloud.watch("--", sys.executable, str(DESK), str(port), "early", "ann")
    ended, out = cloud.watch("--", sys.executable, str(DESK), str(port), "desk", "ann", "bob", "ann")
    assert before.status == ended.status == 0, ended.err
    found = engine(read_result(out))
    assert kinds(found) == [ORDER, ORDER, ORDER]  # and not the one of before
    assert [task.type for task in found.tasks] == ["desk-order"] * 3
    assert [task.state for task in found.tasks] == ["completed"] * 3
    assert not any(task.gaps for task in found.tasks)
    assert {proof.state for proof in found.reconciliations} == {"not checked"}
    said = " ".join(found.unseen)
    for each in ("RetryAfterError", "all that were queued on that server since it began", "Completed too early"):
        assert each in said
    assert "has the REST API alone: no tap is before it" in ended.err
    assert len(list((out / "records" / "inngest").rglob("*.json.gz"))) == 9
    kept = [file for file in out.rglob("*") if file.is_file()]
    assert not [file for file in kept if KEY.encode() in file.read_bytes() or EVENT_KEY.encode() in file.read_bytes()]


def test_a_window_an_app_and_a_task_key(cloud: Cloud) -> None:
    """An app whose name begins with another's is another; events have ids of their sender's."""
    ports = free_ports(2)
    desk = f"{sys.executable} {DESK}"
    both = f"{desk} {ports[0]} keyed ann bob ann & {desk} {ports[1]} keyed-too ann & wait"
    cloud.watch("--", "sh", "-c", both)
    ended, out = cloud.watch("--since", "1h", "--query", "keyed", "--task-key", "event:data.customer.id")
    assert ended.status == 0, ended.err
    found = engine(read_result(out))
    assert {task.task: int(task.units) for task in found.tasks} == {"ann": 16, "bob": 8}  # 8 an order
    assert read_result(out).measurement.about["query"] == "keyed"


def test_what_an_app_did_for_another_is_not_lost(cloud: Cloud) -> None:
    """A query that matches the runs in the middle: they are roots here, and that is said."""
    (port,) = free_ports(1)
    cloud.watch("--", sys.executable, str(DESK), str(port), "middle", "ann", "bob")
    for function, count in (("pack", {"function_run": 1, "step.run": 1}), ("packed", {"function_run": 1})):
        ended, out = cloud.watch("--since", "1h", "--query", f"middle-{function}")
        found = engine(read_result(out))
        assert kinds(found) == [count, count]  # `pack` has a step, `packed` none
        gaps = [gap.what for task in found.tasks for gap in task.gaps]
        assert ["of middle-order, which --query does not match" in gap for gap in gaps] == [True, True]
        assert ended.status == 4, ended.err


def test_others_who_go_on_for_ever_are_not_waited_for(cloud: Cloud) -> None:
    """As a cron does in an app that is served by others; what it starts after the command is not the command's."""
    busy, port = free_ports(2)
    (cloud.folder / "busy").mkdir()
    ended = cloud.folder / "busy" / "ended"
    other = subprocess.Popen(
        [sys.executable, str(DESK), str(busy), "others", "busy"],
        env=environment(cloud.folder / "busy")
        | {"INNGEST_BASE_URL": cloud.address, "INNGEST_SIGNING_KEY": KEY, "INNGEST_EVENT_KEY": EVENT_KEY},
    )
    try:
        line = f"{sys.executable} {DESK} {port} hurry ann; date +%s > {ended}"
        done, out = cloud.watch("--", "sh", "-c", line)  # which would have no end otherwise
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
    assert done.status == 0, done.err
    found = engine(read_result(out))
    mine = [task for task in found.tasks if task.type == "hurry-order"]
    theirs = [task for task in found.tasks if task.type == "others-packed"]
    assert [{kind: int(count.documented) for kind, count in task.kinds.items()} for task in mine] == [ORDER]
    assert len(mine) + len(theirs) == len(found.tasks)
    # Its second, and the time until the server was asked what time it is.
    assert all(task.started.timestamp() < int(ended.read_text()) + 5 for task in theirs)


def test_a_command_whose_runs_go_on_when_enough_have_ended(cloud: Cloud) -> None:
    """`--tasks` looks at the records while the command runs."""
    (port,) = free_ports(1)
    ended, out = cloud.watch(
        "--tasks", "1", "--query", "stays", "--", sys.executable, str(DESK), str(port), "stays", "ann", "stay"
    )
    found = engine(read_result(out))
    assert kinds(found) == [ORDER], ended.err
    assert read_result(out).measurement.about["ended"] == "1 task has ended (--tasks)"


@pytest.mark.parametrize(
    ("words", "key", "status", "says"),
    [
        (["--since", "1h", "--query", "nobody"], KEY, 2, "has no run of nobody that was queued since"),
        (["--", "true"], KEY, 2, "Is its app synced with that server, at a URL that the server can reach?"),
        (
            ["--since", "1h", "--task-key", "event:data.nix"],
            KEY,
            2,
            "no event that started a run has the field",
        ),
        (["--", "true"], "", 3, "asks for its signing key. Set INNGEST_SIGNING_KEY"),
        (["--", "true"], "signkey-test-ff", 3, "refuses the signing key (status 401)"),
    ],
)
def test_errors_say_what_to_do(cloud: Cloud, words: list[str], key: str, status: int, says: str) -> None:
    ended, _ = cloud.watch(*words, key=key)
    assert ended.status == status
    assert says in " ".join(ended.err.split())
    assert "Traceback" not in ended.err
