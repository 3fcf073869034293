"""Runs in the table `spans` of a dev server's database (1.44)."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from durameter_collectors.inngest.opcodes import FREE_OPS, STEP_OPS
from durameter_collectors.inngest.store.records import StoredRun, StoredStep

__all__ = ["runs_in_spans"]

_NAMES = ("executor.run", "executor.step", "executor.step.discovery", "executor.execution", "EXTEND")
"""Others repeat these or are none of the server's: nonstep, metadata, userland, executor.defer."""
_QUERY = """
SELECT run_id, name, dynamic_span_id, parent_span_id, start_time, status, attributes FROM spans
WHERE name IN (?, ?, ?, ?, ?) ORDER BY start_time, rowid
"""


@dataclass(slots=True)
class _Request:
    """One SDK request: an `executor.execution` row and what extends it."""

    job: str
    attempt: int
    cause: str
    """Id of the span that led to it."""
    status: int = 0
    """Of the reply; 0 when there was none."""
    operations: list[tuple[str, str, str]] = field(default_factory=list)
    """Opcode, step id and name."""


@dataclass(slots=True)
class _Rows:
    """The rows of one run, by what they are."""

    run: str = ""
    """Dynamic id of the run's own span."""
    statuses: dict[str, str] = field(default_factory=dict)
    """Latest status by dynamic id."""
    slug: str = ""
    requests: dict[str, _Request] = field(default_factory=dict)
    """By dynamic id, in order of their beginning."""
    steps: list[Mapping[str, Any]] = field(default_factory=list)
    queued: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    """Discovery spans by the request that led to them and their time."""
    planned: list[tuple[tuple[str, str], str]] = field(default_factory=list)
    """Steps that were planned, by the same key."""
    problems: list[str] = field(default_factory=list)


def runs_in_spans(store: sqlite3.Connection) -> Iterator[tuple[str, StoredRun]]:
    """Every run with its id.

    The join: an `executor.execution` belongs to the steps that its reply reports; where it failed as the function's
    error (RetryAfterError in Python) it has no `executor.step` row of its own, and is an attempt of the step that the
    last request of the same job reports. A request for a planned step has a discovery span for its parent that was
    written with the plan, at the very same time (inferred; every planned step of the tests has exactly one).
    """
    rows: dict[str, _Rows] = defaultdict(_Rows)
    for run, name, dynamic, parent, begun, status, attributes in store.execute(_QUERY, _NAMES):
        _sort(rows[str(run)], str(name), str(dynamic), str(parent), str(begun), str(status or ""), attributes)
    for run, found in rows.items():
        if found.run:
            yield run, _run(found)


def _sort(
    rows: _Rows, name: str, dynamic: str, parent: str, begun: str, status: str, attributes: str | bytes | None
) -> None:
    try:
        said = {key.removeprefix("_inngest."): value for key, value in json.loads(attributes or "{}").items()}
    except (ValueError, AttributeError):
        rows.problems.append(f"the attributes of a span ({name}) cannot be read")
        return
    if status:
        rows.statuses[dynamic] = status
    if name == "executor.run":
        rows.run, rows.slug = dynamic, str(said.get("function.slug") or "")
    elif name == "executor.step":
        rows.steps.append(said)
        if said.get("step.op") == "StepPlanned":
            rows.planned.append(((str(said.get("request.id")), begun), str(said.get("step.id"))))
    elif name == "executor.step.discovery":
        rows.queued[str(said.get("request.id")), begun].append(dynamic)
    elif name == "executor.execution":
        rows.requests[dynamic] = _Request(str(said.get("job.id") or ""), int(said.get("step.attempt") or 0), parent)
    elif dynamic in rows.requests:
        rows.requests[dynamic].operations += _operations(said.get("response.step.ops"), rows)
        rows.requests[dynamic].status = int(said.get("response.status_code") or rows.requests[dynamic].status)


def _operations(raw: object, rows: _Rows) -> Iterator[tuple[str, str, str]]:
    try:
        for each in json.loads(str(raw or "[]")):
            yield str(each["op"]), str(each["id"]), str(each.get("name") or "")
    except (ValueError, TypeError, KeyError, AttributeError):
        rows.problems.append("the opcodes of a reply cannot be read")


def _run(rows: _Rows) -> StoredRun:
    status = rows.statuses.get(rows.run, "").upper()
    run = StoredRun(rows.slug, "" if status in {"QUEUED", "SCHEDULED", "RUNNING", "WAITING"} else status)
    run.requests, run.problems = len(rows.requests), rows.problems
    run.unanswered = sum(not request.status for request in rows.requests.values())
    asked = _asked(rows)
    for said in rows.steps:
        op = str(said.get("step.op") or "")
        _step(run, op, str(said.get("step.id") or ""), _name(said), 1 + int(said.get("step.attempt") or 0))
    pieces: dict[str, list[_Request]] = defaultdict(list)
    for request in rows.requests.values():
        pieces[request.job].append(request)
        for op, step_id, name in request.operations:
            _step(run, op, step_id, name, 1 + request.attempt)
        if request.cause in asked and request.status:
            step_id = asked[request.cause]
            _done(run, step_id, run.planned.get(step_id, ""), "step_run", 1 + request.attempt)
    run.function_retries = sum(_unseen_retries(requests, asked) for requests in pieces.values())
    run.planned = {step_id: name for step_id, name in run.planned.items() if step_id not in run.steps}
    return run


def _name(said: Mapping[str, Any]) -> str:
    return str(said.get("step.name") or said.get("step.userland.id") or "")


def _step(run: StoredRun, op: str, step_id: str, name: str, attempts: int) -> None:
    rule = STEP_OPS.get(op)
    if rule is not None:
        _done(run, step_id, name, rule, attempts)
    elif op == "StepPlanned":
        run.planned.setdefault(step_id, name)
    elif op not in FREE_OPS:
        run.problems.append(f"no rule knows the opcode {op or '(none)'}")


def _done(run: StoredRun, step_id: str, name: str, rule: str, attempts: int) -> None:
    step = run.steps.setdefault(step_id, StoredStep(name, rule))
    step.name = step.name or name
    step.attempts = max(step.attempts, attempts)


def _asked(rows: _Rows) -> dict[str, str]:
    """Ids of planned steps by the discovery span under which they are asked for."""
    asked: dict[str, str] = {}
    for key, step_id in rows.planned:
        queued = rows.queued.get(key, [])
        if len(queued) == 1:
            asked[queued[0]] = step_id
        elif queued:
            rows.problems.append("two steps were planned at the same time: whose requests failed cannot be told")
    return asked


def _unseen_retries(requests: list[_Request], asked: Mapping[str, str]) -> int:
    """Retries of one piece of the queue that no step's attempts show."""
    shown = any(each.cause in asked or any(op in STEP_OPS for op, _, _ in each.operations) for each in requests)
    return 0 if shown else max(each.attempt for each in requests)
