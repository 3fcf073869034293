"""A server behind TLS that asks for a client certificate and an API key, as a cloud endpoint does.

The server is the real dev server; before it stands a front of this test's own, which ends TLS and copies bytes.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from durameter.config import make_config
from durameter.engines.base import RunningServer
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.engine import TemporalEngine
from durameter.errors import EngineMissingError
from durameter_collectors.units import TaskLabel

pytestmark = pytest.mark.servers

KEY = "key-that-nobody-may-keep"


@workflow.defn
class Asked:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(0.01)

    @workflow.query
    def word(self) -> str:
        return "yes"


@asynccontextmanager
async def _front(target: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    host, _, port = target.rpartition(":")

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(copy(reader, back), copy(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def endpoint(temporal_server: RunningServer, authority: trustme.CA) -> AsyncIterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    authority.issue_cert("temporal.test").configure_cert(context)
    authority.configure_trust(context)
    async with _front(temporal_server.info.address, context) as address:
        yield address


def _config(endpoint: str, server: RunningServer, authority: trustme.CA, folder: Path) -> TemporalConfig:
    certificate = authority.issue_cert("client.test")
    files = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(files["ca"])
    certificate.cert_chain_pems[0].write_to_path(files["cert"])
    certificate.private_key_pem.write_to_path(files["key"])
    return TemporalConfig(
        address=endpoint,
        metrics_url=server.settings["DURAMETER_TEMPORAL_METRICS_URL"],
        api_key=SecretStr(KEY),
        tls_ca=files["ca"],
        tls_cert=files["cert"],
        tls_key=files["key"],
        tls_server_name="temporal.test",
    )


async def test_a_server_behind_tls_and_a_key_is_counted_through_the_tap(
    endpoint: str, temporal_server: RunningServer, authority: trustme.CA, tmp_path: Path
) -> None:
    """Start 1, timer 1, query 1. Workers of other programs speak plainly to the tap."""
    config = make_config(temporal=_config(endpoint, temporal_server, authority, tmp_path))
    folder = tmp_path / "session"
    folder.mkdir()
    async with TemporalEngine().session(config, folder, lambda _line: None) as session:
        elsewhere = await Client.connect(session.address, namespace=session.client.namespace)
        async with Worker(elsewhere, task_queue="q", workflows=[Asked], workflow_runner=UnsandboxedWorkflowRunner()):
            handle = await session.client.start_workflow(Asked.run, id="behind", task_queue="q")
            await handle.result()
            assert await handle.query(Asked.word) == "yes"
        count = await session.count(["behind"], TaskLabel("tests/tls", "default", "task"))
        found = await session.reconcile(count.units)
    assert Counter(unit.kind for unit in count.units) == {"start_workflow": 1, "start_timer": 1, "query_workflow": 1}
    assert {(each.state, each.notes) for each in found} == {("agrees", ())}
    kept = [file for file in folder.rglob("*") if file.is_file()]
    assert any(file.name == "wire.jsonl" for file in kept)
    assert not [file for file in kept if KEY.encode() in file.read_bytes()]


async def test_a_certificate_that_nobody_trusts_is_said(
    endpoint: str, temporal_server: RunningServer, authority: trustme.CA, tmp_path: Path
) -> None:
    config = _config(endpoint, temporal_server, authority, tmp_path)
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    with pytest.raises(EngineMissingError, match="No Temporal server answers at"):
        async with TemporalEngine().session(make_config(temporal=config), tmp_path, lambda _line: None):
            pass


async def test_a_file_that_is_not_there_is_said(
    endpoint: str, temporal_server: RunningServer, authority: trustme.CA, tmp_path: Path
) -> None:
    config = _config(endpoint, temporal_server, authority, tmp_path)
    gone = config.model_copy(update={"tls_ca": tmp_path / "gone.pem"})
    with pytest.raises(EngineMissingError, match=r"gone\.pem"):
        async with TemporalEngine().session(make_config(temporal=gone), tmp_path, lambda _line: None):
            pass
