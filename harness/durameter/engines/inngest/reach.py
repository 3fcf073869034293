"""Reach an Inngest server that is already there: a dev server, or one of `inngest start`, which asks for a key."""

from collections.abc import Generator
from typing import Any

import httpx
from pydantic import SecretStr

from durameter.engines.base import ServerInfo
from durameter.engines.inngest import binary as inngest_binary
from durameter.errors import EngineMissingError

__all__ = ["SELF_HOSTED", "SigningKey", "reach"]

SELF_HOSTED = "self-hosted"
"""What stands for the version of a server that does not tell it."""
_SECONDS = 10.0


class SigningKey(httpx.Auth):
    """Gives the key to the server alone, never to an app that is asked by the same client."""

    def __init__(self, key: SecretStr, address: str) -> None:
        self._key = key
        self._server = httpx.URL(address)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header where the request goes to the server."""
        url = request.url
        if (url.scheme, url.host, url.port) == (self._server.scheme, self._server.host, self._server.port):
            request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


async def reach(address: str, key: SecretStr | None = None) -> ServerInfo:
    """Ask a server what it is.

    Args:
        address: its base URL.
        key: its signing key, where one is known.

    Raises:
        EngineMissingError: nothing that speaks Inngest answers, a key is missing or wrong, or its runs cannot be read.
    """
    auth = SigningKey(key, address) if key else None
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, auth=auth) as http:
            about = await http.get(f"{address}/dev")
            if about.is_success:
                return _info(address, str(about.json()["version"]))
            runs = await http.get(f"{address}/v2/runs", params={"limit": 1})
            gql = await http.post(f"{address}/v0/gql", json={"query": "{runs: apps{name}}"})
            problem = _problem(address, runs, shown=gql.is_success and "data" in _json(gql), keyed=key is not None)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError) as error:
        raise EngineMissingError(
            f"No Inngest dev server answers at {address}: {error!r}. Start it, or remove [inngest] address from the "
            "configuration (DURAMETER_INNGEST_ADDRESS, --attach) to let durameter start its own."
        ) from error
    if problem:
        raise EngineMissingError(problem)
    return _info(address, SELF_HOSTED)


def _info(address: str, version: str) -> ServerInfo:
    tested = version in inngest_binary.TESTED_VERSIONS
    return ServerInfo(version=version, origin="address", tested=tested, address=address)


def _problem(address: str, runs: httpx.Response, *, shown: bool, keyed: bool) -> str:
    if runs.status_code in {401, 403}:
        if keyed:
            return (
                f"The Inngest server at {address} refuses the signing key (status {runs.status_code}). Is it this "
                "server's, and of the right environment? INNGEST_SIGNING_KEY or DURAMETER_INNGEST_SIGNING_KEY has it."
            )
        return (
            f"The Inngest server at {address} asks for its signing key. Set INNGEST_SIGNING_KEY, or "
            "DURAMETER_INNGEST_SIGNING_KEY; it is never written to a result."
        )
    if shown:
        return ""
    if runs.is_success and isinstance(_json(runs).get("metadata"), dict):
        return (
            f"{address} has the REST API of Inngest and not the GraphQL API, by which durameter reads runs: Inngest "
            "Cloud, or a server with --no-ui. Run the program on a dev server (durameter watch without --attach), or "
            "start yours without --no-ui."
        )
    return (
        f"No Inngest server answers at {address} (status {runs.status_code}). Is that its address? A dev server's is "
        "http://127.0.0.1:8288. Without --attach or [inngest] address durameter starts its own."
    )


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
