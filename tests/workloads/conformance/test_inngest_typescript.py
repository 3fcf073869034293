"""What the suite's own tests leave open of the TypeScript scenarios: Node.js, npm, the package, the app's process."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from durameter.config import Config, make_config
from durameter.engines.base import RunningServer
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.engine import InngestEngine
from durameter.engines.inngest.session import InngestSession
from durameter.errors import EngineMissingError
from durameter.processes.server import GuardedProcess
from durameter_collectors.inngest.wire.rows import WireCheckpoint, WireRequest
from durameter_collectors.units import TaskLabel
from durameter_workloads.conformance.inngest import node_packages as packages_module
from durameter_workloads.conformance.inngest.bench import Bench, bench
from durameter_workloads.conformance.inngest.node_app import AppDiedError, NodeApp, node_app, node_there
from durameter_workloads.conformance.inngest.node_packages import NodeMissingError, Packages, node_packages, sources
from durameter_workloads.conformance.inngest.scenarios import typescript
from durameter_workloads.conformance.inngest.suite import perform_all

Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts shell scripts on an otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cat", "mkdir", "sleep", "sh"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(packages_module, "_refused", {})

    def put(name: str, script: str) -> Path:
        file = folder / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return file

    return put


def npm(program: Program, script: str) -> None:
    """An npm that says its version and otherwise does this."""
    program("npm", f'if [ "$1" = --version ]; then echo 11.0.0; exit; fi\n{script}')


# Finding and installing.


async def test_without_node_the_reason_says_what_to_install(program: Program, tmp_path: Path) -> None:
    with pytest.raises(NodeMissingError, match=r"There is no `node` on the PATH\. Install Node\.js 20 or newer"):
        await node_packages(tmp_path / "cache")


async def test_without_npm_the_reason_says_so(program: Program, tmp_path: Path) -> None:
    program("node", "echo v20.20.2")
    with pytest.raises(NodeMissingError, match=r"There is no `npm` on the PATH"):
        await node_packages(tmp_path / "cache")


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo v18.19.0", "`node` is v18.19.0"), ("echo hello", "`node` is hello"), ("exit 7", "failed with status 7")],
)
async def test_a_node_that_is_no_use_is_told(program: Program, tmp_path: Path, script: str, said: str) -> None:
    program("node", script)
    with pytest.raises(NodeMissingError, match=rf"{said}.*Install Node\.js 20"):
        await node_packages(tmp_path / "cache")


async def test_what_npm_complains_of_is_told_and_it_is_not_asked_twice(program: Program, tmp_path: Path) -> None:
    program("node", "echo v20.20.2")
    asked = tmp_path / "asked"
    npm(program, f"echo again >> {asked}; echo npm error code ECONNREFUSED >&2; exit 1")
    for _ in range(2):
        with pytest.raises(NodeMissingError, match=r"ended with status 1.*registry reachable[\s\S]*ECONNREFUSED"):
            await node_packages(tmp_path / "cache")
    assert asked.read_text().splitlines() == ["again"]
    assert not list((tmp_path / "cache").rglob("work-*"))
    assert not list((tmp_path / "cache").rglob("node_modules"))


async def test_an_npm_that_does_not_end_is_stopped(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages_module, "NPM_SECONDS", 0.3)
    program("node", "echo v20.20.2")
    npm(program, f"echo $$ > {tmp_path}/pid; sleep 60")
    with pytest.raises(NodeMissingError, match=r"not done after 0\.3 s"):
        await node_packages(tmp_path / "cache")
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


async def test_the_packages_are_installed_once_by_the_lock_and_without_scripts(
    program: Program, tmp_path: Path
) -> None:
    program("node", "echo v20.20.2")
    asked = tmp_path / "asked"
    npm(program, f'echo "$@" >> {asked}; sleep 0.5; cat package-lock.json > seen; mkdir -p node_modules/inngest')
    several = await asyncio.gather(*(node_packages(tmp_path / "cache") for _ in range(3)))
    [packages] = set(several)
    assert packages.modules.parent.is_relative_to(tmp_path / "cache")
    assert (packages.modules / "inngest").is_dir()
    assert (packages.modules.parent / "seen").read_bytes() == sources().joinpath("package-lock.json").read_bytes()
    [arguments] = asked.read_text().splitlines()
    assert arguments.startswith("ci --ignore-scripts")
    assert not list((tmp_path / "cache").rglob("work-*"))


def test_the_lock_names_every_version_by_its_hash_and_no_address() -> None:
    text = sources().joinpath("package-lock.json").read_text()
    package = json.loads(sources().joinpath("package.json").read_text())
    locked = json.loads(text)["packages"]
    assert "resolved" not in text
    assert all("integrity" in entry for name, entry in locked.items() if name)
    assert {locked[""]["dependencies"]["inngest"], locked["node_modules/inngest"]["version"]} == {
        package["dependencies"]["inngest"]
    }


# The app's process.


class Nowhere:
    """Stands for a session: no server, no tap."""

    address = "http://127.0.0.1:9"

    async def before_app(self, target: str) -> str:
        return f"http://{target}"


async def test_an_app_that_cannot_start_is_told_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no `node` on the PATH")
    (tmp_path / "node_modules").mkdir()

    async def without_the_sdk(cache: Path | None) -> Packages:
        return Packages(Path(node), tmp_path / "node_modules")

    monkeypatch.setattr("durameter_workloads.conformance.inngest.node_app.node_packages", without_the_sdk)
    nowhere: InngestSession = Nowhere()  # type: ignore[assignment] - it has what is used before the app answers
    with pytest.raises(EngineMissingError, match=r"The TypeScript app three_steps ended at once[\s\S]*"):
        async with node_app(nowhere, "app", "three_steps"):
            pass


async def test_an_app_that_dies_ends_what_waits_for_it(tmp_path: Path) -> None:
    process = await GuardedProcess.start(
        "The app", ["sh", "-c", "echo out of memory; exit 3"], folder=tmp_path, environment=dict(os.environ)
    )
    waiting = asyncio.ensure_future(asyncio.sleep(60))
    with pytest.raises(AppDiedError, match=r"The app ended by itself.*\n.*out of memory"):
        await NodeApp(process).alive(waiting)
    assert waiting.cancelled()
    await process.stop()


async def test_what_fails_beside_a_living_app_is_told_as_it_is(tmp_path: Path) -> None:
    async def fail() -> None:
        raise ValueError("as it is")

    process = await GuardedProcess.start("The app", ["sleep", "60"], folder=tmp_path, environment=dict(os.environ))
    with pytest.raises(ValueError, match="as it is"):
        await NodeApp(process).alive(fail())
    assert process.running
    await process.stop()


# With Node.js and servers.


@pytest.fixture(scope="module")
async def node() -> None:
    """The locked packages."""
    there = await node_there()
    if there is not True:
        pytest.skip(str(there))


@pytest.fixture
def config(inngest_server: RunningServer) -> Config:
    store = Path(inngest_server.settings["DURAMETER_INNGEST_STORE"])
    return make_config(inngest=InngestConfig(address=inngest_server.info.address, store=store))


async def send(on: Bench, **data: str) -> None:
    """Start the app's root as a driver in any language does. (The SDK for Python leaves connections open.)"""
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{on.session.address}/e/key", json=[{"name": on.event("root"), "data": data}])
    on.roots += answer.raise_for_status().json()["ids"]


