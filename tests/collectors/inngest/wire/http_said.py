"""HTTP as it passes a tap, written by hand, and what the decoder makes of it."""

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from durameter_collectors.inngest.wire.client import ROW, WireRow
from durameter_collectors.inngest.wire.decode import InngestDecoder
from durameter_collectors.tapping.decoding import Kind, Record, Rows

Said = tuple[Kind, bytes]
RUN = "01M848CVAJQV2CGNMBWN7TMNPX"
LOOK = "a" * 40
STEP = [{"op": "StepRun", "id": LOOK, "displayName": "look", "data": {"text": "ü" * 50}}]


def message(start: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *, chunk: int = 0) -> bytes:
    """One message; in chunks of that size, or with a length."""
    fields = {"host": "127.0.0.1:3000", **(headers or {})}
    if chunk:
        fields["transfer-encoding"] = "chunked"
        pieces = [body[place : place + chunk] for place in range(0, len(body), chunk)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    elif "content-length" not in fields and not start.startswith("GET"):
        fields["content-length"] = str(len(body))
    head = "\r\n".join([start, *(f"{name}: {value}" for name, value in fields.items())])
    return head.encode() + b"\r\n\r\n" + body


def asked(
    *, run: str = RUN, attempt: int = 0, step: str = "step", headers: Mapping[str, str] | None = None, chunk: int = 0
) -> Said:
    """An SDK request."""
    body = json.dumps({"ctx": {"run_id": run, "attempt": attempt}, "event": {"name": "e"}, "steps": {}}).encode()
    start = f"POST /api/inngest?fnId=app-one&stepId={step} HTTP/1.1"
    return Kind.FROM_CLIENT, message(start, body, headers, chunk=chunk)


def replied(reply: Any = STEP, status: int = 206, *, headers: Mapping[str, str] | None = None, chunk: int = 0) -> Said:
    """A reply to it."""
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return Kind.FROM_SERVER, message(f"HTTP/1.1 {status} X", body, headers, chunk=chunk)


def posted(path: str, body: Any, headers: Mapping[str, str] | None = None) -> Said:
    """A call of a client to the server."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Kind.FROM_CLIENT, message(f"POST {path} HTTP/1.1", data, headers)


def decoded(said: Iterable[Said], route: str = "app", *, close: bool = True) -> list[WireRow]:
    """The rows of one connection; every record passes at second 1.5."""
    out = io.BytesIO()
    rows = Rows(out)
    decoder = InngestDecoder(rows)
    records = [(Kind.OPENED, route.encode()), *said, *([(Kind.CLOSED, b"")] if close else [])]
    for kind, data in records:
        decoder.take(Record(kind, 1, 1.5, data))
    rows.flush()
    return [ROW.validate_json(line) for line in out.getvalue().splitlines()]
