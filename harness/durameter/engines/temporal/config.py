"""Where Temporal is."""

from pathlib import Path
from typing import Self

from pydantic import SecretStr

from durameter.config import Config, Section

__all__ = ["TemporalConfig"]


class TemporalConfig(Section):
    """Where Temporal is. Without an address a dev server of durameter's own is started."""

    binary: Path | None = None
    """The `temporal` CLI to start; by default the one that came with durameter."""
    address: str = ""
    """`host:port` of a server that is already there (its frontend)."""
    namespace: str = ""
    """Use this namespace of that server; by default one is registered for each measurement."""
    metrics_url: str = ""
    """That server's Prometheus page, such as `http://127.0.0.1:9233/metrics`: the meter."""
    api_key: SecretStr | None = None
    """For an address that asks for one. Better from the environment; never written to a result."""
    tls: bool = False
    """Speak TLS to the address; a key or a certificate implies it."""
    tls_ca: Path | None = None
    """PEM file with the authorities to trust, instead of the system's."""
    tls_cert: Path | None = None
    """PEM file with a client certificate, and `tls_key` its key, for a server that asks for one (mTLS)."""
    tls_key: Path | None = None
    tls_server_name: str = ""
    """The name in the server's certificate, where it is not the address's."""
    tap: bool = True
    """Look at the wire between clients, workers and the server. Without it, queries, heartbeats and rejected updates
    are noticed and cannot be attributed to a task."""

    @classmethod
    def of(cls, config: Config) -> Self:
        """What is configured for Temporal."""
        return config.section("temporal", cls)
