"""What is said of a server that runs already: one that asks for a key, one without GraphQL, none of Inngest's.

The answers are those of 1.44.0: `inngest start` with a signing key, and with `--no-ui` (seen 2026-11-24).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import fastapi
import httpx
import pytest
from pydantic import SecretStr

from durameter.engines.inngest.server import SELF_HOSTED, SigningKey, reach
from durameter.errors import EngineMissingError
from durameter.processes.asgi import serve_app

KEY = SecretStr("signkey-prod-00ff")


@asynccontextmanager
async def server(*, graphql: bool = True, keyed: bool = True) -> AsyncIterator[str]:
    app = fastapi.FastAPI()

    def allowed(request: fastapi.Request) -> bool:
        return not keyed or request.headers.get("authorization") == f"Bearer {KEY.get_secret_value()}"

    @app.get("/dev")
    async def dev(request: fastapi.Request) -> fastapi.Response:
        return fastapi.Response(status_code=404 if allowed(request) else 401)

    @app.get("/v2/runs")
    async def runs(request: fastapi.Request) -> fastapi.Response:
        if not allowed(request):
            return fastapi.Response("Authentication failed", status_code=401)
        return fastapi.responses.JSONResponse({"metadata": {"fetchedAt": "2026-11-24T00:00:00Z"}, "page": {"limit": 1}})

    @app.post("/v0/gql")
    async def gql() -> fastapi.Response:
        return fastapi.responses.JSONResponse({"data": {"runs": []}}, status_code=200 if graphql else 404)

    async with serve_app(app) as port:
        yield f"http://127.0.0.1:{port}"


async def test_a_server_with_keys_is_reached_with_its_key() -> None:
    async with server() as address:
        info = await reach(address, KEY)
    assert (info.version, info.address, info.tested) == (SELF_HOSTED, address, False)


async def test_a_missing_key() -> None:
    async with server() as address:
        with pytest.raises(EngineMissingError, match=r"asks for its signing key\. Set INNGEST_SIGNING_KEY"):
            await reach(address)


async def test_a_wrong_key_is_not_repeated() -> None:
    async with server() as address:
        with pytest.raises(EngineMissingError, match=r"refuses the signing key \(status 401\)") as told:
            await reach(address, SecretStr("signkey-prod-aaaa"))
    assert "aaaa" not in str(told.value)


async def test_a_server_without_graphql() -> None:
    async with server(graphql=False) as address:
        with pytest.raises(EngineMissingError, match=r"REST API of Inngest and not the GraphQL API.*Inngest Cloud"):
            await reach(address, KEY)


async def test_no_server_of_inngest() -> None:
    async with serve_app(fastapi.FastAPI()) as port:
        with pytest.raises(EngineMissingError, match=r"No Inngest server answers at .* \(status 404\)"):
            await reach(f"http://127.0.0.1:{port}")


async def test_the_key_goes_to_the_server_alone() -> None:
    """Apps are asked by the same client."""
    asked: dict[str, str | None] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        asked[str(request.url)] = request.headers.get("authorization")
        return httpx.Response(200)

    auth = SigningKey(KEY, "http://server.test:8288")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=auth) as http:
        await http.get("http://server.test:8288/v2/runs")
        await http.get("http://server.test:3000/api/inngest")
    assert asked == {
        "http://server.test:8288/v2/runs": "Bearer signkey-prod-00ff",
        "http://server.test:3000/api/inngest": None,
    }
