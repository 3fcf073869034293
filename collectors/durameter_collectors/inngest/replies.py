"""What the app answered to the Inngest server, seen from inside the app: the source that is independent of the trace.

Blind spots: what the server did between two requests (a step that it planned and never asked for), retries that the
server makes itself (gateway steps), and functions of apps that are not wrapped.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from durameter_collectors.rulebook import load_rulebook

__all__ = [
    "BLIND_SPOTS",
    "Operation",
    "Reply",
    "ReplyRecorder",
    "RunReplies",
    "StepReplies",
    "counts_in_replies",
    "runs_in_replies",
]

BLIND_SPOTS = (
    "steps that the server does by itself are seen once, when the app asks for them (step.ai, step.fetch)",
    "apps that were not wrapped",
)

_log = logging.getLogger(__name__)

STEP_OPS: Mapping[str, str] = {
    "Step": "step_run",
    "StepRun": "step_run",
    "StepError": "step_run",
    "StepFailed": "step_run",
    "Sleep": "sleep",
    "WaitForEvent": "wait_for_event",
    "WaitForSignal": "wait_for_signal",
    "InvokeFunction": "invoke",
    "AIGateway": "gateway",
    "Gateway": "gateway",
}
"""Opcodes (pkg/enums/opcode.go of the server) by which an app reports a step, and the rule of each."""

FREE_OPS = frozenset({"None", "StepPlanned", "RunComplete", "SyncRunComplete", "DiscoveryRequest"})
"""Opcodes that are not a step execution: planning, discovery, the end of a run."""


class Operation(BaseModel):
    """One opcode of a reply."""

    model_config = ConfigDict(frozen=True)

    op: str
    id: str
    name: str


class Reply(BaseModel):
    """One SDK request and what the app answered."""

    model_config = ConfigDict(frozen=True)

    time: AwareDatetime
    function: str
    run: str
    target: str
    """The step that the server asked for; `step` when it left that to the app."""
    attempt: int
    """From 0, as the server sends it."""
    status: int
    operations: tuple[Operation, ...]
    request_bytes: int
    reply_bytes: int
    unreadable: str = ""
    """Why the exchange could not be understood, if so."""


@dataclass
class StepReplies:
    """One step as the replies of a run report it."""

    name: str
    rule: str
    attempts: int = 1


@dataclass
class RunReplies:
    """One run as the app saw it."""

    function: str
    requests: int = 0
    steps: dict[str, StepReplies] = field(default_factory=dict)
    """By step id."""
    ended: bool = False
    """A reply that ends the run was sent (200, or an error that is not retried)."""
    problems: list[str] = field(default_factory=list)


def runs_in_replies(replies: Iterable[Reply]) -> dict[str, RunReplies]:
    """Put the replies together, per run.

    Steps are the set of step ids that were reported as executed; attempts are 1 + the highest attempt number of a
    reply that reports the step.
    """
    runs: dict[str, RunReplies] = {}
    for reply in replies:
        run = runs.setdefault(reply.run, RunReplies(reply.function))
        run.requests += 1
        if reply.unreadable:
            run.problems.append(reply.unreadable)
        if reply.status == 200:
            run.ended = True
        for operation in reply.operations:
            rule = STEP_OPS.get(operation.op)
            if rule is None:
                if operation.op not in FREE_OPS:
                    run.problems.append(f"no rule knows the opcode {operation.op}")
                continue
            step = run.steps.setdefault(operation.id, StepReplies(operation.name, rule))
            step.attempts = max(step.attempts, 1 + reply.attempt)
    return runs


def counts_in_replies(runs: Mapping[str, RunReplies]) -> dict[str, dict[str, Decimal]]:
    """Run → kind → units of both readings, by the rulebook, as the ledger counts them."""
    rules = load_rulebook("inngest")
    counts: dict[str, dict[str, Decimal]] = {}
    for run_id, run in runs.items():
        kinds = Counter([rules.rule("run").kind])
        for step in run.steps.values():
            kinds[rules.rule(step.rule).kind] += 1
            kinds[rules.rule("step_retry").kind] += step.attempts - 1
        counts[run_id] = {kind: Decimal(count) for kind, count in kinds.items() if count}
    return counts


class ReplyRecorder:
    """ASGI middleware around an Inngest app that records every exchange and changes none.

    Bytes pass through as they come; the record is made after the reply has left, and never raises into the app.
    """

    def __init__(self, app: ASGIApp, sink: Callable[[Reply], None]) -> None:
        """Wrap `app`; every exchange with the server is given to `sink`."""
        self._app = app
        self._sink = sink

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection on."""
        if scope["type"] != "http" or scope["method"] != "POST" or b"fnId=" not in scope["query_string"]:
            await self._app(scope, receive, send)
            return
        request, reply, status = bytearray(), bytearray(), 0

        async def receiving() -> Message:
            message = await receive()
            request.extend(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                reply.extend(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receiving, sending)
        finally:
            self._record(scope["query_string"].decode("latin-1"), bytes(request), bytes(reply), status)

    def _record(self, query: str, request: bytes, reply: bytes, status: int) -> None:
        try:
            self._sink(read_exchange(query, request, reply, status, datetime.now(UTC)))
        except (OSError, ValueError) as error:  # the sink's disk; what cannot be parsed is a record, not an error
            _log.warning("An exchange with the Inngest server could not be recorded: %r", error)


def read_exchange(query: str, request: bytes, reply: bytes, status: int, moment: datetime) -> Reply:
    """One exchange as a record; what cannot be understood is said in `unreadable`."""
    parameters = parse_qs(query)
    problem, run, attempt = "", "", 0
    operations: tuple[Operation, ...] = ()
    try:
        context = json.loads(request)["ctx"]
        run, attempt = str(context["run_id"]), int(context.get("attempt") or 0)
    except (ValueError, KeyError, TypeError) as error:
        problem = f"a request cannot be read: {error!r}"
    if status == 206:
        try:
            operations = tuple(_operation(raw) for raw in json.loads(reply))
        except (ValueError, KeyError, TypeError) as error:
            problem = f"a reply cannot be read: {error!r}"
    return Reply(
        time=moment,
        function=parameters.get("fnId", [""])[0],
        run=run,
        target=parameters.get("stepId", [""])[0],
        attempt=attempt,
        status=status,
        operations=operations,
        request_bytes=len(request),
        reply_bytes=len(reply),
        unreadable=problem,
    )


def _operation(raw: Mapping[str, Any]) -> Operation:
    return Operation(op=str(raw["op"]), id=str(raw["id"]), name=str(raw.get("displayName") or raw.get("name") or ""))
