"""The tap before a Temporal frontend."""

from pathlib import Path

from durameter.engines.tap import GuardedTap, start_guarded_tap
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.server import wants_tls
from durameter.errors import EngineMissingError
from durameter_collectors.tapping.upstream import Tls, host_and_port
from durameter_collectors.temporal.wire.client import WireLog, tap_command

__all__ = ["RunningTap", "start_tap"]

RunningTap = GuardedTap[WireLog]
"""Forwards to one server; for clients and workers it is plain HTTP/2, whatever the server speaks."""


async def start_tap(config: TemporalConfig, target: str, folder: Path) -> RunningTap:
    """Start a tap on a free loopback port.

    Args:
        config: whether and how the target speaks TLS.
        target: `host:port` of the server.
        folder: where its rows and its log go. Nothing raw is written.

    Raises:
        EngineMissingError: it did not start.
    """
    try:
        host_and_port(target)
    except ValueError as error:
        raise EngineMissingError(f"The address of the Temporal server, {error}.") from error
    tls = None
    if wants_tls(config):
        ca, certificate, key = (
            file.absolute() if file else None for file in (config.tls_ca, config.tls_cert, config.tls_key)
        )
        tls = Tls(ca=ca, certificate=certificate, key=key, server_name=config.tls_server_name)

    def command(python: str, listen: str, rows: Path, control: int) -> list[str]:
        return tap_command(python, listen=listen, target=target, out=rows, control=control, tls=tls)

    return await start_guarded_tap("The tap before the Temporal server", folder, command, WireLog, listens=True)
