"""The server's own meter: the Prometheus counter `action`, per namespace and action type.

Blind spot: it has no workflow id, so it proves totals per kind and cannot say which task.
"""

import asyncio
import re
import time
from decimal import Decimal

import httpx
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["BLIND_SPOTS", "MeterError", "read_meter", "read_stable_meter"]

BLIND_SPOTS = ("which workflow and task an Action belongs to", "what the open-source server does not meter")

SETTLE_SECONDS = 1.5
"""Values lag about 1 s behind the calls (measured); two equal readings this far apart are taken as final."""


class MeterError(Exception):
    """The meter cannot be read."""


async def read_meter(http: httpx.AsyncClient, url: str, namespace: str) -> dict[str, Decimal]:
    """One reading.

    Args:
        http: the client to use.
        url: the server's metrics page.
        namespace: whose Actions. The server writes it with an underscore for every character that a label avoids.

    Returns:
        Action type → Actions so far. Empty when nothing was metered yet.

    Raises:
        MeterError: no answer, or not Prometheus text.
    """
    label = re.sub(r"[^a-zA-Z0-9_]", "_", namespace)
    try:
        page = (await http.get(url)).raise_for_status().text
        families = list(text_string_to_metric_families(_actions_only(page)))
    except (httpx.HTTPError, ValueError) as error:
        raise MeterError(f"The Temporal server's metrics page {url} cannot be read: {error!r}") from error
    counts: dict[str, Decimal] = {}
    for family in (family for family in families if family.name == "action"):
        for sample in family.samples:
            if sample.labels.get("namespace") == label:
                kind = sample.labels.get("action_type", "")
                counts[kind] = counts.get(kind, Decimal(0)) + Decimal(sample.value)
    return counts


def _actions_only(page: str) -> str:
    """The lines of the counter: a server with many namespaces has megabytes of others, a second's work to parse.

    Raises:
        ValueError: it is no metrics page.
    """
    lines = page.splitlines()
    if not any(line.startswith("# TYPE ") for line in lines):
        raise ValueError("not Prometheus text")
    return "\n".join(line for line in lines if line.startswith(("action{", "# TYPE action ", "# HELP action "))) + "\n"


async def read_stable_meter(
    http: httpx.AsyncClient, url: str, namespace: str, *, patience: float = 30.0
) -> dict[str, Decimal]:
    """Read until two readings, 1.5 s apart, are equal.

    Args:
        http: the client to use.
        url: the server's metrics page.
        namespace: whose Actions.
        patience: seconds after which a meter that still moves is an error.

    Raises:
        MeterError: as `read_meter`, or the values never settled.
    """
    deadline = time.monotonic() + patience
    before = await read_meter(http, url, namespace)
    while time.monotonic() < deadline:
        await asyncio.sleep(SETTLE_SECONDS)
        now = await read_meter(http, url, namespace)
        if now == before:
            return now
        before = now
    raise MeterError(f"The meter at {url} did not settle within {patience:.0f} s: something still runs in {namespace}.")
