"""Apps on an Inngest server that others use: nobody's is taken over, and a killed measurement's runs are ended."""

from collections.abc import Collection
from datetime import datetime, timedelta

import httpx

from durameter.engines.inngest.config import InngestConfig
from durameter.errors import EngineMissingError
from durameter_collectors.inngest.api.graphql import ENDED, InngestApi

__all__ = ["make_way"]

_LEFT_OVER = timedelta(days=1)


async def make_way(
    app: str,
    server: str,
    *,
    config: InngestConfig,
    http: httpx.AsyncClient,
    now: datetime,
    own_ports: Collection[int],
) -> None:
    """Make a server ready for an app of this name.

    A server keeps one address per app: to register one is to take it over, with the runs that a killed measurement left
    going. They would call the new app in the name of its own tasks. Those of the last day are cancelled, which is free.

    Args:
        app: its id.
        server: base URL of the server.
        config: by which names the server knows this machine.
        http: to ask with.
        now: when this measurement began.
        own_ports: where this process itself serves apps.

    Raises:
        EngineMissingError: another living program serves the app.
        InngestApiError: the server does not list its runs, or does not cancel one.
    """
    about = (await http.get(f"{server}/dev")).raise_for_status().json()
    addresses = {
        step["uri"].partition("?")[0]
        for function in about.get("functions") or []
        if function["slug"].startswith(f"{app}-")
        for step in function["steps"]
    }
    for address in addresses:
        if httpx.URL(address).port not in own_ports and await _serves(address, config, http):
            raise EngineMissingError(
                f"The app {app} on the Inngest server at {server} is served by another program, at {address}; perhaps "
                "a measurement that still runs. Wait for it, or let durameter start a server of its own (remove "
                "[inngest] address or DURAMETER_INNGEST_ADDRESS)."
            )
    if addresses:
        api = InngestApi(http, server)
        async for run in api.runs_since(now - _LEFT_OVER):
            if run.function.slug.startswith(f"{app}-") and run.status not in ENDED:
                await api.cancel(run.id)


async def _serves(address: str, config: InngestConfig, http: httpx.AsyncClient) -> bool:
    """Whether an app of an Inngest SDK answers there."""
    url = httpx.URL(address)
    if url.host in {config.app_host, "localhost"}:  # names by which the server knows this machine
        url = url.copy_with(host=config.app_bind)
    try:
        return "function_count" in (await http.get(url)).json()
    except (httpx.HTTPError, ValueError):
        return False
