"""The port that Temporal programs hard-code."""

import psutil

from durameter.engines.temporal.tap import RunningTap
from durameter_collectors.temporal.wire.log import WireError

__all__ = ["USUAL_PORT", "usual_ports"]

USUAL_PORT = 7233
_HOSTS = ("127.0.0.1", "[::1]")
"""Node and Go may resolve `localhost` to the second one."""
_TAKEN = "in use"


async def usual_ports(tap: RunningTap, target: str) -> list[str]:
    """Let the tap listen on the usual port of both loopback addresses.

    Args:
        tap: the tap.
        target: `host:port` of the server, without TLS.

    Returns:
        What to tell: that another program has the port, so that a command which hard-codes it is not seen.
    """
    notes = []
    for host in _HOSTS:
        address = f"{host}:{USUAL_PORT}"
        if address == target or (target.startswith("localhost:") and target.endswith(f":{USUAL_PORT}")):
            notes.append(_taken(address, "the server itself"))
            continue
        try:
            await tap.log.route(address, target)
        except WireError as error:
            if _TAKEN in str(error):  # else this machine has no such address
                notes.append(_taken(address, _holder()))
    return notes


def _taken(address: str, holder: str) -> str:
    return (
        f"{address} is taken by {holder}: a program that hard-codes it is not seen. "
        "Let it read TEMPORAL_ADDRESS, or stop what is there"
    )


def _holder() -> str:
    """Who listens on the usual port, as far as one may know."""
    try:
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == USUAL_PORT and each.pid:
                return f"another program ({psutil.Process(each.pid).name()}, process {each.pid})"
    except psutil.Error:  # some systems show them to nobody
        pass
    return "another program"
