"""Servers that all tests share, and leaving without the interpreter's finalization."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import hypothesis
import pytest

from durameter.config import Config, make_config
from durameter.engines.base import RunningServer
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.engine import InngestEngine
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.engine import TemporalEngine

# A shared machine may pause in the middle of an example; timing belongs to benchmarks.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

_status: int | None = None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus: int) -> None:
    global _status  # noqa: PLW0603 - pytest passes it to this hook only
    _status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """A process with Temporal SDK threads may die in finalization (temporalio/sdk-python issue 300)."""
    if _status is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_status)


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the settings of the person who runs it, except where servers are kept."""
    for name in list(os.environ):
        if name.startswith(("DURAMETER_", "OTEL_", "INNGEST_", "TEMPORAL_")) and name != "DURAMETER_CACHE_DIR":
            monkeypatch.delenv(name)


def _show(line: str) -> None:
    print(line)


@pytest.fixture(scope="session")
async def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningServer]:
    """A real Temporal dev server for the whole session."""
    server = await TemporalEngine().start(make_config(), tmp_path_factory.mktemp("temporal"), _show)
    yield server
    await server.process.stop()


@pytest.fixture(scope="session")
async def inngest_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningServer]:
    """A real Inngest dev server for the whole session."""
    server = await InngestEngine().start(make_config(), tmp_path_factory.mktemp("inngest"), _show)
    yield server
    await server.process.stop()


@pytest.fixture(scope="session")
def shared_servers(temporal_server: RunningServer, inngest_server: RunningServer) -> Config:
    """A configuration that uses both shared servers."""
    return make_config(
        temporal=TemporalConfig(
            address=temporal_server.info.address,
            metrics_url=temporal_server.settings["DURAMETER_TEMPORAL_METRICS_URL"],
        ),
        inngest=InngestConfig(
            address=inngest_server.info.address, store=Path(inngest_server.settings["DURAMETER_INNGEST_STORE"])
        ),
    )
