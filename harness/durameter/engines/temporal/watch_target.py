"""What goes wrong with a watch on Temporal, and what to do then."""

import psutil

from durameter.engines.discovery import WatchOptions
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.engine import ReachedTemporal
from durameter.engines.temporal.tap import RunningTap
from durameter.engines.temporal.watch_session import WatchSession
from durameter.errors import EngineMissingError, UsageError
from durameter_collectors.tapping.upstream import host_and_port
from durameter_collectors.temporal.wire.client import WireError

__all__ = [
    "USUAL_PORT",
    "check_options",
    "nothing_found",
    "pointed_at",
    "usual_ports",
]

# The port that Temporal programs hard-code.

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


_CLOUD = (".tmprl.cloud", ".api.temporal.io")


def pointed_at(config: TemporalConfig, address: str) -> TemporalConfig:
    """The configuration with the address to attach to; a namespace endpoint of Temporal Cloud names its namespace.

    Raises:
        UsageError: it is no `host:port`, or its namespace is not known.
        EngineMissingError: it is Temporal Cloud, and there is no key for it.
    """
    address = address or config.address
    if not address:
        return config
    try:
        host, _ = host_and_port(address)
    except ValueError as error:
        raise UsageError(f"--attach: {error}. For Temporal it is the frontend's, such as 127.0.0.1:7233.") from error
    config = config.model_copy(update={"address": address})
    if not host.endswith(_CLOUD):
        return config
    if config.api_key is None and config.tls_cert is None:
        raise EngineMissingError(
            f"Temporal Cloud ({host}) asks for a key: set DURAMETER_TEMPORAL_API_KEY, or tls_cert and tls_key under "
            "[temporal] in durameter.toml (DURAMETER_TEMPORAL_TLS_CERT, DURAMETER_TEMPORAL_TLS_KEY)."
        )
    if config.namespace:
        return config
    if not host.endswith(_CLOUD[0]):
        raise UsageError(
            f"{host} serves many namespaces: name yours, DURAMETER_TEMPORAL_NAMESPACE=name.account "
            "(or namespace under [temporal] in durameter.toml)."
        )
    return config.model_copy(update={"namespace": host.removesuffix(_CLOUD[0])})


def check_options(options: WatchOptions, config: TemporalConfig) -> None:
    """Check that the options are for Temporal and go together.

    Raises:
        UsageError: they do not.
    """
    if options.app:
        raise UsageError("--app names an Inngest app; Temporal has none. Leave it out, or use --engine inngest.")
    if not config.address and (options.query or options.since or options.until):
        raise UsageError(
            "--since, --until and --query choose among what a server that runs already holds: name it by --attach "
            "HOST:PORT. Without it all that the command does is counted."
        )
    if not options.command and not (options.query or options.since or options.until):
        raise UsageError(
            'Without a command, say what to count: --since and --until (--since 2h), or --query "WorkflowType = '
            "'Order'\"; or give the command after two hyphens: durameter watch --attach HOST:PORT -- python agent.py"
        )


async def nothing_found(
    reached: ReachedTemporal, options: WatchOptions, session: WatchSession, notes: tuple[str, ...]
) -> str:
    """Why there is no task, and what to do about it."""
    namespace = session.client.namespace
    if not options.command:
        return (
            f"No workflow in the namespace {namespace} of {session.info.address} began in this window or matches this "
            "query. Widen --since and --until, or see what is there: "
            f"temporal workflow list --address {session.info.address} --namespace {namespace}"
        )
    if others := session.other_namespaces():
        return (
            f"No task was found in the namespace {namespace}, and the command worked in {', '.join(others)}. "
            f"Watch there: DURAMETER_TEMPORAL_NAMESPACE={others[0]}"
        )
    connected = None if reached.tap is None else (await reached.tap.log.stats())["connections"]
    if connected:
        return (
            f"No task was found: the command connected to the server {connected} times and started no workflow. "
            "A worker alone starts none: run what starts them as well, in one command, such as "
            "sh -c 'python worker.py & python start.py'; or let it run longer. If it met an error, it is above "
            f"(it must use the namespace {namespace}, or the one that DURAMETER_TEMPORAL_NAMESPACE names)."
        )
    taken = " ".join(f"{note}." for note in notes)
    return (
        "No task was found: the command never connected to the server"
        + (". " if connected is not None else ", or nobody saw it (there is no tap). ")
        + f"It should connect to the address in TEMPORAL_ADDRESS ({session.address}), without TLS; one that hard-codes "
        f"127.0.0.1:7233 or localhost:7233 is seen too while that port is free. {taken}".rstrip()
    )
