"""The pytest plug-in: `durameter_measure` counts what an agent costs within a test. See docs/ci.md.

Pytest imports this in every project in which durameter is installed: until a fixture is used, it imports nothing more.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from durameter.pytest_plugin.measuring import Measure
    from durameter.pytest_plugin.servers import Servers

__all__ = ["durameter_measure", "durameter_servers"]


@pytest.fixture(scope="session")
def durameter_servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The servers of this session: each is started when it is first needed, once, and stopped at the end."""
    with warnings.catch_warnings():
        # What the SDKs warn of when they are imported is none of the tests' business, which may make it an error.
        warnings.simplefilter("ignore")
        import durameter.pytest_plugin.measuring  # noqa: F401 - with all that it needs
        from durameter.pytest_plugin.servers import Servers, session_config

    servers = Servers(session_config(request.config.rootpath), tmp_path_factory.mktemp("durameter-servers"))
    try:
        yield servers
    finally:
        servers.stop()


@pytest.fixture(scope="session")
def durameter_measure(
    durameter_servers: Servers, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Measure:
    """Measures a workload: `durameter_measure("./my_agent.py:workload", engine="ENGINE", tasks=3)`."""
    from durameter.pytest_plugin.measuring import Measure

    def folder() -> Path:
        return tmp_path_factory.mktemp("durameter") / "result"

    return Measure(durameter_servers, folder, request.config.rootpath)
