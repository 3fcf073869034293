"""The server's own meter: the Prometheus counter `action`, per namespace and action type.

Blind spot: it has no workflow id, so it proves totals per kind and cannot say which task.
"""

import asyncio
import re
import time
from collections import defaultdict
from decimal import Decimal

import httpx
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["BLIND_SPOTS", "Meter", "MeterError"]

BLIND_SPOTS = ("which workflow and task an Action belongs to", "what the open-source server does not meter")

SETTLE_SECONDS = 1.5
"""Values lag about 1 s behind the calls (measured); two equal readings this far apart are taken as final."""

_OURS = re.compile(rb"^(?:action\{|# (?:TYPE|HELP) action ).*$", re.MULTILINE)
"""The lines of the counter. A page has about a megabyte of other lines per namespace (measured)."""
_TYPE = b"# TYPE "

_Readings = dict[str, dict[str, Decimal]]
"""Namespace, as the server writes it → action type → Actions so far."""


class MeterError(Exception):
    """The meter cannot be read."""


class Meter:
    """One server's metrics page, read once for all who ask at the same time: it has every namespace."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url
        self._under_way: asyncio.Task[_Readings] | None = None
        self._next: asyncio.Task[_Readings] | None = None

    async def read(self, namespace: str) -> dict[str, Decimal]:
        """A reading that began after this was called.

        Args:
            namespace: whose Actions. The server writes it with an underscore for every character that a label avoids.

        Returns:
            Action type → Actions so far. Empty when nothing was metered yet.

        Raises:
            MeterError: no answer, or not Prometheus text.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._under_way))
        readings = await asyncio.shield(self._next)
        return readings.get(re.sub(r"[^a-zA-Z0-9_]", "_", namespace), {})

    async def read_stable(self, namespace: str, *, patience: float = 30.0) -> dict[str, Decimal]:
        """Read until two readings, 1.5 s apart, are equal.

        Args:
            namespace: whose Actions.
            patience: seconds after which a meter that still moves is an error.

        Raises:
            MeterError: as `read`, or the values never settled.
        """
        deadline = time.monotonic() + patience
        before = await self.read(namespace)
        while time.monotonic() < deadline:
            await asyncio.sleep(SETTLE_SECONDS)
            now = await self.read(namespace)
            if now == before:
                return now
            before = now
        raise MeterError(
            f"The meter at {self._url} did not settle within {patience:.0f} s: something still runs in {namespace}."
        )

    async def _after(self, earlier: "asyncio.Task[_Readings] | None") -> _Readings:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._under_way, self._next = self._next, None
        try:
            return await self._fetch()
        except (httpx.HTTPError, ValueError) as error:
            raise MeterError(f"The Temporal server's metrics page {self._url} cannot be read: {error!r}") from error

    async def _fetch(self) -> _Readings:
        """The page, in pieces: it may have 100 MB, of which some lines are ours."""
        ours: list[bytes] = []
        rest, is_page = b"", False
        # Packing such a page costs the server more than sending it as it is.
        headers = {"Accept-Encoding": "identity"}
        async with self._http.stream("GET", self._url, headers=headers) as answer:
            answer.raise_for_status()
            async for piece in answer.aiter_bytes():
                text = rest + piece
                whole = text.rfind(b"\n") + 1
                lines, rest = text[:whole], text[whole:]
                is_page = is_page or _TYPE in lines
                ours += _OURS.findall(lines)
        if not is_page:
            raise ValueError("not Prometheus text")
        return _parsed((b"\n".join([*ours, *_OURS.findall(rest)]) + b"\n").decode())


def _parsed(text: str) -> _Readings:
    readings: _Readings = defaultdict(lambda: defaultdict(Decimal))
    for family in text_string_to_metric_families(text):
        if family.name == "action":
            for sample in family.samples:
                kind = sample.labels.get("action_type", "")
                readings[sample.labels.get("namespace", "")][kind] += Decimal(sample.value)
    return {namespace: dict(kinds) for namespace, kinds in readings.items()}
