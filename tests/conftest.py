"""What all tests of a run share, and leaving without the interpreter's finalization."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

from durameter.config import Config, make_config
from durameter.engines.base import RunningServer
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.temporal.config import TemporalConfig
from running import patience
from shared_servers import lease, share, stop_all

# A shared machine may pause in the middle of an example; timing belongs to benchmarks.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("patient"), max_examples=20)
hypothesis.settings.load_profile("patient")  # `make check` asks for the quick one

_ROOT = Path(__file__).parents[1]
FILES_PER_SERVER = 8
_SHARED = "shared"

_status: int | None = None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    global _status  # noqa: PLW0603 - pytest passes it to this hook only
    _status = int(exitstatus)
    if not hasattr(session.config, "workerinput"):  # the run itself, or the one that waits for all workers
        folder = session.config._tmp_path_factory.getbasetemp() / _SHARED
        if folder.is_dir():
            stop_all(folder)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """A process with Temporal SDK threads may die in finalization (temporalio/sdk-python issue 300)."""
    if _status is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_status)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name each failure at once, also to whoever stops the run before its end; workers have no terminal."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        last = str(report.longrepr).strip().splitlines()[-1:]
        print(f"\n{report.when} of {report.nodeid} failed: {''.join(last)}", flush=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Worker processes take files in this order: those that may take longest first, so that none is left for last.

    Except those that need what another file makes, `servers(last=True)`: a worker would only wait for it.
    """
    if not hasattr(config, "workerinput"):
        return
    limits: dict[Path, float] = {}
    for item in items:
        own, servers = item.get_closest_marker("timeout"), item.get_closest_marker("servers")
        limit = 0.0 if servers is None else 0.5 if servers.kwargs else own.args[0] if own else 1.0
        limits[item.path] = max(limit, limits.get(item.path, 0.0))
    items.sort(key=lambda item: -limits[item.path])


_LIMITS = {
    "durameter.engines.inngest.session": ("_SETTLE_PATIENCE",),
    "durameter.engines.inngest.server": ("_SECONDS",),
    "durameter.engines.temporal.server": ("_CONNECT_SECONDS",),
    "durameter.processes.server": ("_READY_SECONDS", "_ANSWER_SECONDS"),
    "durameter_workloads.conformance.common.judging": ("_PATIENCE_SECONDS",),
}
"""How long durameter itself waits before it says that something does not come: a gap in a count, a server that does
not answer. Where the machine is busy with other tests, that is no answer. What it does at these limits is asked of
processes of their own, and by tests that set them."""
_said: dict[tuple[str, str], float] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Stretch the limits before each test, and before what it sets up."""
    for module, names in _LIMITS.items():
        for name in names if module in sys.modules else ():
            said = _said.setdefault((module, name), getattr(sys.modules[module], name))
            setattr(sys.modules[module], name, said * patience())


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the settings of the person who runs it, except where servers are kept."""
    for name in list(os.environ):
        if name.startswith(("DURAMETER_", "OTEL_", "INNGEST_", "TEMPORAL_")) and name != "DURAMETER_CACHE_DIR":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def run_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all worker processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if hasattr(request.config, "workerinput") else base) / _SHARED
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def run_process(request: pytest.FixtureRequest) -> int:
    """The process that ends last: the one that gives the workers their tests, or this one alone."""
    return os.getppid() if hasattr(request.config, "workerinput") else os.getpid()


@pytest.fixture(scope="module")
def temporal_server(run_folder: Path, run_process: int) -> Iterator[RunningServer]:
    """A real Temporal dev server that no other file uses meanwhile.

    Its page of metrics grows by a megabyte per namespace, and whoever reads a meter reads all of it: a server is given
    up for a fresh one after some files.
    """
    with lease("temporal", run_folder, run_process, files=FILES_PER_SERVER) as server:
        yield server


@pytest.fixture(scope="session")
def inngest_server(run_folder: Path, run_process: int) -> RunningServer:
    """A real Inngest dev server for the whole run. Others use it too: an app of one's own is alone."""
    return share("inngest", run_folder, run_process)


@pytest.fixture(scope="module")
def lone_inngest_server(run_folder: Path, run_process: int) -> Iterator[RunningServer]:
    """A real Inngest dev server for this file alone: a watch that is attached takes every app that registers for its
    command's, and puts its tap before it."""
    with lease("inngest", run_folder, run_process) as server:
        yield server


@pytest.fixture(scope="module")
def shared_servers(temporal_server: RunningServer, inngest_server: RunningServer) -> Config:
    """A configuration that uses both shared servers."""
    return _using(temporal_server, inngest_server)


@pytest.fixture(scope="module")
def agent_servers(temporal_server: RunningServer, lone_inngest_server: RunningServer) -> Config:
    """For the reference agent, whose app has the same id in each measurement: an Inngest server for this file alone."""
    return _using(temporal_server, lone_inngest_server)


def _using(temporal: RunningServer, inngest: RunningServer) -> Config:
    return make_config(
        temporal=TemporalConfig(
            address=temporal.info.address, metrics_url=temporal.settings["DURAMETER_TEMPORAL_METRICS_URL"]
        ),
        inngest=InngestConfig(address=inngest.info.address, store=Path(inngest.settings["DURAMETER_INNGEST_STORE"])),
    )


@pytest.fixture(scope="session")
def wheel(run_folder: Path) -> Path:
    """The wheel of this checkout, built once per run."""
    folder = run_folder / "wheel"
    with FileLock(run_folder / "wheel.lock"):
        if not folder.is_dir():
            build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
            subprocess.run(build, cwd=_ROOT, check=True, capture_output=True)
    [found] = folder.glob("*.whl")
    return found
