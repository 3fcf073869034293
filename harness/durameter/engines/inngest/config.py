"""Where Inngest is."""

from pathlib import Path
from typing import Self

from pydantic import SecretStr

from durameter.config import Config, Section

__all__ = ["InngestConfig"]


class InngestConfig(Section):
    """Where Inngest is. Without an address a dev server of durameter's own is started."""

    binary: Path | None = None
    """The `inngest` program to start."""
    version: str = ""
    """The only version to start, found, fetched or built: 1.44.0 or 1.12.1. By default whatever is on the PATH, or else
    1.44.0."""
    address: str = ""
    """Base URL of a server that is already there, such as `http://127.0.0.1:8288`."""
    signing_key: SecretStr | None = None
    """Of a server that asks for one (`inngest start`); `durameter watch --attach` also takes INNGEST_SIGNING_KEY. Never
    written to a result."""
    event_key: SecretStr | None = None
    """For programs that are watched on such a server; they also get INNGEST_EVENT_KEY as it is."""
    app_host: str = "127.0.0.1"
    """The name by which that server reaches this machine; `host.docker.internal` for one in Docker."""
    app_bind: str = "127.0.0.1"
    """The interface on which the measured app listens, or the tap before it."""
    store: Path | None = None
    """The `main.db` of a server that is already there: a source of its own. Read-only; it must be in WAL mode."""
    tap: bool = True
    """Whether clients and apps are connected through a tap that counts what passes."""

    @classmethod
    def of(cls, config: Config) -> Self:
        """What is configured for Inngest."""
        return config.section("inngest", cls)
