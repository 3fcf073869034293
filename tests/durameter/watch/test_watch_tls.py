"""`durameter watch --attach` on an endpoint that asks for TLS, a client certificate and an API key, as a cloud does.

The server is the real dev server; before it stands a front of this test's own, which ends TLS and copies bytes. What
the API key in a call's metadata opens is not tried here: the dev server asks for none.
"""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from watching import kinds, watch

from durameter.engines.base import RunningServer
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.server import connect, register

KEY = "key-that-nobody-may-keep"
NAMESPACE = "watched-tls"
# As Temporal's samples connect today: all that the environment says, and nothing else.
PROGRAM = """
import asyncio, os
from temporalio import workflow
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

@workflow.defn
class Asked:
    @workflow.run
    async def run(self) -> None: ...
    @workflow.query
    def word(self) -> str:
        return "yes"

async def main():
    client = await Client.connect(**ClientConfig.load_client_connect_config())
    async with Worker(client, task_queue="tls", workflows=[Asked], workflow_runner=UnsandboxedWorkflowRunner()):
        handle = await client.start_workflow(Asked.run, id="behind", task_queue="tls")
        await handle.result()
        await handle.query(Asked.word)
    os._exit(0)

asyncio.run(main())
"""
pytestmark = pytest.mark.servers


@pytest.fixture
async def endpoint(temporal_server: RunningServer, tmp_path: Path) -> AsyncIterator[str]:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    authority.issue_cert("temporal.test").configure_cert(context)
    authority.configure_trust(context)
    certificate = authority.issue_cert("client.test")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    there, _, port = temporal_server.info.address.rpartition(":")

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
        back, to = await asyncio.open_connection(there, int(port))
        await asyncio.gather(copy(reader, to), copy(back, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_a_program_behind_tls_and_a_key_is_counted(
    endpoint: str, temporal_server: RunningServer, tmp_path: Path
) -> None:
    """The query shows that its calls pass the tap; the key is in no file of the result."""
    await register(await connect(TemporalConfig(), temporal_server.info.address, NAMESPACE), NAMESPACE)
    (tmp_path / "program.py").write_text(PROGRAM)
    files = {
        name: str(tmp_path / f"{name.rpartition('_')[2].lower()}.pem") for name in ("TLS_CA", "TLS_CERT", "TLS_KEY")
    }
    done = await asyncio.to_thread(
        watch,
        tmp_path,
        "--attach",
        endpoint,
        command=[sys.executable, "program.py"],
        DURAMETER_TEMPORAL_API_KEY=KEY,
        DURAMETER_TEMPORAL_NAMESPACE=NAMESPACE,
        DURAMETER_TEMPORAL_TLS_SERVER_NAME="temporal.test",
        **{f"DURAMETER_TEMPORAL_{name}": file for name, file in files.items()},
        TEMPORAL_TLS_SERVER_NAME="the-users-own",  # which must not turn the command away from the tap
    )
    assert done.status == 0, done.errors
    assert {root: kinds(task) for root, task in done.by_root.items()} == {
        "behind": {"start_workflow": 1, "query_workflow": 1}
    }
    assert "not passed on to the command: TEMPORAL_TLS_SERVER_NAME" in done.errors
    kept = [file for file in done.folder.rglob("*") if file.is_file()]
    assert kept
    assert not [file for file in kept if KEY.encode() in file.read_bytes()]
