"""Programs that know nothing of durameter, through the command line: AgentKit in TypeScript, and a hard-coded 8288."""

import importlib.util
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import psutil
import pytest
from filelock import FileLock

from durameter.processes.server import free_ports
from running import command, patience, run, within

PROGRAMS = Path(__file__).parents[2] / "programs"
SHOP = Path(__file__).with_name("shop.py")
pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{file.parent.name}_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


AGENTKIT = _module(PROGRAMS / "inngest_agentkit" / "expected.py")


@contextmanager
def scripted_model(folder: Path) -> Iterator[str]:
    """The project's model server as a program of its own; yields its base URL."""
    script = PROGRAMS / "inngest_agentkit" / "model.json"
    words = [sys.executable, "-m", "durameter_workloads.model_server", str(script), "--port", "0"]
    said = folder / "model.out"
    with said.open("w") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
    try:
        assert within(30, lambda: "OPENAI_BASE_URL=" in said.read_text()), said.read_text()
        yield said.read_text().partition("OPENAI_BASE_URL=")[2].split()[0]
    finally:
        process.terminate()
        process.wait()


def kinds(task: dict[str, Any]) -> dict[str, int]:
    return {kind: int(count["documented"]) for kind, count in task["kinds"].items()}


def measured(folder: Path) -> dict[str, Any]:
    (engine,) = json.loads((folder / "measurement.json").read_text())["engines"]
    assert isinstance(engine, dict)
    return engine


def post(url: str, body: object) -> None:
    httpx.post(url, json=body, timeout=20 * patience(), trust_env=False).raise_for_status()


@pytest.mark.slow
def test_an_agentkit_program_in_typescript_is_counted_as_derived(tmp_path: Path) -> None:
    """It serves until it is stopped; tickets come from outside, as a browser sends them."""
    program = _module(PROGRAMS / "npm.py").installed(PROGRAMS / "inngest_agentkit")
    (port,) = free_ports(1)
    out = tmp_path / "result"
    words = ("watch", "--engine", "inngest", "--tasks", "3", "--no-usual-ports", "--out", out, "--", "node")
    with scripted_model(tmp_path) as model:
        variables = {"OPENAI_BASE_URL": model, "OPENAI_API_KEY": "none", "PORT": str(port)}
        with command(*words, program / "lib" / "server.js", folder=out, cwd=tmp_path, **variables) as watching:
            assert within(60, lambda: "is registered through the tap" in watching.err), watching.err
            for ticket, urgent in (("T-1", False), ("T-2", True), ("T-3", False)):
                question = {"ticket": ticket, "customer": "ann", "question": "Where is my order A-17?"}
                post(f"http://127.0.0.1:{port}/tickets", {**question, "urgent": urgent})
            ended = watching.end()
    assert ended.status == 0, ended.err
    found = measured(out)
    assert sorted((kinds(task) for task in found["tasks"]), key=lambda each: each["function_run"]) == [
        AGENTKIT.PLAIN,
        AGENTKIT.PLAIN,
        AGENTKIT.URGENT,
    ]
    assert {task["type"] for task in found["tasks"]} == {"support-desk-answer-ticket"}
    assert {task["state"] for task in found["tasks"]} == {"completed"}
    assert {proof["state"] for proof in found["reconciliations"]} == {"agrees"}
    assert "units per task" in ended.out


def test_a_program_that_has_8288_in_its_code(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    out = tmp_path / "result"
    with FileLock(Path(tempfile.gettempdir()) / "durameter-usual-ports.lock", timeout=600):
        taken = _listens(8288)
        ended = run(
            *("watch", "--engine", "inngest", "--for", "15s" if taken else "60s", "--out", out, "--"),
            *(sys.executable, SHOP, str(port), "hard"),
            cwd=tmp_path,
        )
    if taken:  # another program's server: it is said
        assert "port 8288 is not free" in ended.err
        return
    assert ended.status == 1, "a refund failed, as it is meant to"
    assert sorted(sum(kinds(task).values()) for task in measured(out)["tasks"]) == [4, 7, 7, 7]


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_that_dies_is_said(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    out = tmp_path / "result"
    words = ("watch", "--engine", "inngest", "--no-usual-ports", "--out", out, "--")
    variables = {"SHOP_SECONDS": "30"}
    with command(*words, sys.executable, SHOP, str(port), "work", folder=out, cwd=tmp_path, **variables) as watching:
        assert within(60, lambda: "is registered through the tap" in watching.err), watching.err
        (server,) = [pid for pid in watching.servers() if "dev" in psutil.Process(pid).cmdline()]
        psutil.Process(server).kill()
        ended = watching.end(60)
    assert ended.status != 0
    assert "Inngest dev server" in ended.err + ended.out
    time.sleep(0.2)
    assert not _listens(port), "the command was ended too"
