"""Where a tap sends what it gets: plain, or by TLS, which then ends at the tap."""

import ssl
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Target", "Tls", "host_and_port"]


@dataclass(frozen=True, slots=True)
class Tls:
    """How to reach an endpoint that speaks TLS."""

    ca: Path | None = None
    """Certificates to trust, PEM; the system's when not given."""
    certificate: Path | None = None
    """The client's own certificate, PEM (mTLS)."""
    key: Path | None = None
    """Its key, PEM."""
    server_name: str = ""
    """The name that the server's certificate must have and that is asked for; the target's host when empty."""

    alpn: tuple[str, ...] = ("h2",)
    """The protocols that are offered."""

    def context(self) -> ssl.SSLContext:
        """For connections to it.

        Raises:
            OSError: a file cannot be read or is no certificate or key (`ssl.SSLError` is one).
        """
        context = ssl.create_default_context(cafile=self.ca)
        context.set_alpn_protocols(list(self.alpn))
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def arguments(self) -> list[str]:
        """The same as arguments of the tap's command line. Names of files only, no secret."""
        options = {"ca": self.ca, "cert": self.certificate, "key": self.key, "server-name": self.server_name}
        given = [word for name, value in options.items() if value for word in (f"--tls-{name}", str(value))]
        return ["--tls", *given]


@dataclass(frozen=True, slots=True)
class Target:
    """A server to pass bytes on to."""

    host: str
    port: int
    tls: Tls | None = None


def host_and_port(address: str) -> tuple[str, int]:
    """Of `host:port`; an IPv6 address is in brackets.

    Raises:
        ValueError: it is nothing like that.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise ValueError(f"{address!r} is not host:port")
    return host.removeprefix("[").removesuffix("]"), int(port)