@pytest.mark.servers
async def test_with_checkpoints_the_wire_sees_these_instead_of_replies(
    node: None, config: Config, tmp_path: Path
) -> None:
    """Three steps: four replies, three of which report one each; or three checkpoints and one reply, the end."""
    seen: dict[bool, list[tuple[str, str]]] = {}
    units = {}
    async with InngestEngine().reached(config, tmp_path, print) as reached:
        assert reached.tap is not None
        for checkpointing in (False, True):
            async with reached.session() as session, bench(session) as on:
                app = await on.enter(node_app(session, on.prefix, "three_steps", checkpointing=checkpointing))
                await send(on)
                [ended] = await app.alive(on.until_ended())
                assert ended.status == "COMPLETED"
                count = await session.count(on.roots, TaskLabel("tests", "default", on.prefix))
                [run] = count.runs
                units[checkpointing] = [(unit.kind, unit.step) for unit in count.units]
                assert {each.state for each in await session.reconcile(count.units)} == {"agrees"}
                seen[checkpointing] = [
                    (row.record, ", ".join(each.name or each.op for each in row.operations))
                    for row in reached.tap.log.index.rows_of(run)
                    if isinstance(row, WireRequest | WireCheckpoint)
                ]
            assert not psutil.pid_exists(app.process.pid)
    # The last reply without checkpoints is the function's result, status 200, which has no operations.
    assert seen[False] == [("request", "first"), ("request", "second"), ("request", "third"), ("request", "")]
    assert sorted(seen[True][:3]) == [("checkpoint", "first"), ("checkpoint", "second"), ("checkpoint", "third")]
    assert [kind for kind, _ in seen[True][3:]] == ["request"]
    assert units[True] == units[False]


@pytest.mark.servers
async def test_an_app_that_is_killed_in_the_middle_is_the_scenarios_outcome(
    node: None, config: Config, tmp_path: Path
) -> None:
    async with (
        InngestEngine().reached(config, tmp_path, print) as reached,
        reached.session() as session,
        bench(session) as on,
    ):
        app = await on.enter(node_app(session, on.prefix, "wait", checkpointing=False))
        await send(on, timeout="60s")
        [run] = await on.until_runs(1)
        await on.until_step(run.id, "WAIT_FOR_EVENT")
        psutil.Process(app.process.pid).kill()
        with pytest.raises(AppDiedError, match="The TypeScript app wait ended by itself"):
            await app.alive(on.until_ended())
        await session.abandon(on.roots)


@pytest.mark.servers
async def test_without_node_a_scenario_is_skipped_and_says_why(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with InngestEngine().reached(config, tmp_path, print) as reached:
        [outcome] = [each async for each in perform_all(reached, typescript.SCENARIOS[:1], at_once=1)]
    assert outcome.state == "skipped"
    assert "There is no `node` on the PATH. Install Node.js 20 or newer" in outcome.why


@pytest.mark.slow  # another installation, with the compiler
def test_the_apps_have_the_sdks_types(node: None, tmp_path: Path) -> None:
    for file in sources().iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=tmp_path, check=True, capture_output=True, timeout=250)
    checked = subprocess.run(["npm", "run", "check"], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
