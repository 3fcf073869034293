"""A tap under guard, as the harness starts it."""

import asyncio
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from durameter.engines.base import RunningServer
from durameter.processes.server import GuardedProcess, clean_environment, free_ports
from durameter_collectors.tapping.upstream import Tls
from durameter_collectors.temporal.meter import Meter
from durameter_collectors.temporal.wire.client import WireLog, tap_command
from running import patience


async def until(condition: Callable[[], Awaitable[bool]], what: str, seconds: float = 30) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < seconds * patience():
        if await condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"never saw {what}")


@dataclass
class Tapped:
    address: str
    """Where clients and workers connect to."""
    log: WireLog
    out: Path
    control: int
    process: GuardedProcess

    async def decoder(self) -> int:
        """Process id of the decoder."""
        return int((await self.log.stats())["decoder"])

    async def meters(self, namespace: str) -> Counter[str]:
        """Rows by the meter's names, once all that has passed is read."""
        await self.log.settle()
        return Counter(row.meter for row in self.log.actions(namespace) if row.meter)

    async def said(self, namespace: str = "") -> list[str]:
        """Every problem."""
        await self.log.settle()
        return [problem.what for problem in self.log.problems(namespace)]


@asynccontextmanager
async def tap(target: str, folder: Path, *, tls: Tls | None = None, backlog: int = 0) -> AsyncIterator[Tapped]:
    listen, control = free_ports(2)
    out = folder / "wire.jsonl"
    address = f"127.0.0.1:{listen}"
    argv = tap_command(sys.executable, listen=address, target=target, out=out, control=control, tls=tls)
    argv += ["--backlog", str(backlog)] if backlog else []
    process = await GuardedProcess.start("the tap", argv, folder=folder, environment=clean_environment(folder))
    try:
        log = WireLog(out, control)
        assert await process.ready(log.ready, port=listen)
        yield Tapped(address, log, out, control, process)
    finally:
        await process.stop()


async def namespace_on(address: str) -> Client:
    """A client for a new namespace, whose name needs no translation in the meter's labels."""
    namespace = f"wire{uuid.uuid4().hex[:12]}"
    anywhere = await Client.connect(address)
    await anywhere.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=Duration(seconds=86_400))
    )
    client = await Client.connect(address, namespace=namespace)

    async def usable() -> bool:
        try:
            await client.count_workflows()
        except RPCError:
            return False
        return True

    await until(usable, "the namespace")
    return client


async def metered(server: RunningServer, namespace: str) -> dict[str, int]:
    """The server's own count, by action type."""
    async with httpx.AsyncClient() as http:
        counts = await Meter(http, server.settings["DURAMETER_TEMPORAL_METRICS_URL"]).read_stable(namespace)
    return {kind: int(count) for kind, count in counts.items() if count}
